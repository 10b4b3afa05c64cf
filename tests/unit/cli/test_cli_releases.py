"""`claimwatch deploy` reads and rolls back releases; answers have the shapes of the services' own models."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from typer.testing import CliRunner, Result

from cli import deploy
from cli.main import app

PIPELINE = "claimwatch-pipeline"
DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
ACCOUNT = "arn:aws:iam::111122223333:user/petra"
FUNCTION = "claimwatch-ScoreClaim-1"
ALIAS = f"arn:aws:lambda:eu-central-1:111122223333:function:{FUNCTION}:live"


def action(name: str, provider: str, category: str = "Deploy", **configuration: str) -> dict[str, Any]:
    kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": kind, "configuration": configuration}


STRUCTURE = {
    "pipeline": {
        "name": PIPELINE,
        "roleArn": "arn:aws:iam::111122223333:role/pipeline",
        "version": 1,
        "stages": [
            {
                "name": "Staging",
                "actions": [action("Deploy", "CloudFormation", StackName="claimwatch-staging")],
            },
            {"name": "Approve", "actions": [action("Approval", "Manual", "Approval")]},
            {"name": "Production", "actions": [action("Deploy", "CloudFormation", StackName="claimwatch")]},
        ],
    }
}


def execution(name: str, day: int, **more: Any) -> dict[str, Any]:
    return {
        "pipelineExecutionId": name,
        "status": "Succeeded",
        "startTime": DAY + timedelta(days=day),
        "trigger": {"triggerType": "WebhookV2"},
        "sourceRevisions": [{"actionName": "Source", "revisionId": f"{name}0123456789abcdef"}],
        **more,
    }


def brought_back(name: str, day: int, target: str) -> dict[str, Any]:
    rolled = {"rollbackMetadata": {"rollbackTargetPipelineExecutionId": target}, "executionType": "ROLLBACK"}
    return execution(name, day, **rolled)


def state(production: str, status: str = "Succeeded", *, waits: bool = False) -> dict[str, Any]:
    approval = {"status": "InProgress" if waits else "Succeeded", "token": "t", "lastStatusChange": DAY}
    return {
        "pipelineName": PIPELINE,
        "stageStates": [
            {
                "stageName": "Approve",
                "actionStates": [
                    {"actionName": "Approval", "latestExecution": approval, "entityUrl": "https://x"}
                ],
            },
            {
                "stageName": "Production",
                "latestExecution": {"pipelineExecutionId": production, "status": status},
            },
        ],
    }


def resources(*kinds: tuple[str, str]) -> dict[str, Any]:
    return {
        "StackResourceSummaries": [
            {
                "LogicalResourceId": f"Resource{number}",
                "PhysicalResourceId": physical,
                "ResourceType": kind,
                "LastUpdatedTimestamp": DAY,
                "ResourceStatus": "CREATE_COMPLETE",
            }
            for number, (kind, physical) in enumerate(kinds)
        ]
    }


GRADUAL = resources(
    ("AWS::Lambda::Alias", ALIAS),
    ("AWS::CodeDeploy::Application", "application"),
    ("AWS::CodeDeploy::DeploymentGroup", "group"),
)
AT_ONCE = resources(("AWS::Lambda::Alias", ALIAS))


class Account:
    """Stubbed clients; every call has to be announced, in its order, and every announced call to be made."""

    def __init__(self) -> None:
        self.clients: dict[str, Any] = {}
        self.stubs: dict[str, Stubber] = {}

    def client(self, service: str) -> Any:
        if service not in self.clients:
            keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
            made: Any = boto3.client(service, region_name="eu-central-1", **keys)  # type: ignore[call-overload]
            self.clients[service] = made
            self.stubs[service] = Stubber(made)
        return self.clients[service]

    def answers(self, service: str, operation: str, answer: dict[str, Any], **asked: Any) -> None:
        self.client(service)
        self.stubs[service].add_response(operation, answer, asked or None)

    def refuses(self, service: str, operation: str, code: str, message: str = "no") -> None:
        self.client(service)
        self.stubs[service].add_client_error(operation, code, message)

    @contextmanager
    def announced(self) -> Iterator[None]:
        with ExitStack() as stack:
            for stub in self.stubs.values():
                stack.enter_context(stub)
            yield
            for stub in self.stubs.values():
                stub.assert_no_pending_responses()

    # -- What commands ask first

    def has_pipeline(self, production: dict[str, Any], *executions: dict[str, Any]) -> None:
        self.answers("codepipeline", "get_pipeline", STRUCTURE, name=PIPELINE)
        self.answers("codepipeline", "get_pipeline_state", production, name=PIPELINE)
        listed = {"pipelineExecutionSummaries": list(executions)}
        self.answers("codepipeline", "list_pipeline_executions", listed, pipelineName=PIPELINE, maxResults=10)

    def has_no_pipeline(self) -> None:
        self.refuses("codepipeline", "get_pipeline", "PipelineNotFoundException")

    def shifts(self, stack: str, *deployments: str, listed: dict[str, Any] = GRADUAL) -> None:
        for _ in range(2):
            self.answers("cloudformation", "list_stack_resources", listed, StackName=stack)
        if listed is GRADUAL:
            self.answers(
                "codedeploy",
                "list_deployments",
                {"deployments": list(deployments)},
                applicationName="application",
                deploymentGroupName="group",
                includeOnlyStatuses=["Created", "Queued", "InProgress", "Baking", "Ready"],
            )

    def records(self, what: str, why: str, stack: str = "claimwatch") -> None:
        identity = {"Arn": ACCOUNT, "Account": "111122223333", "UserId": "x"}
        self.answers("sts", "get_caller_identity", identity)
        self.client("ssm")
        expected = {
            "Name": f"/claimwatch/{stack}/rollbacks",
            "Type": "String",
            "Overwrite": True,
            "Value": ANY,
        }
        self.stubs["ssm"].add_response("put_parameter", {"Version": 1}, expected)
        self.client("ssm").meta.events.register("before-parameter-build.ssm.PutParameter", self._keep)
        self.expected = {"what": what, "why": why, "by": ACCOUNT}

    def _keep(self, params: dict[str, Any], **_: Any) -> None:
        self.stored = {name: value for name, value in json.loads(params["Value"]).items() if name != "at"}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    made = Account()
    monkeypatch.setattr(deploy, "find_clients", lambda name, _: (name or "claimwatch", made.client))
    return made


def run(account: Account, *words: str) -> Result:
    with account.announced():
        return CliRunner().invoke(app, ["deploy", *words], catch_exceptions=False)


# -- Rollback


def test_while_traffic_shifts_the_deployments_are_stopped_and_the_reason_is_on_record(
    account: Account,
) -> None:
    account.has_pipeline(state("b", "InProgress"), execution("b", 2))
    account.shifts("claimwatch", "d-1", "d-2")
    account.records("stopped d-1, d-2", "wrong scores")
    for deployment in ("d-1", "d-2"):
        asked = {"deploymentId": deployment, "autoRollbackEnabled": True}
        account.answers("codedeploy", "stop_deployment", {"status": "Pending"}, **asked)
    result = run(account, "rollback", "--why", "wrong scores", "--json")
    assert (result.exit_code, json.loads(result.stdout)["stopped"]) == (0, ["d-1", "d-2"])
    assert account.stored == account.expected


def test_a_deployment_that_has_just_ended_is_left_alone(account: Account) -> None:
    account.has_no_pipeline()
    account.shifts("claimwatch", "d-1")
    account.records("stopped d-1", "w")
    account.refuses("codedeploy", "stop_deployment", "DeploymentAlreadyCompletedException")
    assert run(account, "rollback", "--why", "w").exit_code == 0


HISTORY = [execution("a", 1), execution("b", 2), execution("c", 3)]


@pytest.mark.parametrize(
    ("production", "succeeded", "target"),
    [
        (state("c"), HISTORY, "b"),
        (state("d", "Failed"), HISTORY, "c"),
        # Production runs b again, so the release before is a, not the one that was just given up.
        (state("r"), [*HISTORY, brought_back("r", 4, "b")], "a"),
        (state("d", "Failed"), [*HISTORY, brought_back("r", 4, "b")], "b"),
    ],
    ids=["the one before", "the last that worked", "further back in time", "the one that was brought back"],
)
def test_otherwise_the_pipeline_deploys_the_release_before(
    account: Account, production: dict[str, Any], succeeded: list[dict[str, Any]], target: str
) -> None:
    account.has_pipeline(production)
    account.shifts("claimwatch")
    account.answers(
        "codepipeline",
        "list_pipeline_executions",
        {"pipelineExecutionSummaries": succeeded},
        pipelineName=PIPELINE,
        filter={"succeededInStage": {"stageName": "Production"}},
    )
    account.records(f"{PIPELINE}: Production to {target}", "worse than before")
    asked = {"pipelineName": PIPELINE, "stageName": "Production", "targetPipelineExecutionId": target}
    account.answers("codepipeline", "rollback_stage", {"pipelineExecutionId": "new"}, **asked)
    result = run(account, "rollback", "--why", "worse than before", "--json")
    assert (result.exit_code, json.loads(result.stdout)["execution"]) == (0, "new")
    assert account.stored == account.expected


def test_a_release_can_be_named(account: Account) -> None:
    account.has_pipeline(state("c"))
    account.records(f"{PIPELINE}: Production to a", "w")
    account.answers("codepipeline", "rollback_stage", {"pipelineExecutionId": "new"})
    assert run(account, "rollback", "--why", "w", "--to", "a").exit_code == 0


def test_the_first_release_has_none_before(account: Account) -> None:
    account.has_pipeline(state("a"))
    account.shifts("claimwatch", listed=AT_ONCE)
    account.answers(
        "codepipeline", "list_pipeline_executions", {"pipelineExecutionSummaries": [execution("a", 1)]}
    )
    result = run(account, "rollback", "--why", "w")
    assert result.exit_code == 1
    assert "has no release before" in result.stderr


def test_without_a_pipeline_it_says_what_to_do(account: Account) -> None:
    account.has_no_pipeline()
    account.shifts("claimwatch", listed=AT_ONCE)
    result = run(account, "rollback", "--why", "w")
    assert result.exit_code == 1
    assert "run `make deploy`" in result.stderr


@pytest.mark.parametrize("why", ["", " ", "two\nlines"])
def test_nothing_is_rolled_back_without_a_reason(account: Account, why: str) -> None:
    assert run(account, "rollback", "--why", why).exit_code == 1
    assert account.clients == {}


def test_nothing_is_rolled_back_if_the_reason_cannot_be_stored(account: Account) -> None:
    account.has_no_pipeline()
    account.shifts("claimwatch", "d-1")
    account.answers("sts", "get_caller_identity", {"Arn": ACCOUNT, "Account": "1", "UserId": "x"})
    account.refuses("ssm", "put_parameter", "AccessDeniedException", "ssm:PutParameter")
    result = run(account, "rollback", "--why", "w")
    assert result.exit_code == 1
    assert "your identity may not do this: ssm:PutParameter" in result.stderr


# -- Status


def stack(name: str, version: str) -> dict[str, Any]:
    parameters = {"CodeVersion": version, "TreeSha256": "ab" * 32}
    described = {
        "StackName": name,
        "CreationTime": DAY,
        "StackStatus": "UPDATE_COMPLETE",
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    }
    return {"Stacks": [described]}


def test_status_shows_releases_weights_approvals_and_rollbacks(account: Account) -> None:
    account.has_pipeline(state("b", waits=True), execution("b", 2), brought_back("r", 3, "a"))
    for name, version, weights in (
        ("claimwatch-staging", "v2", {}),
        ("claimwatch", "v1", {"8": 0.1}),
    ):
        account.answers("cloudformation", "describe_stacks", stack(name, version), StackName=name)
        account.answers("cloudformation", "list_stack_resources", GRADUAL, StackName=name)
        routing = {"RoutingConfig": {"AdditionalVersionWeights": weights}} if weights else {}
        found = {"FunctionVersion": "7", **routing}
        account.answers("lambda", "get_alias", found, FunctionName=FUNCTION, Name="live")
        account.shifts(name, *(["d-1"] if weights else []))
    done = {"at": DAY.isoformat(), "by": "claimed", "what": "stopped d-0", "why": "slow"}
    stored = {"Value": json.dumps(done), "Version": 3, "LastModifiedUser": ACCOUNT}
    history = {"Name": "/claimwatch/claimwatch/rollbacks"}
    account.answers("ssm", "get_parameter_history", {"Parameters": [stored]}, **history)

    result = run(account, "status", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert [(each["stage"], each["code_version"]) for each in found["deployed"]] == [
        ("Staging", "v2"),
        ("Production", "v1"),
    ]
    assert [each["aliases"][0]["weights"] for each in found["deployed"]] == [{}, {"8": 0.1}]
    assert found["deployed"][1]["deployments"] == ["d-1"]
    assert [each["action"] for each in found["pipeline"]["approvals"]] == ["Approval"]
    assert found["pipeline"]["executions"][1]["rolls_back_to"] == "a"
    assert found["rollbacks"][0] | {"at": None} == done | {"by": ACCOUNT, "at": None}


def test_status_of_a_stack_without_a_pipeline_is_readable(account: Account) -> None:
    account.has_no_pipeline()
    account.answers("cloudformation", "describe_stacks", stack("claimwatch", "v1"))
    account.answers("cloudformation", "list_stack_resources", AT_ONCE)
    account.answers("lambda", "get_alias", {"FunctionVersion": "7"})
    account.shifts("claimwatch", listed=AT_ONCE)
    account.refuses("ssm", "get_parameter_history", "ParameterNotFound")
    result = run(account, "status")
    assert result.exit_code == 0
    assert "There is no pipeline claimwatch-pipeline" in result.stderr
    assert "Production, stack claimwatch: v1, tree abababababab, UPDATE_COMPLETE" in result.stdout


def test_a_stack_of_another_account_is_not_known_from_here(account: Account) -> None:
    account.has_pipeline(state("b"), execution("b", 2))
    for _ in range(2):
        account.refuses("cloudformation", "describe_stacks", "ValidationError", "does not exist")
    account.refuses("ssm", "get_parameter_history", "ParameterNotFound")
    result = run(account, "status")
    assert result.exit_code == 0
    assert "Production, stack claimwatch: not known" in result.stderr
