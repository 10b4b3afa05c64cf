"""The state machine: its names are the tree's names, it retries by name, and no failure goes unrecorded."""

import re

import pytest

from tests.template.application import FUNCTIONS, GLOBALS, PROJECT, RESOURCES, state_machine, states

MACHINE = state_machine()
STATES = dict(states(MACHINE))
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
INVOCATIONS = {name: task for name, task in TASKS.items() if "FunctionName" in task["Parameters"]}
INSIDE_A_MAP = set(STATES) - set(MACHINE["States"])


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


@pytest.mark.parametrize("name", sorted(set(TASKS) - {"RecordFailure"}))
def test_only_named_faults_are_retried(name: str) -> None:
    named = [error for retry in TASKS[name]["Retry"] for error in retry["ErrorEquals"]]
    assert not set(named) & {"States.ALL", "States.TaskFailed"}


@pytest.mark.parametrize("name", sorted(set(INVOCATIONS) - {"RecordFailure"}))
def test_passing_faults_are_retried_and_crashes_at_most_twice(name: str) -> None:
    attempts = {e: retry["MaxAttempts"] for retry in TASKS[name]["Retry"] for e in retry["ErrorEquals"]}
    assert attempts["TransientFault"] >= 5
    assert attempts["Lambda.TooManyRequestsException"] >= 5
    assert attempts["Sandbox.Timedout"] <= 2
    assert attempts["Runtime.ExitError"] <= 2


def test_all_loading_functions_are_retried_alike() -> None:
    retries = [TASKS[name]["Retry"] for name in ("InspectFile", "LoadChunk", "CommitFile")]
    assert retries[0] == retries[1] == retries[2]


@pytest.mark.parametrize("name", sorted(set(MACHINE["States"]) & {*TASKS, "LoadChunks"} - {"RecordFailure"}))
def test_whatever_fails_is_recorded(name: str) -> None:
    caught = STATES[name]["Catch"]
    assert [catch["ErrorEquals"] for catch in caught] == [["States.ALL"]]
    assert caught[0]["Next"] == "RecordFailure"


def test_a_failure_that_cannot_be_recorded_still_fails_the_execution() -> None:
    catch = STATES["RecordFailure"]["Catch"][0]
    assert STATES[catch["Next"]]["Type"] == "Fail"
    assert STATES[STATES["RecordFailure"]["Next"]]["Type"] == "Fail"


def test_chunks_are_loaded_side_by_side_within_the_parameter_s_bound() -> None:
    assert STATES["LoadChunks"]["MaxConcurrency"] == 4
    assert RESOURCES["ClaimsPipeline"]["Properties"]["DefinitionSubstitutions"]["ClaimsConcurrency"] == {
        "Ref": "ClaimsConcurrency"
    }


def test_the_results_of_the_chunks_do_not_stay_in_the_state() -> None:
    assert STATES["LoadChunks"]["ResultPath"] is None


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
