"""Executions of the state machines, and the typed inputs of the tasks in them.

The claims pipeline has one execution for each attempt at one object version.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, Self

from claimwatch.aws.event_fields import Fields
from claimwatch.aws.faults import aws_faults
from claimwatch.aws.objects import ObjectRef

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

LONGEST_ERROR = 500
"""Characters of a recorded description of a fault."""


@dataclass(frozen=True)
class FileAttempt:
    """Input of the claims pipeline, and of the tasks that work on the file: one attempt at it."""

    file_id: int
    attempt: int

    @classmethod
    def parse(cls, event: object) -> Self:
        """Parse the input of a task; raises ``MalformedEvent``."""
        fields = Fields(event, "file attempt")
        return cls(fields.integer("file_id"), fields.integer("attempt"))


@dataclass(frozen=True)
class FileToScore:
    """What the claims pipeline scores: one committed file. ScoreClaims continues with what it leaves."""

    file_id: int


@dataclass(frozen=True)
class LineToScore:
    """Input of the state machine that scores stored claims.

    It scores the claims of files received since a time, or only those that no champion has scored.
    """

    line: str
    since: datetime | None = None
    only_unscored: bool = False

    def to_event(self) -> dict[str, object]:
        """Return the input of an execution."""
        since = self.since.isoformat() if self.since else None
        return {"line": self.line, "since": since, "only_unscored": self.only_unscored}


def parse_scoring(event: object) -> FileToScore | LineToScore:
    """Parse what is to be scored from the input of a task; raises ``MalformedEvent``."""
    fields = Fields(event, "scoring")
    if fields.has("file_id"):
        return FileToScore(fields.integer("file_id"))
    since = fields.moment("since") if fields.has("since") else None
    return LineToScore(
        fields.text("line"), since, fields.has("only_unscored") and fields.flag("only_unscored")
    )


@dataclass(frozen=True)
class FailedAttempt:
    """Input of the task that records a failed attempt: the error's class, and the explanation of it."""

    file: FileAttempt
    error: str
    cause: str

    @classmethod
    def parse(cls, event: object) -> Self:
        """Parse the input of the task; raises ``MalformedEvent``."""
        fields = Fields(event, "failed attempt")
        return cls(FileAttempt.parse(event), fields.text("error"), fields.text("cause"))


@dataclass(frozen=True)
class FailedScoring:
    """Input of the task that reports failed scoring: the error's class, and the explanation of it."""

    to_score: FileToScore | LineToScore
    error: str
    cause: str

    @classmethod
    def parse(cls, event: object) -> Self:
        """Parse the input of the task; raises ``MalformedEvent``."""
        fields = Fields(event, "failed scoring")
        # Executions that started before the last deployment send the fields of ``scoring`` at the top.
        scoring = fields.mapping("scoring") if fields.has("scoring") else event
        return cls(parse_scoring(scoring), fields.text("error"), fields.text("cause"))


def described(error: str, cause: str) -> str:
    """Return a description of the fault. A Lambda's cause is JSON with a message, any other is text."""
    try:
        message = str(json.loads(cause)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        message = cause
    return f"{error}: {message}"[:LONGEST_ERROR]


class Pipeline(Protocol):
    """Starts the claims pipeline."""

    def start(self, ref: ObjectRef, file_id: int, attempt: int) -> None:
        """Start this attempt at the file; a second start of the same attempt has no effect."""


class Backfill(Protocol):
    """Starts the scoring of stored claims."""

    def start(
        self, line: str, request_id: str, *, since: datetime | None = None, only_unscored: bool = False
    ) -> str:
        """Start scoring the line's claims, as ``LineToScore`` says; return the execution's ARN.

        The same request starts only one execution.
        """


def execution_name(ref: ObjectRef, attempt: int) -> str:
    """Return the name of an attempt's execution; Step Functions rejects a repeated name for 90 days."""
    identity = json.dumps([ref.bucket, ref.key, ref.version_id, attempt])
    return f"{hashlib.sha256(identity.encode()).hexdigest()[:60]}-{attempt}"


class ClaimsPipeline:
    """The state machine that takes a file from inspection to commit, and then to scores."""

    def __init__(self, client: "SFNClient", arn: str) -> None:
        self._client = client
        self._arn = arn

    def start(self, ref: ObjectRef, file_id: int, attempt: int) -> None:
        _start(self._client, self._arn, execution_name(ref, attempt), vars(FileAttempt(file_id, attempt)))


class ScoreClaims:
    """The state machine that scores the stored claims of a line."""

    def __init__(self, client: "SFNClient", arn: str) -> None:
        self._client = client
        self._arn = arn

    def start(
        self, line: str, request_id: str, *, since: datetime | None = None, only_unscored: bool = False
    ) -> str:
        name = hashlib.sha256(json.dumps([line, request_id]).encode()).hexdigest()[:60]
        _start(self._client, self._arn, name, LineToScore(line, since, only_unscored).to_event())
        return f"{self._arn.replace(':stateMachine:', ':execution:')}:{name}"


def _start(client: "SFNClient", arn: str, name: str, event: Mapping[str, object]) -> None:
    """Start an execution, unless one of this name was started before."""
    with aws_faults("Step Functions"), suppress(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(stateMachineArn=arn, name=name, input=json.dumps(dict(event)))
