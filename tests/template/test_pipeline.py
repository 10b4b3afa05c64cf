"""The state machines: names match the source tree, retries name their errors, every failure is recorded."""

import json
import re

import pytest

from tests.template.application import FUNCTIONS, GLOBALS, MACHINES, PROJECT, RESOURCES, state_machine, states

MACHINE = state_machine()
BACKFILL = state_machine("ScoreClaims")
STATES = dict(states(MACHINE))
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
INVOCATIONS = {name: task for name, task in TASKS.items() if "FunctionName" in task["Parameters"]}
INSIDE_A_MAP = set(STATES) - set(MACHINE["States"])
RECORDING = {"RecordFailure", "RecordUnscored"}
SCORING = {"PlanScoring", "ScoreChunk", "ScoreChunks", "PublishScored"}
"""States after the commit: if one of them fails, the file stays committed."""


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_folder_and_resource_carry_the_same_verb(name: str) -> None:
    folder = PROJECT / FUNCTIONS[name]["CodeUri"]
    assert folder.name == snake(name)
    assert (folder / "handler.py").exists()
    assert GLOBALS["Handler"] == "handler.handler"


def test_every_function_folder_belongs_to_a_resource() -> None:
    folders = {path.parent for path in (PROJECT / "functions").glob("*/*/handler.py")}
    assert folders == {PROJECT / properties["CodeUri"].rstrip("/") for properties in FUNCTIONS.values()}


@pytest.mark.parametrize("name", INVOCATIONS)
def test_a_state_calls_the_function_that_shares_its_name(name: str) -> None:
    assert INVOCATIONS[name]["Parameters"]["FunctionName"] == name
    assert name in FUNCTIONS


@pytest.mark.parametrize("name", INVOCATIONS)
def test_a_state_waits_longer_than_its_function_may_run(name: str) -> None:
    assert TASKS[name]["TimeoutSeconds"] > FUNCTIONS[name]["Timeout"]


@pytest.mark.parametrize("name", TASKS)
def test_a_retry_backs_off_with_jitter_up_to_a_maximum_delay(name: str) -> None:
    assert TASKS[name]["Retry"]
    for retry in TASKS[name]["Retry"]:
        assert retry["BackoffRate"] > 1
        assert retry["JitterStrategy"] == "FULL"
        assert retry["MaxDelaySeconds"] <= 120


@pytest.mark.parametrize("name", sorted(set(TASKS) - RECORDING))
def test_only_named_errors_are_retried(name: str) -> None:
    named = [error for retry in TASKS[name]["Retry"] for error in retry["ErrorEquals"]]
    assert not set(named) & {"States.ALL", "States.TaskFailed"}


@pytest.mark.parametrize("name", sorted(set(INVOCATIONS) - RECORDING))
def test_transient_faults_are_retried_and_crashes_at_most_twice(name: str) -> None:
    attempts = {e: retry["MaxAttempts"] for retry in TASKS[name]["Retry"] for e in retry["ErrorEquals"]}
    assert attempts["TransientFault"] >= 5
    assert attempts["Lambda.TooManyRequestsException"] >= 5
    assert attempts["Sandbox.Timedout"] <= 2
    assert attempts["Runtime.ExitError"] <= 2


def test_loading_and_scoring_functions_share_the_same_retries() -> None:
    first, *others = (TASKS[name]["Retry"] for name in sorted(set(INVOCATIONS) - RECORDING))
    assert all(retry == first for retry in others)


@pytest.mark.parametrize(
    "name", sorted(set(MACHINE["States"]) & {*TASKS, "LoadChunks", "ScoreChunks"} - RECORDING)
)
def test_every_failure_is_recorded(name: str) -> None:
    caught = STATES[name]["Catch"]
    assert [catch["ErrorEquals"] for catch in caught] == [["States.ALL"]]
    assert caught[0]["Next"] == ("RecordUnscored" if name in SCORING else "RecordFailure")


@pytest.mark.parametrize("name", sorted(RECORDING))
def test_an_execution_fails_even_if_its_failure_cannot_be_recorded(name: str) -> None:
    catch = STATES[name]["Catch"][0]
    assert STATES[catch["Next"]]["Type"] == "Fail"
    assert STATES[STATES[name]["Next"]]["Type"] == "Fail"


def test_a_file_is_scored_after_its_commit_is_published() -> None:
    assert STATES["CommitFile"]["Next"] == "PublishCommitted"
    assert STATES["PublishCommitted"]["Next"] == "HoldsClaims"
    assert STATES["HoldsClaims"]["Choices"][0]["Next"] == "PlanScoring"


@pytest.mark.parametrize("name", sorted(SCORING - {"PlanScoring", "PublishScored"}))
def test_stored_claims_are_scored_by_the_same_states_as_a_file(name: str) -> None:
    assert dict(states(BACKFILL))[name] == STATES[name]


def test_the_backfill_records_failures_and_is_limited_in_time() -> None:
    found = BACKFILL["States"]
    assert {found[name]["Catch"][0]["Next"] for name in SCORING & set(found)} == {"RecordUnscored"}
    assert found["PlanScoring"]["Retry"] == STATES["PlanScoring"]["Retry"]
    assert BACKFILL["TimeoutSeconds"] <= 24 * 3600


@pytest.mark.parametrize("name", MACHINES)
def test_a_definition_is_a_json_file_that_editors_open(name: str) -> None:
    json.loads((PROJECT / MACHINES[name]["DefinitionUri"]).read_text())


@pytest.mark.parametrize(
    ("machine", "source", "map_state"),
    [
        ("ClaimsPipeline", "InspectFile", "LoadChunks"),
        ("ClaimsPipeline", "PlanScoring", "ScoreChunks"),
        ("ScoreClaims", "PlanScoring", "ScoreChunks"),
    ],
)
def test_claims_concurrency_limits_the_chunks_processed_in_parallel(
    machine: str, source: str, map_state: str
) -> None:
    found = state_machine(machine)["States"]
    assert found[map_state]["MaxConcurrencyPath"] == "$.concurrency"
    assert found[source]["ResultSelector"]["concurrency.$"] == "States.StringToJson('4')"
    assert MACHINES[machine]["DefinitionSubstitutions"]["ClaimsConcurrency"] == {"Ref": "ClaimsConcurrency"}


def test_the_results_of_the_chunks_are_dropped_from_the_state() -> None:
    assert STATES["LoadChunks"]["ResultPath"] is None
    assert STATES["ScoreChunks"]["ResultPath"] is None


def test_pipeline_logs_contain_no_execution_data() -> None:
    logging = RESOURCES["ClaimsPipeline"]["Properties"]["Logging"]
    assert logging["IncludeExecutionData"] is False
    assert logging["Level"] == "ERROR"


def test_every_execution_and_task_has_a_timeout() -> None:
    assert MACHINE["TimeoutSeconds"] <= 24 * 3600
    assert all("TimeoutSeconds" in task for name, task in INVOCATIONS.items())


def test_the_pipeline_may_invoke_exactly_the_functions_it_calls() -> None:
    granted = RESOURCES["ClaimsPipeline"]["Properties"]["Policies"][0]["Statement"][0]["Resource"]
    assert {resource["Fn::GetAtt"][0] for resource in granted} == set(INVOCATIONS)
