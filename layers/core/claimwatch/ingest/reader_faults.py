"""The net under the readers of files: an error that nobody expected does not end a file as failed."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2

from claimwatch.aws.faults import is_aws_error
from claimwatch.aws.objects import ObjectMissing
from claimwatch.errors import ClaimwatchError, ReaderFault, place_of


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
        raise ReaderFault(place_of(error)) from None
