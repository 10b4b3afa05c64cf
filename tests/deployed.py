"""The application deployed to the emulator, once for all tests that need it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claimwatch.aws.training_instances import TRAINING_TAG
from local.processes import wait_until
from local.servers import STACK_NAME
from local.stack import BUILT_TEMPLATE, LaptopStack
from release.tree import deployed_files
from tests.cluster import PROJECT

PATIENCE = 120.0
"""Seconds to wait for a result, including a cold start of every function."""
SEARCH_MINUTES = "0.1"
"""Minutes of hyperparameter search: enough for a few trials."""
ENDED = ("committed", "refused", "parked", "failed")
SOURCES = ("template.yaml", "functions", "layers", "statemachines", "contracts", "ui")

type Row = dict[str, Any]


@dataclass
class Deployed:
    """The running stack, with a queue that is subscribed to its alert topic."""

    stack: LaptopStack
    alert_queue: str
    _alerts: list[Row] = field(default_factory=list)

    @classmethod
    def below(cls, folder: Path, **parameters: str) -> "Deployed":
        """Deploy a separate stack; build first if the build is older than its sources."""
        stack = LaptopStack(folder)
        stack.up(build=not is_built(), TrainingSearchMinutes=SEARCH_MINUTES, **parameters)
        sqs, sns = stack.client("sqs"), stack.client("sns")
        alert_queue = sqs.create_queue(QueueName="alerts")["QueueUrl"]
        arn = _open_queue(sqs, alert_queue, "sns.amazonaws.com")
        sns.subscribe(TopicArn=stack.outputs["AlertTopicArn"], Protocol="sqs", Endpoint=arn)
        return cls(stack, alert_queue)

    def client(self, service: str, **overrides: Any) -> Any:
        """Return a boto3 client for the emulator of the stack."""
        return self.stack.client(service, **overrides)

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs of the stack."""
        return self.stack.outputs

    def resource(self, logical_id: str) -> str:
        """Return the physical id of a resource."""
        found = self.client("cloudformation").describe_stack_resource(
            StackName=STACK_NAME, LogicalResourceId=logical_id
        )
        name: str = found["StackResourceDetail"]["PhysicalResourceId"]
        return name

    def events_queue(self, name: str, **pattern: list[str]) -> str:
        """Return the URL of a new queue that receives the application's events of this pattern."""
        sqs, events = self.client("sqs"), self.client("events")
        url: str = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = _open_queue(sqs, url, "events.amazonaws.com")
        events.put_rule(Name=name, EventPattern=json.dumps({"source": ["claimwatch"], **pattern}))
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
        return url

    @contextmanager
    def denied(self, role: str, action: str) -> Iterator[None]:
        """Deny an action to a role, by its logical id, until the end of the block."""
        iam, name = self.client("iam"), self.resource(role)
        denial = {"Effect": "Deny", "Action": action, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [denial]})
        iam.put_role_policy(RoleName=name, PolicyName="outage", PolicyDocument=document)
        try:
            yield
        finally:
            iam.delete_role_policy(RoleName=name, PolicyName="outage")

    def invoke(self, function: str, event: Row) -> Any:
        """Invoke a function by its logical id and return its result."""
        answer = self.client("lambda").invoke(
            FunctionName=self.resource(function), Payload=json.dumps(event).encode()
        )
        result = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, result
        return result

    def running_instances(self) -> list[str]:
        """Return the ids of the instances of trainings."""
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
        """Return the end of the output of all instances."""
        logs = (self.stack.folder / "instances").glob("*/output.log")
        return "\n".join(path.read_text(errors="replace")[-3000:] for path in logs)

    def command(self, *words: str) -> Row:
        """Run a `claimwatch` command and return its output, whether it succeeds or not."""
        # The command looks for the stack in the folder .local.
        home = self.stack.folder / "home"
        home.mkdir(exist_ok=True)
        if not (home / ".local").exists():
            (home / ".local").symlink_to(self.stack.folder)
        done = subprocess.run(
            [str(Path(sys.executable).with_name("claimwatch")), *words, "--json"],
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout, done.stderr
        output: Row = json.loads(done.stdout)
        return output

    # -- Files ---------------------------------------------------------------------------------------------

    def drop(self, key: str, data: bytes | str) -> str:
        """Put an object into the landing bucket and return its version id."""
        answer = self.client("s3").put_object(
            Bucket=self.outputs["LandingBucket"],
            Key=key,
            Body=data.encode() if isinstance(data, str) else data,
        )
        version: str = answer["VersionId"]
        return version

    def ended(self, version: str, *statuses: str) -> Row:
        """Wait until a file has ended, or has one of the statuses, and return its row in the ledger."""
        found: list[Row] = []

        def arrived() -> bool:
            found[:] = self.query("SELECT * FROM claimwatch.file WHERE version_id = %s", version)
            return bool(found) and found[0]["status"] in (statuses or ENDED)

        assert wait_until(arrived, PATIENCE, every=0.1), f"after {PATIENCE:.0f} s: {found}"
        return found[0]

    def query(self, sql: str, *parameters: object) -> list[Row]:
        """Return the rows of a query in the database of the stack."""
        with closing(self.stack.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            names = [column.name for column in cursor.description or ()]
            found = cursor.fetchall() if cursor.description is not None else []
            rows = [
                dict(zip(names, row, strict=True)) for row in found
            ]  # without columns, empty dictionaries
            connection.commit()
            return rows

    # -- Alerts and logs -----------------------------------------------------------------------------------

    def alert(self, text: str) -> Row:
        """Wait for the first alert with a text in its subject or message and return it."""
        found: list[Row] = []

        def arrived() -> bool:
            found[:] = [alert for alert in self.alerts() if text in alert["Subject"] + alert["Message"]]
            return bool(found)

        assert wait_until(arrived, PATIENCE, every=0.1), f"no alert contains {text!r}: {self._alerts}"
        return found[0]

    def alerts(self) -> list[Row]:
        """Return all alerts until now."""
        sqs = self.client("sqs")
        while messages := sqs.receive_message(QueueUrl=self.alert_queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                body = json.loads(message["Body"])
                self._alerts.append({"Subject": body.get("Subject", ""), "Message": body.get("Message", "")})
                sqs.delete_message(QueueUrl=self.alert_queue, ReceiptHandle=message["ReceiptHandle"])
        return self._alerts

    def executions(self, status: str = "") -> list[Row]:
        """Return the executions of the claims pipeline."""
        filters = {"statusFilter": status} if status else {}
        found: list[Row] = self.client("stepfunctions").list_executions(
            stateMachineArn=self.outputs["ClaimsPipelineArn"], **filters
        )["executions"]
        return found

    def logs(self) -> Iterator[str]:
        """Yield the messages that the functions have logged."""
        for _, message in self.log_messages(self.outputs["FunctionLogGroup"]):
            yield message

    def log_messages(self, group: str) -> Iterator[tuple[str, str]]:
        """Yield the name of the stream and the text of every message of a log group."""
        logs = self.client("logs")
        for page in logs.get_paginator("describe_log_streams").paginate(logGroupName=group):
            for stream in page["logStreams"]:
                name = stream["logStreamName"]
                asked = {"logGroupName": group, "logStreamName": name, "startFromHead": True}
                answer = logs.get_log_events(**asked)
                while answer["events"]:
                    yield from ((name, event["message"]) for event in answer["events"])
                    answer = logs.get_log_events(**asked, nextToken=answer["nextForwardToken"])


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Wait until a condition holds."""
    assert wait_until(holds, PATIENCE, every=0.1), f"never: {what}"


def is_built() -> bool:
    """Return whether there is a build that is newer than all that it is made of."""
    if not BUILT_TEMPLATE.exists():
        return False
    built = BUILT_TEMPLATE.stat().st_mtime
    folders = [name for name in SOURCES if (PROJECT / name).is_dir()]
    files = [PROJECT / "template.yaml", *(path for name in folders for path in deployed_files(PROJECT, name))]
    return all(path.stat().st_mtime < built for path in files)


def _open_queue(sqs: Any, url: str, service: str) -> str:
    """Let a service of AWS send messages to a queue; return the queue's ARN."""
    arn: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    return arn
