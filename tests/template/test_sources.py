"""Sources: the state machine that pulls, its schedules, and what its functions may reach."""

from typing import Any

import pytest

from tests.template.application import (
    FUNCTIONS,
    MACHINES,
    RESOURCES,
    TEMPLATE,
    as_list,
    deployed_resources,
    of_type,
    policies,
    state_machine,
    statements_of,
)

MACHINE = state_machine("PullSource")
STATES: dict[str, dict[str, Any]] = MACHINE["States"]
TASKS = {name: state for name, state in STATES.items() if "FunctionName" in state.get("Parameters", {})}
PLANS = {"PlanPull", "PlanSettled", "PlanNarrower", "PlanNext"}
REACHING = {"PlanPull", "ExtractWindow", "CheckSource"}
"""Functions that open connections to sources."""
OF_SOURCES = {name for name, each in FUNCTIONS.items() if "/sources/" in each["CodeUri"]}
GIVEN_NETWORK = {
    "DatabaseSecretArn": "arn:aws:secretsmanager:us-east-1:000000000000:secret:given",
    "SubnetIds": "subnet-1,subnet-2",
    "SecurityGroupIds": "sg-1",
}


def called(name: str) -> str:
    function: str = TASKS[name]["Parameters"]["FunctionName"]
    return function


# -- The state machine ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TASKS)
def test_a_state_calls_the_function_that_shares_its_name_and_every_plan_the_same(name: str) -> None:
    assert called(name) == ("PlanPull" if name in PLANS else name)


@pytest.mark.parametrize("name", TASKS)
def test_a_state_waits_longer_than_its_function_may_run(name: str) -> None:
    assert TASKS[name]["TimeoutSeconds"] > FUNCTIONS[called(name)]["Timeout"]


@pytest.mark.parametrize("name", TASKS)
def test_a_source_that_does_not_answer_is_tried_for_minutes_by_the_states_that_reach_it(name: str) -> None:
    waits = [retry for retry in TASKS[name]["Retry"] if "SourceUnreachable" in retry["ErrorEquals"]]
    assert bool(waits) == (called(name) in REACHING)
    for wait in waits:
        delays = [
            min(wait["IntervalSeconds"] * wait["BackoffRate"] ** attempt, wait["MaxDelaySeconds"])
            for attempt in range(wait["MaxAttempts"])
        ]
        assert len(delays) == 4
        assert 240 <= sum(delays) <= 360


@pytest.mark.parametrize("name", TASKS)
def test_a_refused_source_is_not_retried(name: str) -> None:
    if name != "RecordPullFailure":
        retried = {error for retry in TASKS[name]["Retry"] for error in retry["ErrorEquals"]}
        assert not retried & {"RefusedSource", "Superseded", "WindowTooLarge", "States.ALL"}


