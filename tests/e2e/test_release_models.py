"""A commit that changes training code trains once, and what it trained goes live when a person approves it.

The steps run as the pipeline runs them, with the roles of a stage. CodePipeline itself is a stand-in; the
stack, its API, its IAM and the trainings are real.
"""

import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from cli.api import Api, ApiUnavailable
from local.emulator import REGION, aws_client, laptop_environment
from local.processes import wait_until
from local.rehearsal.code_pipeline import CodePipeline, Service
from local.rehearsal.pipeline import (
    Action,
    ActionFailed,
    ActionRun,
    Execution,
    Performed,
    Pipeline,
    PipelineModel,
    Stage,
)
from local.servers import STACK_NAME
from release.training_inputs import training_hashes
from samples import BookConfig
from samples.delivery import Delivery, deliver
from tests.cluster import PROJECT
from tests.deployed import Deployed

LINE, EMPTY = "freight", "parcels"
"""A line with claims and outcomes, and one without a claim; no other test uses them."""

PIPELINE = "claimwatch-models"
LEAD = "arn:aws:sts::000000000000:assumed-role/Risk/lead@example.com"
CARGO = ("release", "smoke", "cli", "training", "layers/core", "contracts")


@dataclass
class Pipelines:
    """The pipeline of models: its builds are processes, and approvals are given by the test."""

    environment: Mapping[str, str]
    roles: Mapping[str, str]
    tree: Path
    account: CodePipeline = field(default_factory=CodePipeline)
    comments: dict[str, str] = field(default_factory=dict)
    """What the approver writes, by execution; until then it waits."""
    given: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        train = Action("Train", "Build", "CodeBuild", {"Line": "#{variables.line}"}, namespace="Train")
        shown = {"CustomData": "#{Train.SUMMARY}", "ExternalEntityLink": "#{Train.CARD_URL}"}
        approve = Action("Approval", "Approval", "Manual", shown)
        promote = Action("Promote", "Build", "CodeBuild", {})
        stages = tuple(Stage(each.name, (each,)) for each in (train, approve, promote))
        variables = dict.fromkeys(("line", "training_id", "why"))
        self.account.add(PipelineModel(Pipeline(PIPELINE, "arn:role", stages, variables), self.perform))

    def perform(self, execution: Execution, _: Stage, run: ActionRun, __: Mapping[str, Any]) -> Performed:
        if execution.given["line"] not in (LINE, EMPTY):
            raise ActionFailed("a line of other tests")
        if run.action.name == "Approval":
            with self.given:
                self.given.wait_for(lambda: execution.execution_id in self.comments)
            return Performed(summary=self.comments[execution.execution_id], by=LEAD)
        own = {f"{name.upper()}": value for name, value in execution.given.items()}
        own |= {"PIPELINE": PIPELINE, "PIPELINE_EXECUTION_ID": execution.execution_id}
        folder = self.tree / execution.execution_id
        folder.mkdir(exist_ok=True)
        options = ["--folder", str(folder)] if run.action.name == "Train" else []
        done = self.step(run.action.name.lower(), own, *options)
        if done.returncode:
            raise ActionFailed(done.stderr)
        return Performed(variables={path.name: path.read_text("utf-8") for path in folder.iterdir()})

    def step(self, command: str, own: Mapping[str, str], *options: str) -> subprocess.CompletedProcess[str]:
        """Run a step as its build does, with the role of the stage that it assumes."""
        role = self.roles["promotion" if command == "promote" else "models"]
        return subprocess.run(
            [sys.executable, "-m", "release", command, *options],
            cwd=self.tree,
            env={**self.environment, "STACK_NAME": STACK_NAME, "TARGET_ROLE_ARN": role, **own},
            capture_output=True,
            text=True,
            check=False,
        )

    def release(self, commit: str) -> subprocess.CompletedProcess[str]:
        """Run the stage Experiments for the tree as it is."""
        file = self.tree / "release.json"
        file.write_text(json.dumps({"commit": commit, "training": training_hashes(self.tree)}), "utf-8")
        return self.step("experiments", {"PIPELINE": PIPELINE}, "--release", str(file))

    def executions(self, line: str) -> list[Execution]:
        return [each for each in self.account.models[PIPELINE].executions if each.given["line"] == line]

    def approve(self, execution: Execution, comment: str) -> None:
        with self.given:
            self.comments[execution.execution_id] = comment
            self.given.notify_all()

    def change(self, name: str, old: str = "", new: str = "\n# a change\n") -> None:
        """Change a file of the tree: append to it, or replace a text that it has."""
        path = self.tree / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1) if old else text + new, "utf-8")


