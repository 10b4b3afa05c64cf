"""The smoke test detects a stack that does not work, with the rights of its role, and cleans up."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from local.emulator import REGION, laptop_environment
from local.processes import wait_until
from local.servers import STACK_NAME
from smoke.claims import LINE
from smoke.sign_in import Pool, TemporaryPerson
from smoke.steps import Clock
from smoke.web import Web
from tests.cluster import PROJECT
from tests.deployed import Deployed

MOST_SECONDS = 60
CALLBACK = "http://localhost:8400/"


@pytest.fixture(scope="module")
def as_verifier(deployed: Deployed) -> Mapping[str, str]:
    """The environment of a process with exactly the rights of the role that verifies deployments."""
    iam = deployed.client("iam")
    tags = [{"Key": "claimwatch-duty", "Value": "contracts"}]
    iam.create_user(UserName="verifier", Tags=tags)
    iam.put_user_policy(UserName="verifier", PolicyName="verify", PolicyDocument=rights())
    key = iam.create_access_key(UserName="verifier")["AccessKey"]
    own = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    return laptop_environment(deployed.stack.endpoint_url) | own


def rights() -> str:
    """Return the policy of the role in deployment-roles.yaml as it stands, for the deployed stack."""
    roles = yaml_parse((PROJECT / "deployment-roles.yaml").read_text("utf-8"))["Resources"]
    [policy] = roles["VerifyRole"]["Properties"]["Policies"]
    known = {
        "AWS::Partition": "aws",
        "AWS::Region": REGION,
        "AWS::AccountId": "000000000000",
        "StackName": STACK_NAME,
    }

    def resolved(value: Any) -> Any:
        if isinstance(value, dict) and "Fn::Sub" in value:
            return re.sub(r"\$\{([\w:]+)\}", lambda name: known[name[1]], value["Fn::Sub"])
        if isinstance(value, dict):
            return {name: resolved(each) for name, each in value.items()}
        return [resolved(each) for each in value] if isinstance(value, list) else value

    return json.dumps(resolved(policy["PolicyDocument"]))


def smoke(environment: Mapping[str, str], folder: Path, *options: str) -> dict[str, Any]:
    """Run the smoke test as the pipeline does, and return its report with the exit code."""
    report = folder / "smoke.json"
    done = subprocess.run(
        [sys.executable, "-m", "smoke", "--stack", STACK_NAME, "--json", str(report), *options],
        cwd=PROJECT,
        env={**environment, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), done.stderr
    found: dict[str, Any] = json.loads(report.read_text("utf-8"))
    assert "Traceback" not in done.stderr
    if found["failure"]:
        assert found["failure"] in done.stderr
    return found | {"exit_code": done.returncode}


def people(deployed: Deployed) -> list[str]:
    pool = deployed.outputs["UserPoolId"]
    found = deployed.client("cognito-idp").list_users(UserPoolId=pool)["Users"]
    return sorted(user["Username"] for user in found)


def objects(deployed: Deployed) -> list[str]:
    found = deployed.client("s3").list_object_versions(
        Bucket=deployed.outputs["LandingBucket"], Prefix=f"claims/{LINE}/"
    )
    return [version["Key"] for kind in ("Versions", "DeleteMarkers") for version in found.get(kind, [])]


def state_of_scores(deployed: Deployed) -> str:
    """The state of the alarm on answers 503, whose metric comes from lines of the log of this stack."""
    name = deployed.resource("ScoresUnavailableAlarm")
    [alarm] = deployed.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return str(alarm["StateValue"])


@contextmanager
def nothing_left(deployed: Deployed) -> Iterator[None]:
    """Fail if a run leaves a person or an object behind."""
    before = people(deployed)
    yield
    assert people(deployed) == before
    assert objects(deployed) == []


def test_a_stack_that_works_passes_within_a_minute(
    deployed: Deployed, as_verifier: Mapping[str, str], tmp_path: Path
) -> None:
    begun = time.monotonic()
    with nothing_left(deployed):
        report = smoke(as_verifier, tmp_path)
    seconds = time.monotonic() - begun
    assert (report["exit_code"], report["passed"], report["left"]) == (0, True, [])
    assert seconds < MOST_SECONDS
    notes = {step["name"]: step["note"] for step in report["steps"]}
    assert notes["find the claims"] == "20 are visible, 2 are not"
    assert notes["find the score in the audit"] == "by verifier"
    [file] = deployed.query("SELECT * FROM claimwatch.file WHERE key LIKE %s", f"%{report['run']}%")
    assert (file["rows_loaded"], file["rows_quarantined"]) == (20, 2)


def test_a_deployment_is_verified_by_its_release(
    deployed: Deployed, as_verifier: Mapping[str, str], tmp_path: Path
) -> None:
    release = tmp_path / "release.json"
    [stack] = deployed.client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
    [tree] = [each["ParameterValue"] for each in stack["Parameters"] if each["ParameterKey"] == "TreeSha256"]
    release.write_text(json.dumps({"tree_sha256": tree}))
    # Other tests of this stack make scores unavailable for a while.
    assert wait_until(lambda: state_of_scores(deployed) != "ALARM", 180, every=1)
    with nothing_left(deployed):
        report = smoke(as_verifier, tmp_path, "--verify", "--release", str(release))
    assert (report["exit_code"], report["failure"]) == (0, None)
    notes = {step["name"]: step["note"] for step in report["steps"]}
    assert notes["compare with the release"] == tree[:12]
    assert "ScoreClaim" in notes["look at the aliases"]
    assert "CaseApi" in notes["look at the aliases"]

    release.write_text(json.dumps({"tree_sha256": "ab" * 32}))
    report = smoke(as_verifier, tmp_path, "--verify", "--release", str(release))
    assert (report["exit_code"], report["failed_step"]) == (1, "compare with the release")
    assert "and the release abababababab" in report["failure"]


def test_a_second_run_finds_the_contract_in_force(
    deployed: Deployed, as_verifier: Mapping[str, str], tmp_path: Path
) -> None:
    smoke(as_verifier, tmp_path)
    with nothing_left(deployed):
        report = smoke(as_verifier, tmp_path, "--without-sign-in")
    notes = {step["name"]: step["note"] for step in report["steps"]}
    assert report["exit_code"] == 0
    assert notes["apply the contract"].endswith("is in force")
    assert notes["sign in"] == "not tried, as asked"


def test_a_database_that_sleeps_is_waited_for(
    deployed: Deployed, as_verifier: Mapping[str, str], tmp_path: Path
) -> None:
    smoke(as_verifier, tmp_path, "--without-sign-in")
    server = deployed.stack.servers.postgres
    server.stop()
    wake_up = threading.Timer(6, server.start)
    wake_up.start()
    begun = time.monotonic()
    try:
        report = smoke(as_verifier, tmp_path)
    finally:
        wake_up.join()
    assert (report["exit_code"], report["failure"]) == (0, None)
    assert time.monotonic() - begun > 6


def test_a_person_registers_an_authenticator_if_the_pool_requires_one(deployed: Deployed) -> None:
    """The emulator's page does not ask for a one-time password, so here only the user pool checks it."""
    cognito, outputs, clock = deployed.client("cognito-idp"), deployed.outputs, Clock(60)
    pool = outputs["UserPoolId"]
    cognito.set_user_pool_mfa_config(
        UserPoolId=pool, SoftwareTokenMfaConfiguration={"Enabled": True}, MfaConfiguration="ON"
    )
    signing_in = Pool(pool, outputs["UserPoolClientId"], outputs["SignInUrl"], CALLBACK, totp=True)
    web = Web(deployed.stack.endpoint_url)
    person = TemporaryPerson(cognito, signing_in, "smoke-totp", web, clock, time.time)
    try:
        with nothing_left(deployed):
            person.create()
            settings = cognito.admin_get_user(UserPoolId=pool, Username="smoke-totp")["UserMFASettingList"]
            token = person.sign_in()
            person.delete()
    finally:
        cognito.set_user_pool_mfa_config(UserPoolId=pool, MfaConfiguration="OFF")
    assert settings == ["SOFTWARE_TOKEN_MFA"]
    assert token.count(".") == 2


