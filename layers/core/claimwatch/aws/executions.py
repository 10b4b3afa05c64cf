"""Executions of the claims pipeline: one for each attempt at one object version."""

import hashlib
import json
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from claimwatch.aws.objects import ObjectRef
from claimwatch.errors import TransientFault

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class Pipeline(Protocol):
    """Something that works a file through."""

    def start(self, ref: ObjectRef, file_id: int, attempt: int) -> None:
        """Start this attempt at the file; starting it twice starts it once."""


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
        try:
            self._client.start_execution(
                stateMachineArn=self._arn,
                name=execution_name(ref, attempt),
                input=json.dumps({"file_id": file_id, "attempt": attempt}),
            )
        except self._client.exceptions.ExecutionAlreadyExists:
            return
        except BotoCoreError as error:
            raise TransientFault(f"Step Functions did not answer: {error}") from error
        except ClientError as error:
            code = error.response["Error"]["Code"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status >= 500 or code in {"ThrottlingException", "ExecutionLimitExceeded"}:
                raise TransientFault(f"Step Functions did not take the execution: {error}") from error
            raise
