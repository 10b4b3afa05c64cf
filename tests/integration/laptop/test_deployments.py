"""On the laptop, a release shifts the traffic of an alias as CodeDeploy does, and turns back by itself."""

import io
import json
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from cli import deploy
from cli.main import app
from local.code_deploy import shifts
from local.emulator import Emulator
from local.processes import wait_until

MINUTE = 0.5
"""Seconds that a minute of CodeDeploy lasts here."""
BUCKET = "code"
ANSWER = """
import os
def handler(event, context):
    if os.environ["FAULT"] == "errors":
        raise RuntimeError("only traffic shows this")
    return {"version": context.function_version, "tree": os.environ["TREE"]}
"""
# The workers of functions have no boto3 of their own.
HOOK = f"""
import os, sys, tempfile
sys.path.append({str(Path(boto3.__file__).parent.parent)!r})
import boto3
def handler(event, context):
    called = os.path.join(tempfile.gettempdir(), event["DeploymentId"])
    answer = os.environ["ANSWERS"].split(",")[os.path.exists(called)]
    open(called, "w").close()
    if answer != "none":
        boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
            deploymentId=event["DeploymentId"],
            lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
            status=answer,
        )
"""
TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Tree: { Type: String }
  Gradual: { Type: String, Default: "true" }
  Shift: { Type: String, Default: Canary10Percent30Minutes }
  Fault: { Type: String, Default: none }
  HookAnswers: { Type: String, Default: "Succeeded,Succeeded" }
  HookPrefix: { Type: String, Default: CodeDeployHook_ }
  Memory: { Type: Number, Default: 128 }
Resources:
  Answer:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: handler.handler
      CodeUri: { Bucket: code, Key: answer.zip }
      MemorySize: !Ref Memory
      Environment: { Variables: { TREE: !Ref Tree, FAULT: !Ref Fault } }
      AutoPublishAlias: live
      AutoPublishCodeSha256: !Ref Tree
      DeploymentPreference:
        Enabled: !Ref Gradual
        Type: !Ref Shift
        Alarms: [!Ref Errors]
        Hooks: { PreTraffic: !Ref Hook, PostTraffic: !Ref Hook }
  Errors:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Namespace: AWS/Lambda
      MetricName: Errors
      Dimensions:
        - { Name: FunctionName, Value: !Ref Answer }
        - { Name: Resource, Value: !Sub "${Answer}:live" }
      Statistic: Sum
      Period: 10
      EvaluationPeriods: 1
      Threshold: 0
      ComparisonOperator: GreaterThanThreshold
      TreatMissingData: notBreaching
  Hook:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub "${HookPrefix}${AWS::StackName}"
      Runtime: python3.13
      Handler: handler.handler
      Timeout: 30
      CodeUri: { Bucket: code, Key: hook.zip }
      Environment: { Variables: { ANSWERS: !Ref HookAnswers, NEW_VERSION: !Ref Answer.Version } }
      DeploymentPreference: { Enabled: false }
      Policies:
        - Version: "2012-10-17"
          Statement:
            - Effect: Allow
              Action: codedeploy:PutLifecycleEventHookExecutionStatus
              Resource: !Sub
                - "arn:aws:codedeploy:${AWS::Region}:${AWS::AccountId}:deploymentgroup:${Application}/*"
                - { Application: !Ref ServerlessDeploymentApplication }
