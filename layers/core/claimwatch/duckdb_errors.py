"""Errors of DuckDB, which quote the line that could not be read and so may contain claims."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from claimwatch.errors import EngineFault


@contextmanager
def redact_duckdb_errors(task: str) -> Iterator[None]:
    """Replace errors of DuckDB, which may contain personal data, with ``EngineFault``.

    ``task`` is what DuckDB was asked to do, as an infinitive.
    """
    try:
        yield
    except duckdb.Error as error:
        kind = type(error).__name__
        raise EngineFault(
            f"DuckDB could not {task} ({kind}); its message is left out because it may quote claims"
        ) from None