def test_a_contract_that_is_not_applied_is_named(
    deployed: Deployed, as_verifier: Mapping[str, str], tmp_path: Path
) -> None:
    functions, name = deployed.client("lambda"), deployed.resource("ApplyContract")
    [mapping] = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    parameter = f"/claimwatch/{STACK_NAME}/contracts/{LINE}"
    ssm = deployed.client("ssm")
    ssm.delete_parameters(Names=[parameter])  # of an earlier run, if there was one
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        with nothing_left(deployed):
            report = smoke(as_verifier, tmp_path, "--timeout", "6")
    finally:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    assert (report["exit_code"], report["failed_step"]) == (1, "apply the contract")
    assert "was stored but not applied. Where: object contracts/smoke.yaml" in report["failure"]
    assert wait_until(lambda: bool(ssm.get_parameters(Names=[parameter])["Parameters"]), 60, every=0.5)


def test_files_that_are_not_loaded_are_named_and_removed(
    deployed: Deployed, as_verifier: Mapping[str, str], tmp_path: Path
) -> None:
    functions, name = deployed.client("lambda"), deployed.resource("StartPipeline")
    [mapping] = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        with nothing_left(deployed):
            report = smoke(as_verifier, tmp_path, "--timeout", "8")
    finally:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    assert (report["exit_code"], report["failed_step"]) == (1, "find the claims")
    assert "are not visible. Where: object claims/smoke/smoke-" in report["failure"]
    assert "the newest executions of that state machine" in report["failure"]


