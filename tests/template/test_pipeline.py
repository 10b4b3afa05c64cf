"""The state machines: names match the source tree, retries name their errors, every failure is recorded."""

import json
import re

import botocore.session
import pytest

from tests.template.application import (
    FUNCTIONS,
    GLOBALS,
    MACHINES,
    PROJECT,
    RESOURCES,
    as_list,
    policies,
    state_machine,
    states,
)

MACHINE = state_machine()
BACKFILL = state_machine("ScoreClaims")
STATES = dict(states(MACHINE))
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
INVOCATIONS = {name: task for name, task in TASKS.items() if "FunctionName" in task["Parameters"]}
ALL_TASKS = {
    f"{machine}.{name}": state
    for machine in MACHINES
    for name, state in states(state_machine(machine))
    if state["Type"] == "Task"
}
"""Every task of every state machine."""
INSIDE_A_MAP = set(STATES) - set(MACHINE["States"])
RECORDING = {"RecordFailure", "RecordUnscored", "RecordPullFailure"}
SCORING = {
    "PlanScoring",
    "WorthScoring",
    "WithoutChampion",
    "ScoreChunk",
    "ScoreChunks",
    "PlanRemaining",
    "AllScored",
    "ContinueScoring",
    "ScoringContinues",
    "PublishScored",
    "RecordUnscored",
    "ScoringFailed",
}
"""States after the commit: if one of them fails, the file stays committed."""
FALLIBLE = {*TASKS, "LoadChunks", "ScoreChunks"} - INSIDE_A_MAP - RECORDING
LAMBDA = "arn:aws:states:::lambda:invoke"


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
    called = INVOCATIONS[name]["Parameters"]["FunctionName"]
    assert called == ("PlanScoring" if name == "PlanRemaining" else name)
    assert called in FUNCTIONS


@pytest.mark.parametrize("name", INVOCATIONS)
def test_a_state_waits_longer_than_its_function_may_run(name: str) -> None:
    assert TASKS[name]["TimeoutSeconds"] > FUNCTIONS[TASKS[name]["Parameters"]["FunctionName"]]["Timeout"]


@pytest.mark.parametrize("name", ALL_TASKS)
def test_a_retry_backs_off_with_jitter_up_to_a_maximum_delay(name: str) -> None:
    assert ALL_TASKS[name]["Retry"]
    for retry in ALL_TASKS[name]["Retry"]:
        assert retry["BackoffRate"] > 1
        assert retry["JitterStrategy"] == "FULL"
        assert retry["MaxDelaySeconds"] <= 120


def scoring(machine: str) -> bool:
    return "ContinueScoring" in state_machine(machine)["States"]


def recording(name: str) -> bool:
    return name.partition(".")[2] in RECORDING


@pytest.mark.parametrize("name", sorted(name for name in ALL_TASKS if not recording(name)))
def test_only_named_errors_are_retried(name: str) -> None:
    named = [error for retry in ALL_TASKS[name]["Retry"] for error in retry["ErrorEquals"]]
    assert not set(named) & {"States.ALL", "States.TaskFailed"}


@pytest.mark.parametrize("name", sorted(set(INVOCATIONS) - RECORDING))
def test_transient_faults_are_retried_and_crashes_at_most_twice(name: str) -> None:
    attempts = {e: retry["MaxAttempts"] for retry in TASKS[name]["Retry"] for e in retry["ErrorEquals"]}
    assert attempts["TransientFault"] >= 5
    assert attempts["Lambda.TooManyRequestsException"] >= 5
    assert attempts["Sandbox.Timedout"] <= 2
    assert attempts["Runtime.ExitError"] <= 2


@pytest.mark.parametrize("resource", sorted({task["Resource"] for task in ALL_TASKS.values()}))
def test_tasks_that_call_the_same_service_share_the_same_retries(resource: str) -> None:
    first, *others = (
        [each for each in task["Retry"] if each["ErrorEquals"] != ["SourceUnreachable"]]
        for name, task in ALL_TASKS.items()
        if task["Resource"] == resource and not recording(name)
    )
    assert all(retry == first for retry in others)


def test_recording_a_failure_is_retried_after_every_error() -> None:
    retries = [task["Retry"] for name, task in ALL_TASKS.items() if recording(name)]
    assert len(retries) == 4
    assert all([retry["ErrorEquals"] for retry in each] == [["States.ALL"]] for each in retries)


LASTING_LAMBDA_ERRORS = {
    # Refused requests: the next one would be refused, too.
    "InvalidParameterValueException",
    "InvalidRequestContentException",
    "RequestTooLargeException",
    "SerializedRequestEntityTooLargeException",
    "UnsupportedMediaTypeException",
    # The function, its code, its role or its network has to be changed first.
    "CodeArtifactUserDeletedException",
    "CodeArtifactUserFailedException",
    "EC2AccessDeniedException",
    "InvalidRuntimeException",
    "InvalidSecurityGroupIDException",
    "InvalidSubnetIDException",
    "InvalidZipFileException",
    "ModeNotSupportedException",
    "NoPublishedVersionException",
    "RecursiveInvocationException",
    "ResourceNotFoundException",
    "ServiceQuotaExceededException",
}
"""Errors of Lambda's Invoke that do not pass by themselves."""

UNUSED_LAMBDA_FEATURES = ("SnapStart", "EFS", "S3Files", "KMS", "DurableExecution")


