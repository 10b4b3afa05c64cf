"""Restriction of a DuckDB engine, so that no content of a file can make it read or write anything else."""

from pathlib import Path

import duckdb


def restrict_access(engine: duckdb.DuckDBPyConnection, *folders: str | Path) -> None:
    """Let the engine access only files in these folders, and lock its configuration.

    Call it after every other setting. An engine without folders accesses no file at all.
    """
    names = ", ".join("'" + str(folder).replace("'", "''") + "'" for folder in folders)
    engine.execute(f"SET allowed_directories = [{names}]")
    engine.execute("SET enable_external_access = false")
    engine.execute("SET lock_configuration = true")