def test_scores_that_are_not_available_are_named(
    deployed: Deployed, as_verifier: Mapping[str, str], tmp_path: Path
) -> None:
    with deployed.denied("ScoreClaimRole", "ssm:GetParametersByPath"), nothing_left(deployed):
        report = smoke(as_verifier, tmp_path, "--timeout", "8")
    assert (report["exit_code"], report["failed_step"]) == (1, "ask for /v1/ready")
    assert "/v1/ready" in report["failure"]
    assert "the log group of output FunctionLogGroup" in report["failure"]
    assert wait_until(lambda: state_of_scores(deployed) == "ALARM", 120, every=0.5)


def test_an_alias_that_points_nowhere_is_named(
    deployed: Deployed, as_verifier: Mapping[str, str], tmp_path: Path
) -> None:
    smoke(as_verifier, tmp_path, "--without-sign-in")
    functions, name = deployed.client("lambda"), deployed.resource("ScoreClaim")
    version = functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    functions.delete_alias(FunctionName=name, Name="live")
    try:
        with nothing_left(deployed):
            report = smoke(as_verifier, tmp_path, "--timeout", "8")
    finally:
        functions.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    assert (report["exit_code"], report["failed_step"]) == (1, "ask for /v1/health")
    assert "The API answers 502" in report["failure"]
    assert "the alias `live` of the function" in report["failure"]


def test_an_audit_that_cannot_be_read_is_named_and_the_person_is_gone(
    deployed: Deployed, as_verifier: Mapping[str, str], tmp_path: Path
) -> None:
    auditors = "FROM claimwatch.permission WHERE grantee = 'group:auditor' AND permission = 'audit.read'"
    [kept] = deployed.query(f"SELECT granted_by, why {auditors}")
    deployed.query(f"DELETE {auditors}")
    try:
        with nothing_left(deployed):
            report = smoke(as_verifier, tmp_path)
    finally:
        deployed.query(
            "INSERT INTO claimwatch.permission (grantee, permission, granted_by, why)"
            " VALUES ('group:auditor', 'audit.read', %s, %s)",
            kept["granted_by"],
            kept["why"],
        )
    assert (report["exit_code"], report["failed_step"]) == (1, "find the score in the audit")
    assert "403 forbidden" in report["failure"]


def test_a_right_that_the_role_lacks_is_named(
    deployed: Deployed, as_verifier: Mapping[str, str], tmp_path: Path
) -> None:
    iam = deployed.client("iam")
    denial = {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [denial]})
    iam.put_user_policy(UserName="verifier", PolicyName="denied", PolicyDocument=document)
    try:
        with nothing_left(deployed):
            report = smoke(as_verifier, tmp_path)
    finally:
        iam.delete_user_policy(UserName="verifier", PolicyName="denied")
    assert (report["exit_code"], report["failed_step"]) == (1, "drop a file")
    assert "PutObject answers AccessDenied" in report["failure"]
    assert "deployment-roles.yaml" in report["failure"]
