"""The net under the readers of files: an error that nobody expected does not end a file as failed."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from claimwatch.aws.faults import is_aws_error
from claimwatch.aws.objects import ObjectMissing
from claimwatch.errors import ClaimwatchError, ReaderFault

_PACKAGE = Path(__file__).parents[1]


def ignore(_: str) -> None:
    """Report a fault to nobody."""


@contextmanager
def reader_faults() -> Iterator[None]:
    """Raise ``ReaderFault`` for every error that is neither Claimwatch's own nor one of AWS or PostgreSQL.

    Memory that runs out within the limits of the process is such an error too. The original error is
    dropped, because it may quote claims.
    """
    try:
        yield
    except (ClaimwatchError, ObjectMissing, psycopg2.Error):
        raise
    except Exception as error:
        if is_aws_error(error):
            raise
        raise ReaderFault(f"{type(error).__name__} {_place(error)}") from None


def _place(error: Exception) -> str:
    """Return the innermost place in Claimwatch's code where the error passed."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(_PACKAGE)]
    if not own:
        return "in an unknown place"
    path = Path(own[-1].filename).relative_to(_PACKAGE)
    return f"in {path}, line {own[-1].lineno}"
