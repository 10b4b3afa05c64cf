"""The application on the laptop's AWS, deployed once for all tests that want it, and what they do with it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claimwatch.aws.training_instances import TRAINING_TAG
from local.processes import wait_until
from local.stack import BUILT_TEMPLATE, STACK_NAME, LaptopStack
from tests.cluster import PROJECT

PATIENCE = 120.0
"""Seconds that a file may take; a cold start of every function is a part of it."""
SEARCH_MINUTES = "0.1"
"""What the search for a model may take: a few trials."""
ENDED = ("committed", "refused", "parked", "failed")
SOURCES = ("template.yaml", "functions", "layers", "statemachines", "contracts")

type Row = dict[str, Any]


@dataclass
class Deployed:
    """The running stack, with somebody who listens to its alert topic."""

    stack: LaptopStack
    listener: str
    heard: list[Row] = field(default_factory=list)

    @classmethod
    def below(cls, folder: Path, **parameters: str) -> "Deployed":
        """Deploy to a stack of its own; what is built is used unless it is older than its sources."""
        stack = LaptopStack(folder)
        stack.up(build=not _is_built(), TrainingSearchMinutes=SEARCH_MINUTES, **parameters)
        sqs, sns = stack.client("sqs"), stack.client("sns")
        listener = sqs.create_queue(QueueName="listener")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=listener, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "sns.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": arn,
                }
            ],
        }
        sqs.set_queue_attributes(QueueUrl=listener, Attributes={"Policy": json.dumps(policy)})
        sns.subscribe(TopicArn=stack.outputs["AlertTopicArn"], Protocol="sqs", Endpoint=arn)
        return cls(stack, listener)

    def client(self, service: str, **overrides: Any) -> Any:
        """A boto3 client of the stack's AWS."""
        return self.stack.client(service, **overrides)

    @property
    def outputs(self) -> dict[str, str]:
        """Of the stack."""
        return self.stack.outputs

    def resource(self, logical_id: str) -> str:
        """The physical id of one of its resources."""
        found = self.client("cloudformation").describe_stack_resource(
            StackName=STACK_NAME, LogicalResourceId=logical_id
        )
        name: str = found["StackResourceDetail"]["PhysicalResourceId"]
        return name

    def invoke(self, function: str, event: Row) -> Any:
        """What a function of this logical id answers."""
        answer = self.client("lambda").invoke(
            FunctionName=self.resource(function), Payload=json.dumps(event).encode()
        )
        told = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, told
        return told

    def running_instances(self) -> list[str]:
        """The ids of what trains."""
        pages = self.client("ec2").get_paginator("describe_instances").paginate()
        return [
            instance["InstanceId"]
            for page in pages
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
            if instance["State"]["Name"] != "terminated"
            if any(tag["Key"] == TRAINING_TAG for tag in instance.get("Tags", []))
        ]

    def instance_output(self) -> str:
        """The end of what instances wrote."""
        logs = (self.stack.folder / "instances").glob("*/output.log")
        return "\n".join(path.read_text(errors="replace")[-3000:] for path in logs)

    def command(self, *words: str) -> Row:
        """What `claimwatch` says, whether it ends well or not."""
        # It finds the laptop's stack in a folder of that name.
        place = self.stack.folder / "home"
        place.mkdir(exist_ok=True)
        if not (place / ".local").exists():
            (place / ".local").symlink_to(self.stack.folder)
        done = subprocess.run(
            [str(Path(sys.executable).with_name("claimwatch")), *words, "--json"],
            cwd=place,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout, done.stderr
        told: Row = json.loads(done.stdout)
        return told

    # -- Files ---------------------------------------------------------------------------------------------

    def drop(self, key: str, data: bytes | str) -> str:
        """Put an object into the landing bucket; its version."""
        answer = self.client("s3").put_object(
            Bucket=self.outputs["LandingBucket"],
            Key=key,
            Body=data.encode() if isinstance(data, str) else data,
        )
        version: str = answer["VersionId"]
        return version

    def ended(self, version: str, *statuses: str) -> Row:
        """The file's row in the ledger when it has come to an end, or to one of these states."""
        found: list[Row] = []

        def there() -> bool:
            found[:] = self.query("SELECT * FROM claimwatch.file WHERE version_id = %s", version)
            return bool(found) and found[0]["status"] in (statuses or ENDED)

        assert wait_until(there, PATIENCE, every=0.1), f"after {PATIENCE:.0f} s: {found}"
        return found[0]

    def query(self, sql: str, *parameters: object) -> list[Row]:
        """Rows of the stack's database."""
        with closing(self.stack.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            names = [column.name for column in cursor.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()] if names else []
            connection.commit()
            return rows

    # -- People --------------------------------------------------------------------------------------------

    def told(self, about: str) -> Row:
        """The first notification that has this in its subject or message, when it comes."""
        found: list[Row] = []

        def there() -> bool:
            self.listen()
            found[:] = [alert for alert in self.heard if about in alert["Subject"] + alert["Message"]]
            return bool(found)

        assert wait_until(there, PATIENCE, every=0.1), f"nobody was told of {about}: {self.heard}"
        return found[0]

    def listen(self) -> list[Row]:
        """Every notification until now."""
        sqs = self.client("sqs")
        while messages := sqs.receive_message(QueueUrl=self.listener, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                body = json.loads(message["Body"])
                self.heard.append({"Subject": body.get("Subject", ""), "Message": body.get("Message", "")})
                sqs.delete_message(QueueUrl=self.listener, ReceiptHandle=message["ReceiptHandle"])
        return self.heard

    def executions(self, status: str = "") -> list[Row]:
        """Executions of the claims pipeline."""
        asked = {"statusFilter": status} if status else {}
        found: list[Row] = self.client("stepfunctions").list_executions(
            stateMachineArn=self.outputs["ClaimsPipelineArn"], **asked
        )["executions"]
        return found

    def logs(self) -> Iterator[str]:
        """What the functions have logged."""
        logs = self.client("logs")
        group = self.outputs["FunctionLogGroup"]
        for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]:
            events = logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
            yield from (event["message"] for event in events)


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Wait until it holds."""
    assert wait_until(holds, PATIENCE, every=0.1), f"never: {what}"


def _is_built() -> bool:
    if not BUILT_TEMPLATE.exists():
        return False
    built = BUILT_TEMPLATE.stat().st_mtime
    files = (path for name in SOURCES for path in [PROJECT / name, *(PROJECT / name).rglob("*")])
    return all(
        path.stat().st_mtime < built for path in files if path.is_file() and "__pycache__" not in path.parts
    )