@pytest.mark.parametrize("name", sorted(TASKS.keys() - {"RecordPullFailure"}))
def test_every_failure_is_recorded_except_that_another_execution_has_the_source(name: str) -> None:
    *others, last = TASKS[name]["Catch"]
    assert last == {"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "RecordPullFailure"}
    ends = {error: catch["Next"] for catch in others for error in catch["ErrorEquals"]}
    assert ends.pop("Superseded") == "Superseded"
    assert STATES["Superseded"]["Type"] == "Succeed"
    narrowing = {"WindowTooLarge", "Sandbox.Timedout", "States.Timeout"}
    planned_again = dict.fromkeys(narrowing, "PlanNarrower") | {"FileChanged": "PlanNext"}
    assert ends == (planned_again if name == "ExtractWindow" else {})


def test_an_execution_fails_even_if_its_failure_cannot_be_recorded() -> None:
    recording = TASKS["RecordPullFailure"]
    assert STATES[recording["Next"]]["Type"] == "Fail"
    assert [STATES[catch["Next"]]["Type"] for catch in recording["Catch"]] == ["Fail"]


def test_only_the_first_plan_sees_whether_the_execution_begins_again_with_all_rows() -> None:
    assert MACHINE["StartAt"] == "NameExecution"
    assert STATES["NameExecution"]["Next"] == "PlanPull"
    assert TASKS["PlanPull"]["Parameters"]["Payload.$"] == "$"
    leading = {name for name, state in STATES.items() if state.get("Next") == "PlanPull"}
    assert leading == {"NameExecution"}
    own = {"source.$": "$$.Execution.Input.source", "execution.$": "$$.Execution.Id"}
    payloads = {name: TASKS[name]["Parameters"]["Payload"] for name in PLANS - {"PlanPull"}}
    assert payloads == {
        "PlanSettled": own,
        "PlanNext": own,
        "PlanNarrower": own | {"narrow": True},
    }


def test_an_execution_that_has_pulled_its_share_starts_the_next_one_once() -> None:
    continued = STATES["ContinuePull"]
    scoring = state_machine("ScoreClaims")["States"]["ContinueScoring"]
    assert (continued["Retry"], continued["Catch"][0]["ErrorEquals"]) == (
        scoring["Retry"],
        scoring["Catch"][0]["ErrorEquals"],
    )
    assert continued["Catch"][0]["Next"] == continued["Next"] == "PullContinues"
    assert continued["Catch"][1]["Next"] == "RecordPullFailure"
    assert continued["Parameters"]["StateMachineArn.$"] == "$$.StateMachine.Id"
    # The same execution always requests the same name, which Step Functions accepts once.
    assert continued["Parameters"]["Name.$"] == "States.Hash($$.Execution.Name, 'SHA-256')"
    assert continued["Parameters"]["Input"] == {"source.$": "$$.Execution.Input.source"}
    assert RESOURCES["PullSourceContinues"]["Properties"]["Roles"] == [{"Ref": "PullSourceRole"}]


def test_files_that_still_grow_are_looked_at_once_more_and_then_by_the_next_execution() -> None:
    wait = STATES["WaitForFiles"]
    assert (wait["Type"], wait["SecondsPath"], wait["Next"]) == ("Wait", "$.seconds", "PlanSettled")
    assert TASKS["PlanSettled"]["Next"] == "Settled"
    assert [choice["Next"] for choice in STATES["Settled"]["Choices"]] == ["ExtractWindow"]
    assert STATES[STATES["Settled"]["Default"]]["Type"] == "Succeed"


def test_the_state_has_names_and_numbers_only() -> None:
    """What a plan returns is the state; the results of the other steps are dropped, or a flag."""
    assert all(TASKS[name]["OutputPath"] == "$.Payload" for name in PLANS)
    assert TASKS["ExtractWindow"]["ResultPath"] is None
    assert TASKS["CommitWindow"]["ResultSelector"] == {"more.$": "$.Payload.more"}
    assert TASKS["RecordPullFailure"]["ResultPath"] is None
    logging = MACHINES["PullSource"]["Logging"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ERROR", False)


def test_an_execution_has_a_timeout() -> None:
    assert MACHINE["TimeoutSeconds"] <= 24 * 3600


# -- Schedules -----------------------------------------------------------------------------------------------


def test_the_role_of_the_schedules_may_start_pulls_and_watch_and_only_this_group_has_it() -> None:
    role = RESOURCES["ScheduleRole"]["Properties"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {
            "aws:SourceAccount": {"Ref": "AWS::AccountId"},
            "aws:SourceArn": {"Fn::GetAtt": ["SourceSchedules", "Arn"]},
        }
    }
    [policy] = role["Policies"]
    assert {each["Action"]: each["Resource"] for each in policy["PolicyDocument"]["Statement"]} == {
        "states:StartExecution": {"Ref": "PullSource"},
        "lambda:InvokeFunction": {"Fn::GetAtt": ["WatchSource", "Arn"]},
        "sqs:SendMessage": {"Fn::GetAtt": ["SchedulesDeadLetters", "Arn"]},
    }


def test_schedules_are_changed_by_one_function_in_the_group_of_the_stack_only() -> None:
    changing = {
        name: statement
        for name, statement in policies()
        if any(action.startswith("scheduler:") for action in as_list(statement["Action"]))
    }
    assert changing.keys() == {"ApplySource"}
    assert changing["ApplySource"]["Resource"]["Fn::Sub"].endswith(":schedule/${SourceSchedules}/*")
    [passing] = [s for s in statements_of(FUNCTIONS["ApplySource"]) if s["Action"] == "iam:PassRole"]
    assert passing["Resource"] == {"Fn::GetAtt": ["ScheduleRole", "Arn"]}
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}


def test_a_source_that_fails_at_every_schedule_does_not_raise_the_alarms_at_every_schedule() -> None:
    for name in ("FailedPullsAlarm", "TimedOutPullsAlarm", "AbortedPullsAlarm"):
        alarm = RESOURCES[name]["Properties"]
        assert alarm["Period"] * alarm["EvaluationPeriods"] == 24 * 3600, name


# -- Rights --------------------------------------------------------------------------------------------------


def test_functions_of_sources_read_the_secrets_of_sources_and_only_those_that_connect_do() -> None:
    secrets = {
        name: [
            resource
            for statement in statements_of(FUNCTIONS[name])
            if statement["Action"] == "secretsmanager:GetSecretValue"
            for resource in as_list(statement["Resource"])
        ]
        for name in OF_SOURCES
    }
    key = {"Fn::GetAtt": ["PersonalDataKey", "Id"]}
    assert {name for name, resources in secrets.items() if resources} == REACHING
    for name in REACHING:
        [of_sources] = [each for each in secrets[name] if each != key]
        assert of_sources["Fn::Sub"].endswith(":secret:claimwatch/${AWS::StackName}/sources/*"), name


def test_nobody_but_extract_window_writes_windows_and_it_writes_nothing_else() -> None:
    statements = RESOURCES["LandingBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    [only] = [each for each in statements if each.get("Sid") == "OnlyExtractWindowWritesWindows"]
    assert (only["Effect"], only["Principal"], only["Action"]) == ("Deny", "*", "s3:PutObject")
    role = {"Fn::GetAtt": ["ExtractWindowRole", "Arn"]}
    assert only["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": role}}
    [write] = [s for s in statements_of(FUNCTIONS["ExtractWindow"]) if "s3:PutObject" in as_list(s["Action"])]
    windows = [
        {"Fn::Sub": f"${{LandingBucket.Arn}}/{dataset}/*/pull/*"} for dataset in ("claims", "outcomes")
    ]
    assert write["Resource"] == only["Resource"] == windows


def test_nobody_changes_sources_without_the_tag() -> None:
    statements = RESOURCES["ArtifactBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    [only] = [each for each in statements if each["Sid"] == "OnlyNamedIdentitiesChangeSources"]
    tag = {"aws:PrincipalTag/claimwatch-duty": "sources"}
    assert (only["Effect"], only["Principal"]) == ("Deny", "*")
    assert set(only["Action"]) == {"s3:PutObject", "s3:DeleteObject"}
    assert only["Resource"] == {"Fn::Sub": "${ArtifactBucket.Arn}/sources/*"}
    assert only["Condition"] == {"StringNotEquals": tag}
    changing = {
        statement["Sid"]: statement.get("Condition")
        for name, statement in policies()
        if name == "ManageSourcesPolicy"
        and statement["Sid"] in ("ChangeSources", "CheckSources", "PullSources")
    }
    with_tag = ("ChangeSources", "CheckSources", "PullSources")
    assert changing == {sid: {"StringEquals": tag} for sid in with_tag}


# -- Network -------------------------------------------------------------------------------------------------


def network_of(name: str, **given: str) -> dict[str, Any]:
    network: dict[str, Any] = deployed_resources(**given)[name]["Properties"].get("VpcConfig", {})
    return network


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"CheckScores", "CheckCaseApi"}))
def test_only_functions_that_connect_to_sources_may_reach_their_network(name: str) -> None:
    groups = network_of(name, SourceNetwork="10.20.0.0/16").get("SecurityGroupIds", [])
    reaching = {"Fn::GetAtt": ["SourceSecurityGroup", "GroupId"]}
    assert (reaching in groups) == (name in REACHING)
    assert reaching not in network_of(name).get("SecurityGroupIds", [])


