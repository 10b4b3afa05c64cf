"""Logger, tracer and errors of a function. A log line is a constant message plus keys, never a claim."""

import sys
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from claimwatch.aws.faults import error_code
from claimwatch.errors import place_of

if TYPE_CHECKING:
    from aws_lambda_powertools import Tracer

    tracer: Tracer

logger = Logger()

_WRITTEN_HERE = ("claimwatch", "aws_lambda_powertools")
"""Packages whose errors quote no claim; those of a batch consist of errors that this module let out."""


def __getattr__(name: str) -> Any:
    """Create the tracer when a function imports it: its SDK takes a third of a second to import.

    It patches nothing: a patched psycopg2 records PostgreSQL's error messages, which quote rows, and a
    patched botocore records the keys of objects. A trace has the times and errors of invocations only.
    """
    if name != "tracer":
        raise AttributeError(name)
    from aws_lambda_powertools import Tracer  # noqa: PLC0415

    globals()["tracer"] = Tracer(auto_patch=False)
    return globals()["tracer"]


class UnexpectedError(Exception):
    """An error that is none of Claimwatch's own; the message has its type and place."""


def without_messages[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Let only errors out of a function whose messages Claimwatch has written.

    The message of any other error may quote a claim or the key of an object, and Lambda would write it to the
    log, Step Functions to the history, and RecordFailure to the ledger and into a mail.
    """

    @wraps(function)
    def redacted(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if type(error).__module__.partition(".")[0] in _WRITTEN_HERE:
                raise
            code = f" {error_code(error)}" if isinstance(error, ClientError) else ""
            unexpected = UnexpectedError(f"{place_of(error)}{code}")
            trace = error.__traceback__
        raise unexpected.with_traceback(trace)

    return redacted


def print_type_only(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
    """Print type and place of an error to standard error, which Lambda writes to the log.

    Code in C prints errors that it cannot raise, past ``without_messages``: psycopg2 does if the server ends
    a connection during COPY, and PostgreSQL's message quotes the row.
    """
    print(f"error that could not be raised: {place_of(error)}", file=sys.stderr)  # noqa: T201


sys.excepthook = print_type_only
