"""A backlog that exceeds one plan is scored by a chain of executions, each of the same state machine."""

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.emulator import Emulator
from local.processes import wait_until
from tests.template.application import PROJECT

LINE = {"line": "glass", "since": None, "only_unscored": True}

FUNCTIONS = """
import json, os
from pathlib import Path

FOLDER, MOST, CHUNKS = Path(os.environ["FOLDER"]), 3, int(os.environ["CHUNKS"])

class BundleMismatch(Exception):
    pass

def plan(event, context):
    scored = {int(path.name) for path in (FOLDER / "scored").iterdir()}
    units = [{"file_id": 7, "number": n} for n in range(CHUNKS) if n not in scored][:MOST]
    status = "ready" if units else "done"
    return {"line": "glass", "file_id": event.get("file_id"), "status": status, "units": units}

def score(event, context):
    if event["number"] == int(os.environ["BREAKS"]):
        raise BundleMismatch("broken")
    (FOLDER / "scored" / str(event["number"])).touch(exist_ok=False)

def record(event, context):
    (FOLDER / "recorded").write_text(json.dumps(event))
"""


@dataclass(frozen=True)
class Scoring:
    """The state machine ScoreClaims with functions that only count."""

    emulator: Emulator
    machine: str
    queue: str
    folder: Path

    def run(self, execution_input: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Start an execution; return it and all that continue it, when the last one has ended."""
        states = self.emulator.client("stepfunctions")
        first = states.start_execution(
            stateMachineArn=self.machine, name="first", input=json.dumps(execution_input)
        )
        chain, arn = [], first["executionArn"]
        while arn:
            assert wait_until(lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING", 60)  # noqa: B023
            chain.append(states.describe_execution(executionArn=arn))
            arn = json.loads(chain[-1].get("output") or "{}").get("continued_by")
        assert len(states.list_executions(stateMachineArn=self.machine)["executions"]) == len(chain)
        return chain

    def events(self) -> list[dict[str, Any]]:
        """Return the events ClaimsScored that were published."""
        receive = self.emulator.client("sqs").receive_message
        messages = receive(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=2).get("Messages", [])
        return [json.loads(message["Body"])["detail"] for message in messages]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as server:
        yield server


@pytest.fixture
def scoring(request: pytest.FixtureRequest, emulator: Emulator, tmp_path: Path) -> Scoring:
    """The state machine over a number of chunks, of which one may be broken."""
    chunks, breaks = request.param
    (tmp_path / "scored").mkdir()
    name = f"scoring-{chunks}-{breaks}"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("functions.py", FUNCTIONS)
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    role = emulator.client("iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    function = emulator.client("lambda").create_function
    arns = {
        placeholder: function(
            FunctionName=f"{name}-{handler}",
            Runtime="python3.13",
            Role=role,
            Handler=f"functions.{handler}",
            Code={"ZipFile": archive.getvalue()},
            Environment={
                "Variables": {"FOLDER": str(tmp_path), "CHUNKS": str(chunks), "BREAKS": str(breaks)}
            },
        )["FunctionArn"]
        for placeholder, handler in {
            "PlanScoring": "plan",
            "ScoreChunk": "score",
            "RecordUnscored": "record",
        }.items()
    }
    texts = arns | {"StackName": "a-stack"}
    definition = (PROJECT / "statemachines" / "score_claims.asl.json").read_text()
    definition = re.sub(r"\$\{(\w+)\}", lambda match: texts.get(match[1], "2"), definition)
    machine = emulator.client("stepfunctions").create_state_machine(
        name=name, definition=definition, roleArn=role
    )["stateMachineArn"]
    return Scoring(emulator, machine, _queue_of_events(emulator, name), tmp_path)


def _queue_of_events(emulator: Emulator, name: str) -> str:
    sqs, events = emulator.client("sqs"), emulator.client("events")
    queue: str = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [{**allow, "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    events.put_rule(Name=name, EventPattern=json.dumps({"detail-type": ["ClaimsScored"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    return queue


@pytest.mark.parametrize("scoring", [(10, -1)], indirect=True)
def test_a_backlog_is_scored_by_a_chain_of_executions_and_announced_once(scoring: Scoring) -> None:
    chain = scoring.run(LINE)

    assert [execution["status"] for execution in chain] == ["SUCCEEDED"] * 4
    assert [json.loads(execution["input"]) for execution in chain] == [LINE] * 4
    assert {int(path.name) for path in (scoring.folder / "scored").iterdir()} == set(range(10))
    assert scoring.events() == [{"stack": "a-stack", "file_id": None, "line": "glass"}]


@pytest.mark.parametrize("scoring", [(3, -1)], indirect=True)
def test_one_execution_scores_what_fits_into_one_plan(scoring: Scoring) -> None:
    [execution] = scoring.run({"file_id": 7, "attempt": 2})

    assert execution["status"] == "SUCCEEDED"
    assert scoring.events() == [{"stack": "a-stack", "file_id": 7, "line": "glass"}]


@pytest.mark.parametrize("scoring", [(10, 7)], indirect=True)
def test_a_failure_in_an_execution_that_continues_is_recorded_with_what_was_to_be_scored(
    scoring: Scoring,
) -> None:
    chain = scoring.run(LINE)

    assert [execution["status"] for execution in chain] == ["SUCCEEDED", "SUCCEEDED", "FAILED"]
    assert json.loads((scoring.folder / "recorded").read_text())["scoring"] == LINE
    assert scoring.events() == []
