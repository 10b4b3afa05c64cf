"""Translation of AWS errors: the one place that decides which of them a retry may cure."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from claimwatch.errors import TransientFault

_RETRYABLE = {
    "ConditionalRequestConflict",
    "ExecutionLimitExceeded",
    "InternalError",
    "LimitExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "SlowDown",
    "TooManyRequestsException",
    "Unavailable",
}
"""Error codes that may come with an HTTP status below 500 and still pass by themselves."""


@contextmanager
def aws_faults(service: str) -> Iterator[None]:
    """Raise ``TransientFault`` for errors of a call that a retry may cure; pass on all other errors.

    A service that cannot be reached, an HTTP status of 500 or more, and throttling are retryable. A refused
    call, such as a missing permission, is not: the ``ClientError`` stays what it is. ``service`` begins the
    message of the fault.
    """
    try:
        yield
    except BotoCoreError as error:
        raise TransientFault(f"{service} did not answer: {error}") from error
    except ClientError as error:
        if is_retryable(error):
            raise TransientFault(f"{service} did not answer: {error}") from error
        raise


def is_aws_error(error: Exception) -> bool:
    """Return whether an error came from AWS or from calling it."""
    return isinstance(error, (BotoCoreError, ClientError))


def is_retryable(error: ClientError) -> bool:
    """Return whether a retry may cure the error that a service returned."""
    code = error_code(error)
    return (
        error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500 or code in _RETRYABLE or "Throttl" in code
    )


def error_code(error: ClientError) -> str:
    """Return the code by which the service names the error."""
    return error.response["Error"]["Code"]
