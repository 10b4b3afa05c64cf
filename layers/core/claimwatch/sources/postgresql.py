"""Reads a table or a query of PostgreSQL, which writes CSV itself with COPY."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.domain.sources.source import Mode, Source
from claimwatch.sources import postgresql_horizon as horizon
from claimwatch.sources.postgresql_connection import SourceConnection
from claimwatch.sources.reader import (
    Column,
    Cycle,
    Key,
    RefusedSource,
    Row,
    SourceUnreachable,
    WindowTooLarge,
)
from claimwatch.storage.queries import queries

_SQL = queries("postgresql", "claimwatch.sources")

BATCH_ROWS = 10_000

DEFAULT_SCHEMA = "public"

_LATEST = {
    "date": "current_date + 1",
    "timestamp with time zone": "clock_timestamp()",
    # It may be the local time of any zone; the first zone has a new day 14 hours before UTC.
    "timestamp without time zone": "clock_timestamp()::timestamp + interval '14 hours'",
}
"""The types of a watermark, with the latest time that is believed of it."""

_AS_TEXT = {"boolean": "({}::text)", "bytea": "encode({}, 'hex')"}
"""Types whose text differs from what other kinds of sources write."""


def open_postgresql(source: Source, secret: Mapping[str, Any]) -> "PostgresqlReader":
    """Connect to a source of kind ``postgresql``."""
    connection = SourceConnection(secret, source.limits.seconds)
    try:
        return PostgresqlReader(source, connection)
    except BaseException:
        connection.close()
        raise


@dataclass(frozen=True)
class _Field:
    """A column of what is read, with the type that its text is cast to."""

    name: str
    type: str

    @property
    def identifier(self) -> sql.Composable:
        return sql.SQL("source.{}").format(sql.Identifier(self.name))


class PostgresqlReader:
    """A ``CopyingReader``: by transaction horizon for tables, by watermark or by comparison for all else.

    Keys are compared in the order of their types and collations, with the same operators as they are sorted.
    Column names are matched exactly, upper and lower case included. A table without a schema is looked up in
    the schema ``public``.
    """

    copied: int

    def __init__(self, source: Source, connection: SourceConnection) -> None:
        """Look up the table and the types of the columns that are read."""
        self._source = source
        self._connection = connection
        self.copied = 0
        self._identity: Cycle | None = None
        self._table: int | None = None
        with self._reading() as cursor:
            if source.query is None:
                self._table, self._from = _table(cursor, source.table or "")
            else:
                self._from = sql.SQL("(\n") + sql.SQL(source.query) + sql.SQL("\n)")
            if source.mode is Mode.HORIZON:
                if self._table is None:
                    raise RefusedSource(
                        "mode horizon needs a table, because the rows of a query do not show when they were"
                        " written; use mode overlap with a watermark, or mode difference"
                    )
                horizon.relations_of(cursor, self._table)
            self._fields = self._described(cursor, source.columns)
            self._key = self._described(cursor, source.key) if source.key else ()
            self._watermark = self._described_watermark(cursor)

    # -- About the source ------------------------------------------------------------------------------------

    def refuse_writers(self) -> None:
        """Raise ``RefusedSource`` if the login may change data; the message has the grants to use instead."""
        with self._reading() as cursor:
            cursor.execute(_SQL["privileges"])
            problems = [problem for (problem,) in cursor]
        if problems:
            schema, table = _names(self._source.table) if self._source.table else ("<schema>", "<table>")
            raise RefusedSource(
                f"the login may change data: {'; '.join(problems)[:200]}. Use one that may only read: CREATE"
                f" ROLE claimwatch_reader LOGIN PASSWORD '…'; GRANT USAGE ON SCHEMA {schema} TO"
                f" claimwatch_reader; GRANT SELECT ON {schema}.{table} TO claimwatch_reader"
            )

    def advice(self) -> tuple[str, ...]:
        """Return what would make pulling faster, in sentences."""
        if self._table is None or not self._source.key:
            return ()
        with self._reading() as cursor:
            cursor.execute(_SQL["key_index"], {"table": self._table, "columns": list(self._source.key)})
            [(indexed,)] = cursor.fetchall()
        if indexed:
            return ()
        key = ", ".join(self._source.key)
        return (f"no index of the table begins with its key ({key}), so that each window sorts the table",)

    def columns(self) -> tuple[Column, ...]:
        """Return the columns that are read, in their order."""
        return tuple(Column(field.name, field.type) for field in self._fields)

    def tables(self) -> tuple[str, ...]:
        """Return the names of the tables and views that the login may read."""
        with self._reading() as cursor:
            cursor.execute(_SQL["tables"])
            return tuple(name for (name,) in cursor)

    def sample(self, rows: int) -> list[Sequence[Any]]:
        """Return some rows, as texts."""
        with self._reading() as cursor:
            cursor.execute(
                sql.SQL("SELECT {} FROM {} LIMIT {}").format(
                    _list([_text(field) for field in self._fields]), self._relation, sql.Literal(rows)
                )
            )
            return list(cursor)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    # -- Cycles and windows ----------------------------------------------------------------------------------

    def begin_cycle(self, previous: Cycle | None) -> Cycle:
        """Return the cycle after ``previous``; without one, it has all rows.

        Mode horizon: see ``postgresql_horizon``. Mode overlap: rows from ``from`` on, which lies ``overlap``
        before the highest watermark of the previous cycle; a watermark in the future of the server's clock is
        not believed, and its rows are read in each cycle, as those without a watermark. Mode difference: all.
        """
        if self._source.mode is Mode.HORIZON:
            assert self._table is not None
            cycle = horizon.begin_cycle(self._reading, self._table, previous)
        elif self._source.mode is Mode.OVERLAP:
            cycle = self._overlap(previous)
        else:
            cycle = {}
        self._refuse_missing_keys()
        return cycle

    def last_key(self, cycle: Cycle, after: Key | None, rows: int) -> tuple[Key | None, bool]:
        """Return the key of the ``rows``-th row after a key, and whether more follow; the last with fewer.

        In a first cycle, rows count that belong to the next one, so a window may have fewer rows, or none.

        Rows with equal keys are never torn apart: they all belong to the window of their key.
        """
        try:
            with self._window(cycle) as cursor:
                if cycle.get("from") is None:
                    return self._nth_key(cursor, cycle, after, rows)
                return self._nth_of_few(cursor, cycle, after, rows)
        except WindowTooLarge:
            raise SourceUnreachable(
                "the server did not find the next rows in the time of limits.seconds; add an index on the"
                " columns of key, or raise limits.seconds"
            ) from None

    def _nth_key(self, cursor: Cursor, cycle: Cycle, after: Key | None, rows: int) -> tuple[Key | None, bool]:
        """Find the last key of a window where most rows are in the cycle: along the index of the key."""
        statement = sql.SQL("SELECT {texts} FROM ({found}) AS found ORDER BY {order} OFFSET {skip} LIMIT 2")
        parts = self._parts(cycle, after)
        cursor.execute(statement.format(**parts, skip=sql.Literal(rows - 1)))
        if keys := cursor.fetchall():
            return keys[0], len(keys) > 1
        last = sql.SQL("SELECT {texts} FROM ({found}) AS found ORDER BY {reverse} LIMIT 1")
        cursor.execute(last.format(**parts))
        return cursor.fetchone(), False

    def _nth_of_few(
        self, cursor: Cursor, cycle: Cycle, after: Key | None, rows: int
    ) -> tuple[Key | None, bool]:
        """Find the last key of a window where few rows are in the cycle: with one look at the table."""
        statement = sql.SQL(
            "SELECT number, {key} FROM (SELECT {names}, row_number() OVER (ORDER BY {order}) AS number"
            " FROM ({found}) AS found ORDER BY {order} LIMIT {rows}) AS numbered ORDER BY number DESC LIMIT 2"
        )
        cursor.execute(statement.format(**self._parts(cycle, after), rows=sql.Literal(rows + 1)))
        last = cursor.fetchall()
        if not last:
            return None, False
        more = last[0][0] == rows + 1
        _, *key = last[1] if more else last[0]
        return tuple(key), more

    def _parts(self, cycle: Cycle, after: Key | None) -> dict[str, sql.Composable]:
        plain = [sql.Identifier(f"k{place}") for place in range(len(self._key))]
        # Qualified, because ORDER BY with a bare name would mean the text of the same name in the result.
        names = [sql.SQL("found.{}").format(name) for name in plain]
        return {
            "names": _list(names),
            "found": self._found(cycle, after, plain),
            "order": _list([sql.SQL("{} USING <").format(name) for name in names]),
            "reverse": _list([sql.SQL("{} USING >").format(name) for name in names]),
            "texts": _list([sql.SQL("{}::text").format(name) for name in names]),
            "key": _list([sql.SQL("{}::text").format(name) for name in plain]),
        }

    def rows(self, cycle: Cycle, after: Key | None, upto: Key) -> Iterator[list[Row]]:
        """Yield the rows of a window in batches, with all values as texts."""
        keys = [sql.SQL("{}::text").format(field.identifier) for field in self._key]
        values = [_text(field) for field in self._fields]
        statement = sql.SQL("SELECT {}, {} FROM {} WHERE {}").format(
            self._is_recent(cycle),
            _list([*keys, *values]),
            self._relation,
            self._condition(cycle, after, upto),
        )
        with self._window(cycle), self._connection.streaming("window") as cursor:
            cursor.execute(statement)
            while batch := cursor.fetchmany(BATCH_ROWS):
                width = len(keys)
                yield [Row(row[1 : 1 + width], row[1 + width :], row[0]) for row in batch]

    def copy(self, cycle: Cycle, after: Key | None, upto: Key) -> Iterator[bytes]:
        """Yield the window as CSV with a header. The server writes it as fast as it is taken."""
        self.copied = 0
        cells = [
            sql.SQL("{} AS {}").format(_cell(field), sql.Identifier(field.name)) for field in self._fields
        ]
        statement = sql.SQL("COPY (SELECT {} FROM {} WHERE {}) TO STDOUT (FORMAT csv, HEADER)").format(
            _list(cells), self._relation, self._condition(cycle, after, upto)
        )
        with self._window(cycle) as cursor:
            yield from self._connection.copy(cursor, statement.as_string(cursor))
            self.copied = cursor.rowcount

    # -- Parts of statements ---------------------------------------------------------------------------------

    @property
    def _relation(self) -> sql.Composable:
        return self._from + sql.SQL(" AS source")

    def _found(self, cycle: Cycle, after: Key | None, names: Sequence[sql.Composable]) -> sql.Composable:
        """Return the query of the keys of a cycle after a key.

        Nearly all rows are in a first cycle, so any row may end its window: the index alone is read. For a
        later cycle, the planner cannot know that few rows are new, and so would read the table in the order
        of its key, page by page. OFFSET 0 keeps it from doing so: the first look reads the table as it lies,
        and sorts what it finds.
        """
        keys = [
            sql.SQL("{} AS {}").format(field.identifier, name)
            for field, name in zip(self._key, names, strict=True)
        ]
        first = cycle.get("from") is None
        query = sql.SQL("SELECT {} FROM {} WHERE {}").format(
            _list(keys),
            self._relation,
            self._between(after, None) if first else self._condition(cycle, after, None),
        )
        return query + sql.SQL(" OFFSET 0") if after is None and not first else query

    def _between(self, after: Key | None, upto: Key | None) -> sql.Composable:
        """Return the condition that a row belongs to a range of keys."""
        conditions = [
            self._compared(operator, key) for operator, key in ((">", after), ("<=", upto)) if key is not None
        ]
        return sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("true")

    def _condition(self, cycle: Cycle, after: Key | None, upto: Key | None) -> sql.Composable:
        """Return the condition that a row belongs to a cycle and to a range of keys."""
        conditions = []
        if self._source.mode is Mode.HORIZON:
            conditions.append(horizon.in_cycle(cycle, sql.SQL("source.xmin"), sql.SQL("source.tableoid")))
        elif self._watermark is not None and cycle.get("from") is not None:
            conditions.append(
                sql.SQL("({mark} >= {begin} OR {mark} IS NULL)").format(
                    mark=self._watermark.identifier, begin=_time(self._watermark, cycle["from"])
                )
            )
        return sql.SQL(" AND ").join([*conditions, self._between(after, upto)])

    def _compared(self, operator: str, key: Key) -> sql.Composable:
        values = [
            sql.SQL("{}::{}").format(sql.Literal(text), sql.SQL(field.type))
            for field, text in zip(self._key, key, strict=True)
        ]
        return sql.SQL("({}) {} ({})").format(
            _list([field.identifier for field in self._key]), sql.SQL(operator), _list(values)
        )

    def _is_recent(self, cycle: Cycle) -> sql.Composable:
        """Return the condition that the next cycle may read a row again."""
        if self._source.mode is Mode.HORIZON:
            return sql.SQL("false")
        if self._watermark is None or cycle.get("until") is None:
            return sql.SQL("true")
        return sql.SQL("coalesce({} >= {} - {}, true)").format(
            self._watermark.identifier, _time(self._watermark, cycle["until"]), self._overlap_interval
        )

    @property
    def _overlap_interval(self) -> sql.Composable:
        seconds = self._source.overlap.total_seconds()
        return sql.SQL("make_interval(secs => {})").format(sql.Literal(seconds))

    # -- Details ---------------------------------------------------------------------------------------------

    def _reading(self) -> AbstractContextManager[Cursor]:
        return self._connection.reading()

    @contextmanager
    def _window(self, cycle: Cycle) -> Iterator[Cursor]:
        """Begin a transaction that reads a part of a cycle."""
        if self._table is not None and self._source.mode is Mode.HORIZON and self._identity is None:
            self._identity = horizon.identity_of(self._reading, self._table)
        with self._reading() as cursor:
            if self._identity is not None:
                horizon.check_reached(cursor, cycle, self._identity)
            yield cursor

    def _overlap(self, previous: Cycle | None) -> Cycle:
        assert self._watermark is not None
        mark = self._watermark.identifier
        with self._reading() as cursor:
            cursor.execute(
                sql.SQL("SELECT max({})::text FROM {} WHERE {} <= {}").format(
                    mark, self._relation, mark, sql.SQL(_LATEST[self._watermark.type])
                )
            )
            [(until,)] = cursor.fetchall()
            last = previous["until"] if previous else None
            begin = None
            if last is not None:
                cursor.execute(
                    sql.SQL("SELECT ({} - {})::text").format(
                        _time(self._watermark, last), self._overlap_interval
                    )
                )
                [(begin,)] = cursor.fetchall()
        return {"from": begin, "until": until or last}

    def _refuse_missing_keys(self) -> None:
        """Raise ``RefusedSource`` if a row lacks a part of its key: it would be in no range of keys."""
        names = [field.name for field in self._key]
        with self._reading() as cursor:
            if self._table is not None:
                cursor.execute(_SQL["nullable"], {"table": self._table, "columns": names})
                names = [name for (name,) in cursor]
            for name in names:
                cursor.execute(
                    sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE source.{} IS NULL)").format(
                        self._relation, sql.Identifier(name)
                    )
                )
                [(missing,)] = cursor.fetchall()
                if missing:
                    raise RefusedSource(
                        f"rows have no value in column {name} of the key; name columns that identify each row"
                    )

    def _described(self, cursor: Cursor, names: Sequence[str]) -> tuple[_Field, ...]:
        """Return columns with their types; all if no names are given."""
        if names and self._table is not None:
            cursor.execute(_SQL["columns"], {"table": self._table})
            known = {name for (name,) in cursor}
            if missing := [name for name in names if name not in known]:
                raise RefusedSource(
                    f"the table has no column {', '.join(missing)}; upper and lower case must match"
                )
        listed = _list([sql.SQL("source.{}").format(sql.Identifier(name)) for name in names])
        cursor.execute(
            sql.SQL("SELECT {} FROM {} LIMIT 0").format(listed if names else sql.SQL("*"), self._relation)
        )
        described = [(column.name, column.type_code) for column in cursor.description or ()]
        found = [name for name, _ in described]
        if twice := sorted({name for name in found if found.count(name) > 1}):
            raise RefusedSource(
                f"the query returns column {', '.join(twice)} more than once; rename it with AS"
            )
        cursor.execute(_SQL["types"], {"oids": [oid for _, oid in described]})
        types: dict[int, str] = dict(cursor.fetchall())
        return tuple(_Field(name, types[oid]) for name, oid in described)

    def _described_watermark(self, cursor: Cursor) -> _Field | None:
        if self._source.mode is not Mode.OVERLAP:
            return None
        if self._source.watermark is None:
            raise RefusedSource(
                "mode overlap needs a watermark; name a column with the time of the last change"
            )
        [field] = self._described(cursor, [self._source.watermark])
        if field.type not in _LATEST:
            raise RefusedSource(
                f"the watermark {field.name} is of type {field.type}, not a date or time; use mode horizon or"
                " difference"
            )
        return field


def _table(cursor: Cursor, table: str) -> tuple[int, sql.Composable]:
    """Return the identifier and the quoted name of a table."""
    schema, name = _names(table)
    cursor.execute(_SQL["table"], {"schema": schema, "name": name})
    if found := cursor.fetchone():
        return int(found[0]), sql.Identifier(schema, name)
    cursor.execute(_SQL["same_names"], {"name": name})
    others = ", ".join(other for (other,) in cursor)
    raise RefusedSource(
        f"there is no table {schema}.{name}; " + (f"write one of {others}" if others else "check its name")
    )


def _names(table: str) -> tuple[str, str]:
    """Return schema and name of a table."""
    schema, _, name = table.rpartition(".")
    return schema or DEFAULT_SCHEMA, name


def _list(parts: Sequence[sql.Composable]) -> sql.Composable:
    return sql.SQL(", ").join(parts)


def _cell(field: _Field) -> sql.Composable:
    """Return a column as COPY writes it into a cell."""
    return sql.SQL(_AS_TEXT.get(field.type, "{}")).format(field.identifier)


def _text(field: _Field) -> sql.Composable:
    return sql.SQL(_AS_TEXT.get(field.type, "{}::text")).format(field.identifier)


def _time(field: _Field, text: str) -> sql.Composable:
    """Return a watermark; that of a date may be a time, because an overlap is subtracted from it."""
    kind = "timestamp without time zone" if field.type == "date" else field.type
    return sql.SQL("{}::{}").format(sql.Literal(text), sql.SQL(kind))
