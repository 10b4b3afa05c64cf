"""Writes the snapshot that a model is trained on: a line's current claims with their outcomes, as Parquet.

Rows are in the order of claim ids and the bytes depend only on the data, so the hash identifies the data.
The snapshot of a back-test has the outcomes that were known at the end of its day: of each claim the last
decision until then. The values of the claims are those of their newest rows, whenever these arrived, because
a history that is loaded at once arrives on one day.

Columns that no model reads are not exported: free text, ignored columns, and persons. Of the claimant only
which claims are the same person's is exported, as a number.
"""

import hashlib
import tempfile
from datetime import date
from pathlib import Path

import duckdb
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.domain.contract.schema_change import quoted
from claimwatch.duckdb_access import restrict_access
from claimwatch.storage.cohorts import LAST_OUTCOME

_WANTED = frozenset({Role.IDENTIFIER, Role.EVENT_TIME, Role.FEATURE, Role.PROTECTED})
_TYPES = {
    LogicalType.STRING: "VARCHAR",
    LogicalType.INTEGER: "BIGINT",
    LogicalType.NUMBER: "DOUBLE",
    LogicalType.BOOLEAN: "BOOLEAN",
    LogicalType.DATE: "DATE",
    LogicalType.TIMESTAMP: "TIMESTAMP",
}
_OUTCOME = {"is_fraud": "BOOLEAN", "decided_at": "TIMESTAMP", "source": "VARCHAR"}


def take_snapshot(
    cursor: Cursor, contract: Contract, claimant: str | None, path: Path, as_of: date | None = None
) -> str:
    """Write the snapshot of a line to a file, and return its SHA-256; ``as_of`` is the day of a back-test."""
    columns = [column for column in contract.columns if column.role in _WANTED or column.name == claimant]
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        csv = Path(folder, "claims.csv")
        with csv.open("wb") as text:
            cursor.copy_expert(_query(contract, columns, as_of).as_string(cursor), text, 1 << 20)
        _write_parquet(csv, columns, path)
    with path.open("rb") as written:
        return hashlib.file_digest(written, "sha256").hexdigest()


def _query(contract: Contract, columns: list[Column], as_of: date | None) -> sql.Composed:
    identifier = sql.Identifier("c", contract.identifier.name)
    exported = [_numbered(column) if _only_links(column) else _named(column) for column in columns]
    return sql.SQL(
        "COPY (SELECT {columns}, o.is_fraud, o.effective_at, o.source FROM {claims} AS c"
        " LEFT JOIN {outcomes} AS o ON o.line = {line} AND o.claim_id = {identifier}::text"
        ' ORDER BY {identifier}::text COLLATE "C") TO STDOUT (FORMAT csv)'
    ).format(
        columns=sql.SQL(", ").join(exported),
        claims=sql.Identifier("claimwatch", f"current_{contract.table}"),
        outcomes=_outcomes(contract.line, as_of),
        line=sql.Literal(contract.line),
        identifier=identifier,
    )


def _outcomes(line: str, as_of: date | None) -> sql.Composable:
    """Return the relation with the last outcome of each claim, at the end of the day if one is given."""
    if as_of is None:
        return sql.Identifier("claimwatch", "current_outcome")
    return sql.SQL(
        "(SELECT DISTINCT ON (claim_id) * FROM claimwatch.committed_outcome"
        " WHERE line = {line} AND effective_at < ({day}::date + 1)::timestamp AT TIME ZONE 'UTC'"
        " ORDER BY claim_id, {last})"
    ).format(line=sql.Literal(line), day=sql.Literal(as_of), last=LAST_OUTCOME)


def _only_links(column: Column) -> bool:
    """Return whether a column is exported because it identifies the claimant, and for no other reason."""
    return column.role not in _WANTED


def _named(column: Column) -> sql.Composable:
    return sql.Identifier("c", column.name)


def _numbered(column: Column) -> sql.Composed:
    """Return a number for each value, the same for the same data."""
    order = sql.SQL('{}::text COLLATE "C"').format(_named(column))
    return sql.SQL("CASE WHEN {} IS NOT NULL THEN dense_rank() OVER (ORDER BY {}) END").format(
        _named(column), order
    )


def _write_parquet(csv: Path, columns: list[Column], path: Path) -> None:
    types = {
        column.name: "VARCHAR" if column.hashed or _only_links(column) else _TYPES[column.logical_type]
        for column in columns
    } | _OUTCOME
    names = [f"c{number}" for number in range(len(types))]
    fields = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    wanted = ", ".join(
        f"CAST({name} AS {kind}) AS {quoted(column)}"
        for name, (column, kind) in zip(names, types.items(), strict=True)
    )
    with duckdb.connect(config={"threads": 1}) as engine:
        restrict_access(engine, csv.parent, path.parent)
        engine.execute(
            f"COPY (SELECT {wanted} FROM read_csv('{_literal(csv)}', columns = {{{fields}}}, header = false,"
            " auto_detect = false, delim = ',', quote = '\"', escape = '\"', nullstr = '',"
            " allow_quoted_nulls = false, max_line_size = 16777216))"
            f" TO '{_literal(path)}' (FORMAT parquet, COMPRESSION zstd)"
        )


def _literal(path: Path) -> str:
    return str(path).replace("'", "''")