def rights(deployed: Deployed) -> dict[str, list[dict[str, Any]]]:
    """The statements of the two roles of a stage that the steps assume."""
    api = f"arn:aws:execute-api:{REGION}:*/$default"
    parameters = f"arn:aws:ssm:{REGION}:000000000000:parameter/claimwatch/{STACK_NAME}"
    listing = [
        (["cloudformation:DescribeStacks"], [f"arn:aws:cloudformation:{REGION}:*:stack/{STACK_NAME}/*"]),
        (["execute-api:Invoke"], [f"{api}/GET/v1/lines/*/models".replace(":*/", ":000000000000:*/")]),
    ]
    training = [
        (["execute-api:Invoke"], [f"{api}/POST/v1/lines/*/trainings".replace(":*/", ":000000000000:*/")]),
        (["ssm:GetParameter", "ssm:PutParameter"], [f"{parameters}/release"]),
        (["ssm:GetParametersByPath"], [f"{parameters}/contracts"]),
        (["s3:PutObject"], [f"arn:aws:s3:::{deployed.outputs['ArtifactBucket']}/contracts/*"]),
    ]
    promotion = [
        (["execute-api:Invoke"], [f"{api}/POST/v1/lines/*/promotions".replace(":*/", ":000000000000:*/")])
    ]
    return {
        role: [{"Effect": "Allow", "Action": actions, "Resource": where} for actions, where in allowed]
        for role, allowed in {"models": listing + training, "promotion": listing + promotion}.items()
    }


@pytest.fixture(scope="module")
def roles(deployed: Deployed) -> dict[str, str]:
    iam = deployed.client("iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
        "Action": "sts:AssumeRole",
    }
    made = {}
    for name, statements in rights(deployed).items():
        role = iam.create_role(
            RoleName=f"release-{name}",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
            Tags=[{"Key": "claimwatch-duty", "Value": "contracts"}] if name == "models" else [],
        )
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_role_policy(RoleName=f"release-{name}", PolicyName="rights", PolicyDocument=document)
        made[name] = role["Role"]["Arn"]
    return made