def test_sources_are_reached_at_the_ports_of_their_kinds_and_nobody_connects_back() -> None:
    resources = deployed_resources(SourceNetwork="10.20.0.0/16")
    group = resources["SourceSecurityGroup"]["Properties"]
    assert {rule["FromPort"] for rule in group["SecurityGroupEgress"]} == {22, 1433, 1521, 2484, 3306, 5432}
    for rule in group["SecurityGroupEgress"]:
        assert rule["FromPort"] == rule["ToPort"]
        assert rule["CidrIp"] == {"Ref": "SourceNetwork"}
    assert "SecurityGroupIngress" not in group
    assert "SourceSecurityGroup" not in deployed_resources()
    assert "SourceSecurityGroup" not in deployed_resources(**GIVEN_NETWORK, SourceNetwork="10.20.0.0/16")


@pytest.mark.parametrize("given", [{}, GIVEN_NETWORK], ids=["own network", "given network"])
def test_other_subnets_are_for_the_functions_that_connect_to_sources_only(given: dict[str, str]) -> None:
    chosen = {"Ref": "SourceSubnetIds"}
    for name in FUNCTIONS.keys() - {"CheckScores", "CheckCaseApi"}:
        subnets = network_of(name, **given, SourceSubnetIds="subnet-9").get("SubnetIds")
        assert (subnets == chosen) == (name in REACHING), name
        assert network_of(name, **given).get("SubnetIds") != chosen, name


def test_what_a_nat_gateway_costs_is_said_where_it_is_chosen() -> None:
    description = TEMPLATE["Parameters"]["SourceSubnetIds"]["Description"]
    assert "32.85 USD a month" in " ".join(description.split())


def test_people_find_the_network_that_a_connection_to_sources_is_attached_to() -> None:
    outputs = TEMPLATE["Outputs"]
    assert outputs["NetworkId"]["Value"] == {"Ref": "Network"}
    assert outputs["RouteTableId"]["Value"] == {"Ref": "Routes"}
    assert of_type("AWS::EC2::RouteTable").keys() == {"Routes"}
