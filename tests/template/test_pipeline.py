"""The state machine: its names are the tree's names, it retries by name, and no failure goes unrecorded."""

import re

import pytest

from tests.template.application import FUNCTIONS, GLOBALS, PROJECT, RESOURCES, state_machine, states

MACHINE = state_machine()
BACKFILL = state_machine("ScoreClaims")
STATES = dict(states(MACHINE))
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
INVOCATIONS = {name: task for name, task in TASKS.items() if "FunctionName" in task["Parameters"]}
INSIDE_A_MAP = set(STATES) - set(MACHINE["States"])
RECORDING = {"RecordFailure", "RecordUnscored"}
SCORING = {"PlanScoring", "ScoreChunk", "ScoreChunks", "PublishScored"}
"""States after the commit: what fails there leaves the file committed."""


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_folder_and_resource_carry_the_same_verb(name: str) -> None:
    folder = PROJECT / FUNCTIONS[name]["CodeUri"]
    assert folder.name == snake(name)
    assert (folder / "handler.py").exists()
    assert GLOBALS["Handler"] == "handler.handler"


def test_every_folder_of_functions_is_a_function() -> None:
    folders = {path.parent for path in (PROJECT / "functions").glob("*/*/handler.py")}
    assert folders == {PROJECT / properties["CodeUri"].rstrip("/") for properties in FUNCTIONS.values()}


@pytest.mark.parametrize("name", INVOCATIONS)
def test_a_state_calls_the_function_of_its_own_name(name: str) -> None:
    assert INVOCATIONS[name]["Parameters"]["FunctionName"] == name
    assert name in FUNCTIONS


@pytest.mark.parametrize("name", INVOCATIONS)
def test_a_state_gives_its_function_the_time_it_has(name: str) -> None:
    assert TASKS[name]["TimeoutSeconds"] > FUNCTIONS[name]["Timeout"]


@pytest.mark.parametrize("name", TASKS)
def test_a_retry_backs_off_with_jitter_up_to_a_limit(name: str) -> None:
    assert TASKS[name]["Retry"]
    for retry in TASKS[name]["Retry"]:
        assert retry["BackoffRate"] > 1
        assert retry["JitterStrategy"] == "FULL"
        assert retry["MaxDelaySeconds"] <= 120


@pytest.mark.parametrize("name", sorted(set(TASKS) - RECORDING))
def test_only_named_faults_are_retried(name: str) -> None:
    named = [error for retry in TASKS[name]["Retry"] for error in retry["ErrorEquals"]]
    assert not set(named) & {"States.ALL", "States.TaskFailed"}


@pytest.mark.parametrize("name", sorted(set(INVOCATIONS) - RECORDING))
def test_passing_faults_are_retried_and_crashes_at_most_twice(name: str) -> None:
    attempts = {e: retry["MaxAttempts"] for retry in TASKS[name]["Retry"] for e in retry["ErrorEquals"]}
    assert attempts["TransientFault"] >= 5
    assert attempts["Lambda.TooManyRequestsException"] >= 5
    assert attempts["Sandbox.Timedout"] <= 2
    assert attempts["Runtime.ExitError"] <= 2


def test_all_functions_that_load_and_score_are_retried_alike() -> None:
    first, *others = (TASKS[name]["Retry"] for name in sorted(set(INVOCATIONS) - RECORDING))
    assert all(retry == first for retry in others)


@pytest.mark.parametrize(
    "name", sorted(set(MACHINE["States"]) & {*TASKS, "LoadChunks", "ScoreChunks"} - RECORDING)
)
def test_whatever_fails_is_recorded(name: str) -> None:
    caught = STATES[name]["Catch"]
    assert [catch["ErrorEquals"] for catch in caught] == [["States.ALL"]]
    assert caught[0]["Next"] == ("RecordUnscored" if name in SCORING else "RecordFailure")


@pytest.mark.parametrize("name", sorted(RECORDING))
def test_a_failure_that_cannot_be_recorded_still_fails_the_execution(name: str) -> None:
    catch = STATES[name]["Catch"][0]
    assert STATES[catch["Next"]]["Type"] == "Fail"
    assert STATES[STATES[name]["Next"]]["Type"] == "Fail"


def test_a_file_is_scored_after_it_is_committed_and_announced() -> None:
    assert STATES["CommitFile"]["Next"] == "PublishCommitted"
    assert STATES["PublishCommitted"]["Next"] == "HoldsClaims"
    assert STATES["HoldsClaims"]["Choices"][0]["Next"] == "PlanScoring"


@pytest.mark.parametrize("name", sorted(SCORING - {"PlanScoring", "PublishScored"}))
def test_what_is_stored_is_scored_as_a_file_is(name: str) -> None:
    assert dict(states(BACKFILL))[name] == STATES[name]


def test_the_backfill_records_what_fails_and_ends() -> None:
    found = BACKFILL["States"]
    assert {found[name]["Catch"][0]["Next"] for name in SCORING & set(found)} == {"RecordUnscored"}
    assert found["PlanScoring"]["Retry"] == STATES["PlanScoring"]["Retry"]
    assert BACKFILL["TimeoutSeconds"] <= 24 * 3600


def test_chunks_are_loaded_side_by_side_within_the_parameter_s_bound() -> None:
    assert STATES["LoadChunks"]["MaxConcurrency"] == STATES["ScoreChunks"]["MaxConcurrency"] == 4
    assert RESOURCES["ClaimsPipeline"]["Properties"]["DefinitionSubstitutions"]["ClaimsConcurrency"] == {
        "Ref": "ClaimsConcurrency"
    }


def test_the_results_of_the_chunks_do_not_stay_in_the_state() -> None:
    assert STATES["LoadChunks"]["ResultPath"] is None
    assert STATES["ScoreChunks"]["ResultPath"] is None


def test_logs_of_the_pipeline_hold_no_state() -> None:
    logging = RESOURCES["ClaimsPipeline"]["Properties"]["Logging"]
    assert logging["IncludeExecutionData"] is False
    assert logging["Level"] == "ERROR"


def test_every_execution_ends() -> None:
    assert MACHINE["TimeoutSeconds"] <= 24 * 3600
    assert all("TimeoutSeconds" in task for name, task in INVOCATIONS.items())


def test_the_default_state_machine_calls_only_functions_that_it_may_call() -> None:
    granted = RESOURCES["ClaimsPipeline"]["Properties"]["Policies"][0]["Statement"][0]["Resource"]
    assert {resource["Fn::GetAtt"][0] for resource in granted} == set(INVOCATIONS)