"""

type Row = dict[str, Any]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLAIMWATCH_CODE_DEPLOY_MINUTE", str(MINUTE))
        patch.setenv("CLAIMWATCH_ALIAS_SEED", "17")
        with Emulator(tmp_path_factory.mktemp("emulator")) as server:
            server.client("s3").create_bucket(Bucket=BUCKET)
            for name, source in {"answer": ANSWER, "hook": HOOK}.items():
                archive = io.BytesIO()
                with zipfile.ZipFile(archive, "w") as code:
                    code.writestr("handler.py", source)
                server.client("s3").put_object(Bucket=BUCKET, Key=f"{name}.zip", Body=archive.getvalue())
            yield server


class Release:
    """A stack with one function behind an alias."""

    def __init__(self, emulator: Emulator, name: str) -> None:
        self.name = name
        self.emulator = emulator
        self.formation = emulator.client("cloudformation")
        self.deploys = emulator.client("codedeploy")
        self.values: dict[str, str] = {"Tree": "1" * 64}
        self.arguments = {
            "StackName": name,
            "TemplateBody": TEMPLATE,
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        }
        self.formation.create_stack(**self.arguments, Parameters=self._parameters())
        assert self.ended() == "CREATE_COMPLETE", self.failures()

    def start_update(self, **values: str) -> None:
        """Start an update, with the values of the last one for other parameters."""
        self.values |= values
        self.formation.update_stack(**self.arguments, Parameters=self._parameters())

    def update(self, **values: str) -> str:
        """Update the stack and return its status at the end."""
        self.start_update(**values)
        return self.ended()

    def ended(self) -> str:
        """Wait for the end of the operation and return the status of the stack."""
        assert wait_until(lambda: not self.status().endswith("IN_PROGRESS"), 60, every=0.05), self.status()
        return self.status()

    def status(self) -> str:
        """Return the status of the stack."""
        [stack] = self.formation.describe_stacks(StackName=self.name)["Stacks"]
        return str(stack["StackStatus"])

    def failures(self) -> str:
        """Return the reasons of failed resources."""
        events = self.formation.describe_stack_events(StackName=self.name)["StackEvents"]
        return "\n".join(
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
            for event in events
            if event["ResourceStatus"].endswith("FAILED")
        )

    def resource(self, logical_id: str) -> str:
        """Return the physical id of a resource."""
        found = self.formation.describe_stack_resource(StackName=self.name, LogicalResourceId=logical_id)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def group(self) -> dict[str, str]:
        """Return the names of the application and of its deployment group."""
        return {
            "applicationName": self.resource("ServerlessDeploymentApplication"),
            "deploymentGroupName": self.resource("AnswerDeploymentGroup"),
        }

    def deployments(self) -> list[Row]:
        """Return the deployments, the newest first."""
        found = self.deploys.list_deployments(**self.group())["deployments"]
        return [self.deploys.get_deployment(deploymentId=name)["deploymentInfo"] for name in found]

    def alias(self) -> Row:
        """Return the version and the weights of the alias."""
        found = self.emulator.client("lambda").get_alias(FunctionName=self.resource("Answer"), Name="live")
        weights: Row = found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        return {"version": found["FunctionVersion"], "weights": weights}

    def wait_for_weights(self) -> None:
        """Wait until a share of the traffic reaches the new version."""
        assert wait_until(lambda: bool(self.alias()["weights"]), 30, every=0.02), self.failures()

    def call(self) -> str:
        """Call the alias; return the version that answered, or the class of its error."""
        answer = self.emulator.client("lambda").invoke(FunctionName=self.resource("Answer"), Qualifier="live")
        payload = json.loads(answer["Payload"].read())
        return str(payload["errorType"] if "FunctionError" in answer else payload["version"])

    @contextmanager
    def traffic(self) -> Iterator[Counter[str]]:
        """Call the alias continuously until the end of the block, and count the answers."""
        answers: Counter[str] = Counter()
        stopped = threading.Event()
        function, client = self.resource("Answer"), self.emulator.client("lambda")

        def run() -> None:
            while not stopped.is_set():
                answer = client.invoke(FunctionName=function, Qualifier="live")
                payload = json.loads(answer["Payload"].read())
                answers[payload["errorType"] if "FunctionError" in answer else payload["version"]] += 1

        with ThreadPoolExecutor(4) as pool:
            callers = [pool.submit(run) for _ in range(4)]
            try:
                yield answers
            finally:
                stopped.set()
            for caller in callers:
                caller.result()  # raises what a request without an answer raised

    def _parameters(self) -> list[Row]:
        return [{"ParameterKey": name, "ParameterValue": value} for name, value in self.values.items()]


def test_the_first_creation_of_an_alias_calls_no_hook_and_shifts_nothing(emulator: Emulator) -> None:
    release = Release(emulator, "first")  # its hook would refuse
    assert release.deployments() == []
    assert release.call() == "1"


def test_a_canary_sends_a_tenth_of_the_traffic_to_the_new_version_and_then_all(emulator: Emulator) -> None:
    release = Release(emulator, "canary")
    with release.traffic() as answers:
        release.start_update(Tree="2" * 64)
        release.wait_for_weights()
        assert release.alias() == {"version": "1", "weights": {"2": 0.1}}
        before = answers.total()
        assert wait_until(lambda: answers.total() >= before + 200, 30, every=0.02)
        seen, calls = Counter(answers), answers.total() - before
        assert release.alias()["weights"], "the calls took longer than the canary"
        assert release.ended() == "UPDATE_COMPLETE", release.failures()

    assert set(answers) == {"1", "2"}
    assert abs(seen["2"] - calls / 10) <= 4.5 * (calls * 0.1 * 0.9) ** 0.5, (seen, calls)
    assert release.alias() == {"version": "2", "weights": {}}
    assert release.call() == "2"
    [deployment] = release.deployments()
    assert deployment["status"] == "Succeeded"
    assert deployment["deploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent30Minutes"


def test_a_linear_shift_grows_by_equal_steps(emulator: Emulator) -> None:
    release = Release(emulator, "linear")
    release.start_update(Tree="2" * 64, Shift="Linear10PercentEvery2Minutes")
    seen: list[float] = []
    while release.status().endswith("IN_PROGRESS"):
        if (share := float(release.alias()["weights"].get("2", 0))) not in seen:
            seen.append(share)
        time.sleep(0.02)
    assert release.status() == "UPDATE_COMPLETE"
    assert [share for share in seen if share] == pytest.approx([step / 10 for step in range(1, 10)])


def test_a_version_that_its_hook_refuses_receives_no_request(emulator: Emulator) -> None:
    release = Release(emulator, "refused")
    with release.traffic() as answers:
        assert release.update(Tree="2" * 64, HookAnswers="Failed") == "UPDATE_ROLLBACK_COMPLETE"
    assert set(answers) == {"1"}
    assert release.alias() == {"version": "1", "weights": {}}
    [deployment] = release.deployments()
    assert (deployment["status"], deployment["errorInformation"]["code"]) == (
        "Failed",
        "HOOK_EXECUTION_FAILURE",
    )
    assert "AnswerAliaslive: CodeDeploy: HOOK_EXECUTION_FAILURE" in release.failures()


def test_a_hook_after_traffic_that_refuses_returns_the_traffic(emulator: Emulator) -> None:
    release = Release(emulator, "after")
    answers = {"HookAnswers": "Succeeded,Failed", "Shift": "AllAtOnce"}
    assert release.update(Tree="2" * 64, **answers) == "UPDATE_ROLLBACK_COMPLETE"
    assert release.alias() == {"version": "1", "weights": {}}
    assert "AfterAllowTraffic" in release.deployments()[0]["errorInformation"]["message"]


def test_a_hook_that_never_answers_fails_the_deployment_after_an_hour(emulator: Emulator) -> None:
    release = Release(emulator, "silent")
    started = time.monotonic()
    assert release.update(Tree="2" * 64, HookAnswers="none") == "UPDATE_ROLLBACK_COMPLETE"
    assert time.monotonic() - started > 60 * MINUTE
    assert release.alias() == {"version": "1", "weights": {}}
    assert release.deployments()[0]["errorInformation"]["code"] == "TIMEOUT"


def test_an_alarm_returns_the_traffic_and_rolls_the_stack_back(emulator: Emulator) -> None:
    release = Release(emulator, "alarm")
    with release.traffic() as answers:
        assert wait_until(lambda: answers["1"] > 20, 20)
        release.start_update(Tree="2" * 64, Fault="errors")
        release.wait_for_weights()
        before = answers.total()
        assert release.ended() == "UPDATE_ROLLBACK_COMPLETE"
        during = answers.total() - before
        later = {release.call() for _ in range(20)}

    assert later == {"1"}
    # Requests that were under way when the traffic returned count, too: one for each of the four callers.
    assert 0 < answers["RuntimeError"] <= 4 + during / 10 + 4.5 * (during * 0.1 * 0.9) ** 0.5, (
        answers,
        during,
    )
    assert set(answers) == {"1", "RuntimeError"}
    assert release.alias() == {"version": "1", "weights": {}}
    [deployment] = release.deployments()
    assert (deployment["status"], deployment["errorInformation"]["code"]) == ("Stopped", "ALARM_ACTIVE")
    assert "rollbackMessage" in deployment["rollbackInfo"]
    configuration = emulator.client("lambda").get_function_configuration(
        FunctionName=release.resource("Answer")
    )
    assert configuration["Environment"]["Variables"] == {"TREE": "1" * 64, "FAULT": "none"}


def test_a_deployment_that_is_stopped_returns_the_traffic(emulator: Emulator) -> None:
    release = Release(emulator, "stopped")
    release.start_update(Tree="2" * 64)
    release.wait_for_weights()
    [running] = release.deployments()
    assert running["status"] == "InProgress"

    release.deploys.stop_deployment(deploymentId=running["deploymentId"], autoRollbackEnabled=True)

    assert release.ended() == "UPDATE_ROLLBACK_COMPLETE"
    assert release.alias() == {"version": "1", "weights": {}}
    [ended] = release.deployments()
    assert (ended["status"], ended["errorInformation"]["code"]) == ("Stopped", "MANUAL_STOP")
    with pytest.raises(release.deploys.exceptions.DeploymentAlreadyCompletedException):
        release.deploys.stop_deployment(deploymentId=running["deploymentId"])


def test_one_command_returns_the_traffic_and_puts_the_reason_on_record(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = Release(emulator, "by-hand")
    monkeypatch.setattr(deploy, "find_clients", lambda *_: (release.name, emulator.client))
    release.start_update(Tree="2" * 64)
    release.wait_for_weights()
    [shown] = run_command("status")["deployed"]
    assert (shown["aliases"][0]["weights"], len(shown["deployments"])) == ({"2": 0.1}, 1)

    done = run_command("rollback", "--why", "wrong answers in the new version")
    assert done["stopped"] == shown["deployments"]
    assert release.ended() == "UPDATE_ROLLBACK_COMPLETE", release.failures()
    assert release.alias() == {"version": "1", "weights": {}}

    found = run_command("status")
    assert (found["deployed"][0]["deployments"], found["deployed"][0]["aliases"][0]["version"]) == ([], "1")
    [on_record] = found["rollbacks"]
    assert on_record["why"] == "wrong answers in the new version"
    assert on_record["by"] == "arn:aws:iam::000000000000:root"


def test_without_a_shift_and_a_pipeline_the_command_says_what_to_do(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = Release(emulator, "settled")
    monkeypatch.setattr(deploy, "find_clients", lambda *_: (release.name, emulator.client))
    refusal = run_command("rollback", "--why", "w")["error"]
    assert "no traffic of stack settled shifts" in refusal
    assert run_command("status")["rollbacks"] == []


def run_command(*words: str) -> Row:
    result = CliRunner().invoke(app, ["deploy", *words, "--json"], catch_exceptions=False)
    document: Row = json.loads(result.stdout)
    return document


def test_an_update_that_publishes_no_version_shifts_nothing(emulator: Emulator) -> None:
    release = Release(emulator, "unchanged")
    assert release.update(Memory="256") == "UPDATE_COMPLETE"
    assert release.deployments() == []
    assert release.alias() == {"version": "1", "weights": {}}


def test_a_release_after_a_failed_one_shifts_to_its_own_version(emulator: Emulator) -> None:
    release = Release(emulator, "again")
    assert release.update(Tree="2" * 64, HookAnswers="Failed") == "UPDATE_ROLLBACK_COMPLETE"
    good = {"Tree": "3" * 64, "HookAnswers": "Succeeded,Succeeded", "Shift": "AllAtOnce"}
    assert release.update(**good) == "UPDATE_COMPLETE", release.failures()
    assert release.alias() == {"version": "3", "weights": {}}


def test_without_gradual_deployment_the_alias_moves_at_once(emulator: Emulator) -> None:
    release = Release(emulator, "at-once")
    assert release.update(Tree="2" * 64, Gradual="false") == "UPDATE_COMPLETE"
    assert release.alias() == {"version": "2", "weights": {}}


def test_two_stacks_release_at_the_same_time_without_each_other_s_traffic(emulator: Emulator) -> None:
    staging, production = Release(emulator, "staging"), Release(emulator, "production")
    staging.start_update(Tree="2" * 64)
    production.start_update(Tree="2" * 64, HookAnswers="Failed")
    staging.wait_for_weights()  # while the other stack is deployed

    assert production.ended() == "UPDATE_ROLLBACK_COMPLETE"
    assert staging.alias() == {"version": "1", "weights": {"2": 0.1}}
    assert [found["status"] for found in staging.deployments()] == ["InProgress"]
    assert [found["status"] for found in production.deployments()] == ["Failed"]
    assert staging.ended() == "UPDATE_COMPLETE"
    assert production.alias() == {"version": "1", "weights": {}}


def test_the_service_role_may_call_only_hooks_with_the_prefix(emulator: Emulator) -> None:
    release = Release(emulator, "prefix")
    assert release.update(Tree="2" * 64, HookPrefix="check_") == "UPDATE_ROLLBACK_COMPLETE"
    assert "AccessDenied" in release.failures()


def test_requests_need_a_permission_for_the_deployment_group(emulator: Emulator) -> None:
    release = Release(emulator, "permissions")
    assert release.update(Tree="2" * 64, Shift="AllAtOnce") == "UPDATE_COMPLETE"
    [deployment] = release.deployments()
    iam = emulator.client("iam")
    iam.create_user(UserName="reader")
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    reader = emulator.client("codedeploy", **keys)
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.get_deployment(deploymentId=deployment["deploymentId"])

    group = "/".join(release.group().values())
    statement = {
        "Effect": "Allow",
        "Action": "codedeploy:GetDeployment",
        "Resource": f"arn:aws:codedeploy:us-east-1:000000000000:deploymentgroup:{group}",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_user_policy(UserName="reader", PolicyName="own", PolicyDocument=document)
    assert (
        reader.get_deployment(deploymentId=deployment["deploymentId"])["deploymentInfo"]["status"]
        == "Succeeded"
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.stop_deployment(deploymentId=deployment["deploymentId"])


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ("CodeDeployDefault.LambdaAllAtOnce", [(1.0, 0)]),
        ("CodeDeployDefault.LambdaCanary10Percent5Minutes", [(0.1, 5), (1.0, 0)]),
        (
            "CodeDeployDefault.LambdaLinear10PercentEvery1Minute",
            [(n / 10, 1) for n in range(1, 10)] + [(1.0, 0)],
        ),
    ],
)
def test_a_configuration_is_a_list_of_shares_and_minutes(
    configuration: str, expected: list[tuple[float, float]]
) -> None:
    assert list(shifts(configuration)) == expected


def test_a_configuration_that_the_stand_in_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="is not known"):
        shifts("CodeDeployDefault.ECSAllAtOnce")
