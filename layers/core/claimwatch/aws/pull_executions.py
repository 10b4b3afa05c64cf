"""Executions of the state machine that pulls a source, as a person starts and follows them."""

import json
from typing import TYPE_CHECKING, Protocol

from claimwatch.aws.faults import aws_faults

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class Pulls(Protocol):
    """Starts pulls of sources."""

    def start(self, source: str, request_id: str, *, from_start: bool) -> str:
        """Start a pull and return the ARN of its execution; ``from_start`` begins again with all rows."""

    def status(self, execution: str) -> str:
        """Return RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED, of the last execution that went on."""


class PullSource:
    """The state machine that pulls one source."""

    def __init__(self, client: "SFNClient", arn: str) -> None:
        self._client = client
        self._arn = arn

    def start(self, source: str, request_id: str, *, from_start: bool) -> str:
        event = {"source": source} | ({"from_start": True} if from_start else {})
        with aws_faults("Step Functions"):
            return self._client.start_execution(
                stateMachineArn=self._arn, name=f"{source}-{request_id}", input=json.dumps(event)
            )["executionArn"]

    def status(self, execution: str) -> str:
        following: str | None = execution
        while following is not None:
            with aws_faults("Step Functions"):
                found = self._client.describe_execution(executionArn=following)
            following = json.loads(found.get("output", "{}")).get("continued_by")
        return found["status"]
