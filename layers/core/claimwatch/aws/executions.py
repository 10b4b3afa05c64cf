"""Executions of the state machines: of the claims pipeline one for each attempt at one object version."""

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from claimwatch.aws.objects import ObjectRef
from claimwatch.errors import TransientFault

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class Pipeline(Protocol):
    """Something that works a file through."""

    def start(self, ref: ObjectRef, file_id: int, attempt: int) -> None:
        """Start this attempt at the file; starting it twice starts it once."""


class Backfill(Protocol):
    """Something that scores what a line has stored."""

    def start(
        self, line: str, request_id: str, *, since: datetime | None = None, only_unscored: bool = False
    ) -> str:
        """Score the line's claims that came since then, or only those that no champion has scored.

        Returns the execution's ARN; the same request starts only one.
        """


def execution_name(ref: ObjectRef, attempt: int) -> str:
    """The name of an attempt's execution: Step Functions refuses the same name for 90 days."""
    identity = json.dumps([ref.bucket, ref.key, ref.version_id, attempt])
    return f"{hashlib.sha256(identity.encode()).hexdigest()[:60]}-{attempt}"


class ClaimsPipeline:
    """The state machine that takes a file from inspection to commit."""

    def __init__(self, client: "SFNClient", arn: str) -> None:
        self._client = client
        self._arn = arn

    def start(self, ref: ObjectRef, file_id: int, attempt: int) -> None:
        _start(
            self._client, self._arn, execution_name(ref, attempt), {"file_id": file_id, "attempt": attempt}
        )


class ScoreClaims:
    """The state machine that scores what a line has stored."""

    def __init__(self, client: "SFNClient", arn: str) -> None:
        self._client = client
        self._arn = arn

    def start(
        self, line: str, request_id: str, *, since: datetime | None = None, only_unscored: bool = False
    ) -> str:
        name = hashlib.sha256(json.dumps([line, request_id]).encode()).hexdigest()[:60]
        asked = {
            "line": line,
            "since": since.isoformat() if since else None,
            "only_unscored": only_unscored,
        }
        _start(self._client, self._arn, name, asked)
        return f"{self._arn.replace(':stateMachine:', ':execution:')}:{name}"


def _start(client: "SFNClient", arn: str, name: str, asked: dict[str, Any]) -> None:
    """Start an execution, unless one of that name was started before."""
    try:
        client.start_execution(stateMachineArn=arn, name=name, input=json.dumps(asked))
    except client.exceptions.ExecutionAlreadyExists:
        return
    except BotoCoreError as error:
        raise TransientFault(f"Step Functions did not answer: {error}") from error
    except ClientError as error:
        code = error.response["Error"]["Code"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status >= 500 or code in {"ThrottlingException", "ExecutionLimitExceeded"}:
            raise TransientFault(f"Step Functions did not take the execution: {error}") from error
        raise