@pytest.fixture(scope="module")
def pipelines(
    deployed: Deployed, roles: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pipelines]:
    """Two lines in force, one of them with claims, and a tree with their contracts."""
    folder = tmp_path_factory.mktemp("release")
    tree = folder / "tree"
    for part in CARGO:
        shutil.copytree(PROJECT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
    motor = (PROJECT / "contracts" / "motor.yaml").read_text("utf-8")
    for line in (LINE, EMPTY):
        contract = tree / "contracts" / f"{line}.yaml"
        contract.write_text(re.sub("(?<![a-z])motor(?![a-z])", line, motor), "utf-8")
        assert deployed.command("contract", "put", line, str(contract))["status"] == "applied"
    config = BookConfig(seed=5, claims_per_week=400, weeks=24)
    sent = deliver(config, folder, Delivery(settling_weeks=10), parts=("claims", "outcomes"))
    dropped = []
    for part in ("claims", "outcomes"):
        files = [(folder / file.key).read_bytes() for file in sent if file.part == part]
        header = files[0].partition(b"\n")[0]
        content = header + b"\n" + b"".join(file.partition(b"\n")[2] for file in files)
        dropped.append(deployed.drop(f"{part}/{LINE}/all.csv", content))
    assert {deployed.ended(version)["status"] for version in dropped} == {"committed"}
    environment = laptop_environment(deployed.stack.endpoint_url) | {"PYTHONPATH": "", "AWS_REGION": REGION}
    running = Pipelines(environment, roles, tree)
    with Service(running.account) as service:
        running.environment = {**environment, "AWS_ENDPOINT_URL_CODEPIPELINE": service.url}
        yield running


@pytest.mark.timeout(900)
def test_a_commit_trains_once_and_a_person_decides_what_goes_live(
    deployed: Deployed, pipelines: Pipelines
) -> None:
    """Baseline, documentation, training code, the event again, a contract; then two approvals."""

    def succeeds(commit: str) -> str:
        done = pipelines.release(commit)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "it is the baseline" in succeeds("c0")
    pipelines.change("contracts/freight.yaml")  # a comment
    succeeds("c1")
    assert pipelines.executions(LINE) == pipelines.executions(EMPTY) == []

    pipelines.change("training/gates.py")
    for _ in range(3):  # the event comes again, twice
        succeeds("c2")
    [first], [refused] = pipelines.executions(LINE), pipelines.executions(EMPTY)
    assert first.given["why"] == "commit c2: training code changed"

    # A line without claims trains nothing, and its execution stops with the sentence of the training.
    eventually(lambda: refused.status == "Failed", "the training without claims has ended")
    assert (refused.stopped_at, "is refused" in refused.problem) == ("Train/Train", True), refused.problem

    pipelines.change("contracts/parcels.yaml", "version: 1.1.0", "version: 1.2.0")
    succeeds("c3")
    assert [each.given["why"] for each in pipelines.executions(EMPTY)] == [
        "commit c2: training code changed",
        "commit c3: contract of parcels changed",
    ]
    [applied] = deployed.query(
        "SELECT version FROM claimwatch.contract WHERE line = %s ORDER BY contract_id DESC LIMIT 1", EMPTY
    )
    assert applied["version"] == "1.2.0"
    pipelines.change("contracts/parcels.yaml", "reviewCost, value: 100", "reviewCost, value: 120")
    failed = pipelines.release("c4")
    assert failed.returncode == 1
    assert "the contract of line parcels is refused, so nothing is trained" in failed.stderr
    assert "Traceback" not in failed.stderr

    eventually(lambda: len(first.actions) == 2 or first.status == "Failed", "the candidate waits")
    assert first.status == "InProgress", (first.problem, deployed.instance_output())
    [training] = deployed.query("SELECT * FROM claimwatch.training WHERE line = %s", LINE)
    assert (training["status"], training["why"]) == ("registered", "commit c2: training code changed")
    assert training["caller"].split("/")[-2] == "release-models"
    shown = first.actions[-1].resolved
    assert f"Model {training['version']} of line freight" in shown["CustomData"]
    assert shown["ExternalEntityLink"].endswith(f"models/freight/{training['version']}/card.html")
    assert live(deployed) == []

    # An approval that does not name the column with a warning promotes nothing, and says what to do.
    warnings = json.dumps([{"kind": "strong", "column": "police_report", "found": "it says it all"}])
    warn = "UPDATE claimwatch.model_version SET warnings = %s WHERE line = %s"
    deployed.query(warn, warnings, LINE)
    pipelines.approve(first, "looks good")
    eventually(lambda: first.status == "Failed", "the promotion is refused")
    assert "police_report: it says it all" in first.problem
    assert first.problem.strip().endswith("then approve with a comment that has trust=police_report")
    assert live(deployed) == []

    service = pipelines.environment["AWS_ENDPOINT_URL_CODEPIPELINE"]
    client = aws_client("codepipeline", service)
    given = [{"name": name, "value": value} for name, value in first.given.items()]
    client.start_pipeline_execution(name=PIPELINE, variables=given)
    again = pipelines.executions(LINE)[-1]
    pipelines.approve(again, "seen with the police: trust=police_report")
    eventually(lambda: again.status != "InProgress", "the promotion has ended")
    assert again.status == "Succeeded", again.problem
    assert "name in the comment: trust=police_report" in again.actions[1].resolved["CustomData"]
    [champion] = live(deployed)
    assert (champion["version"], champion["role"]) == (training["version"], "champion")
    [entry] = deployed.query("SELECT * FROM claimwatch.promotion WHERE line = %s", LINE)
    assert (entry["by"], entry["trusted"]) == ("lead@example.com", ["police_report"])
    words = "seen with the police: trust=police_report"
    assert entry["why"].startswith(f"{words} (commit c2: training code changed; approved by {LEAD}")
    assert f"in execution {again.execution_id} of pipeline" in entry["why"]
    assert entry["caller"].split("/")[-2] == "release-promotion"
    assert len(deployed.query("SELECT FROM claimwatch.training WHERE line = %s", LINE)) == 1


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Wait until a condition holds; a training and the pauses of the step take their time."""
    assert wait_until(holds, 400, every=0.2), f"never: {what}"


def live(deployed: Deployed) -> list[dict[str, Any]]:
    return deployed.query("SELECT version, role FROM claimwatch.live_model WHERE line = %s", LINE)


@pytest.mark.parametrize(("role", "collection"), [("models", "promotions"), ("promotion", "trainings")])
def test_no_step_may_both_train_and_promote(
    deployed: Deployed, roles: dict[str, str], role: str, collection: str
) -> None:
    given = deployed.client("sts").assume_role(RoleArn=roles[role], RoleSessionName="a-step")["Credentials"]
    session = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], REGION)
    api = Api(deployed.outputs["ApiUrl"], session, deployed.stack.endpoint_url)
    with pytest.raises(ApiUnavailable, match="answers 403"):
        api.post("motor", collection, {"why": "w", "by": "b", "version": "1", "role": "champion"})