def test_every_error_of_lambda_that_passes_by_itself_is_retried() -> None:
    """A function in a VPC that was idle for weeks answers ResourceNotReadyException at first."""
    invoke = botocore.session.get_session().get_service_model("lambda").operation_model("Invoke")
    passing = {
        f"Lambda.{error.name}"
        for error in invoke.error_shapes
        if error.name not in LASTING_LAMBDA_ERRORS and not error.name.startswith(UNUSED_LAMBDA_FEATURES)
    }
    assert "Lambda.ResourceNotReadyException" in passing
    # Step Functions itself reports these for calls of Lambda.
    passing |= {
        "Lambda.AWSLambdaException",
        "Lambda.ClientExecutionTimeoutException",
        "Lambda.SdkClientException",
    }
    [retried] = {
        frozenset(retry["ErrorEquals"])
        for name, task in ALL_TASKS.items()
        if task["Resource"] == LAMBDA and not recording(name)
        for retry in task["Retry"]
        if "Lambda.TooManyRequestsException" in retry["ErrorEquals"]
    }
    assert retried == passing


@pytest.mark.parametrize("name", sorted(FALLIBLE))
def test_every_failure_is_recorded(name: str) -> None:
    caught = STATES[name]["Catch"][-1]
    assert caught["ErrorEquals"] == ["States.ALL"]
    assert caught["Next"] == ("RecordUnscored" if name in SCORING else "RecordFailure")
    assert len(STATES[name]["Catch"]) == (2 if name == "ContinueScoring" else 1)


def test_the_execution_that_continues_is_started_once_however_often_it_is_requested() -> None:
    for machine in filter(scoring, MACHINES):
        continued = state_machine(machine)["States"]["ContinueScoring"]
        # The same execution always requests the same name, which Step Functions accepts once.
        assert continued["Parameters"]["Name.$"] == "States.Hash($$.Execution.Name, 'SHA-256')"
        assert continued["Parameters"]["Input.$"] == "$$.Execution.Input"
        already = continued["Catch"][0]
        assert set(already["ErrorEquals"]) == {
            "StepFunctions.ExecutionAlreadyExists",
            "StepFunctions.ExecutionAlreadyExistsException",
        }
        assert already["Next"] == continued["Next"] == "ScoringContinues"


def test_only_the_execution_that_finds_nothing_left_publishes_the_event() -> None:
    for machine in filter(scoring, MACHINES):
        found = state_machine(machine)["States"]
        leading = {
            name: [choice for choice in state.get("Choices", ()) if choice["Next"] == "PublishScored"]
            for name, state in found.items()
            if "PublishScored" in str(state)
        }
        assert set(leading) == {"WorthScoring", "AllScored"}
        for choices in leading.values():
            assert [choice["StringEquals"] for choice in choices] == ["done"]
        assert found["ScoringContinues"]["Type"] == "Succeed"


@pytest.mark.parametrize("name", sorted(RECORDING & TASKS.keys()))
def test_an_execution_fails_even_if_its_failure_cannot_be_recorded(name: str) -> None:
    catch = STATES[name]["Catch"][0]
    assert STATES[catch["Next"]]["Type"] == "Fail"
    following = STATES[STATES[name]["Next"]]
    if following["Type"] == "Choice":
        assert [choice["StringEquals"] for choice in following["Choices"]] == ["refused"]
        following = STATES[following["Default"]]
    assert following["Type"] == "Fail"


def test_a_file_is_scored_after_its_commit_is_published() -> None:
    assert STATES["CommitFile"]["Next"] == "PublishCommitted"
    assert STATES["PublishCommitted"]["Next"] == "HoldsClaims"
    assert STATES["HoldsClaims"]["Choices"][0]["Next"] == "PlanScoring"


@pytest.mark.parametrize("name", sorted(SCORING - {"ContinueScoring"}))
def test_stored_claims_are_scored_by_the_same_states_as_a_file(name: str) -> None:
    assert dict(states(BACKFILL))[name] == STATES[name]


def test_the_backfill_has_the_scoring_states_only_and_continues_itself() -> None:
    found = dict(states(BACKFILL))
    assert set(found) == SCORING
    assert BACKFILL["TimeoutSeconds"] <= 24 * 3600
    own, of_a_file = found["ContinueScoring"], STATES["ContinueScoring"]
    assert own["Parameters"]["StateMachineArn.$"] == "$$.StateMachine.Id"
    assert of_a_file["Parameters"]["StateMachineArn"] == "ScoreClaims"
    assert (own["Retry"], own["Catch"]) == (of_a_file["Retry"], of_a_file["Catch"])


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


@pytest.mark.parametrize("machine", MACHINES)
def test_a_state_machine_may_invoke_exactly_the_functions_it_calls(machine: str) -> None:
    granted = RESOURCES[machine]["Properties"]["Policies"][0]["Statement"][0]["Resource"]
    called = {
        task["Parameters"]["FunctionName"]
        for name, task in ALL_TASKS.items()
        if name.startswith(f"{machine}.") and task["Resource"] == LAMBDA
    }
    assert {resource["Fn::GetAtt"][0] for resource in granted} == called


def test_state_machines_that_score_may_start_score_claims_and_nothing_else() -> None:
    started = {
        name: statement["Resource"]
        for name, statement in policies()
        if "states:StartExecution" in as_list(statement["Action"]) and name not in FUNCTIONS
    }
    machine = {"Ref": "ScoreClaims"}
    starting = ("ScheduleRole", "ManageSourcesPolicy", "PullSourceContinues")
    of_sources = {name: {"Ref": "PullSource"} for name in starting}
    assert started == {"ClaimsPipeline": machine, "ScoreClaimsContinues": machine} | of_sources
    assert RESOURCES["ScoreClaimsContinues"]["Properties"]["Roles"] == [{"Ref": "ScoreClaimsRole"}]
