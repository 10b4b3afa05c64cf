"""DuckDB where it reads claims: what it says of a line that it cannot read quotes the line."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from claimwatch.errors import EngineFault


@contextmanager
def redact_duckdb_errors(task: str) -> Iterator[None]:
    """Raise ``EngineFault`` instead of an error of the engine's own, which may hold personal data.

    ``task`` says, in the infinitive, what could not be done.
    """
    try:
        yield
    except duckdb.Error as error:
        kind = type(error).__name__
        raise EngineFault(
            f"DuckDB could not {task} ({kind}); what it said is left out, for it may quote claims"
        ) from None
