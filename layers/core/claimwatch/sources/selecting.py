"""Reads a source with one SELECT over a DB-API connection; a ``Dialect`` has what differs between servers.

A window is a range of keys. Its ends compare and sort as the server itself compares and sorts the columns, so
rows whose keys the server takes for equal (``a`` and ``A`` with many collations) are in the same window.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from claimwatch.domain.sources.source import Mode, Source
from claimwatch.sources.reader import (
    Column,
    Cycle,
    Key,
    RefusedSource,
    Row,
    SourceUnreachable,
    WindowTooLarge,
)

BATCH_ROWS = 2_000
"""Rows of a batch at most: enough for one query about their hashes."""

BATCH_BYTES = 8 << 20
"""Bytes of a batch, about: rows with long texts come in smaller batches."""

FIRST_ROWS = 50
"""Rows of the first batch, whose size is not known before."""

FUTURE = timedelta(days=1)
"""Rows whose watermark is further ahead are read in every cycle: ``9999-12-31`` never becomes the past."""

_HOUR = timedelta(hours=1)
"""By which clocks are put back in autumn."""


class Cursor(Protocol):
    """The part of DB-API's cursor that is used."""

    @property
    def description(self) -> Any: ...
    def execute(self, statement: str, parameters: Any = ..., /) -> Any: ...
    def fetchone(self) -> Any: ...
    def fetchmany(self, size: int = ..., /) -> Any: ...
    def fetchall(self) -> Any: ...
    def close(self) -> Any: ...


class Connection(Protocol):
    """The part of DB-API's connection that is used."""

    def cursor(self) -> Any: ...
    def close(self) -> Any: ...


_ONE = (1, "1")
"""The number 1 as drivers return it."""


_HALF = re.compile("[\ud800-\udfff]")


def _unchanged(text: str) -> Any:
    return text


def text_of_key(value: Any) -> str:
    """Return the text of a value that is its own text, or of bytes as hexadecimal digits."""
    return value.hex() if isinstance(value, (bytes, bytearray, memoryview)) else str(value)


@dataclass(frozen=True)
class KeyForm:
    """How keys of a type travel: in each template, ``{}`` is the column or the placeholder.

    ``text`` is the SQL by which the server writes a key, without which the value is its own text. ``bound``
    is the SQL that makes a value of the column's type of a parameter, and ``parameter`` makes that of a text.
    """

    bound: str = "{}"
    text: str | None = None
    parameter: Callable[[str], Any] = _unchanged


@dataclass(frozen=True)
class WatermarkForm:
    """How watermarks of a type are compared with a time.

    ``bound`` is the SQL that makes a value of the column's type of a parameter: a text such as
    ``2026-01-31 09:30:00.000000``. ``grain`` is the smallest difference between two values. A type that is
    not ``zoned`` has times of an unknown zone: UTC or the server's.
    """

    bound: str = "{}"
    grain: timedelta = timedelta(microseconds=1)
    zoned: bool = False


@dataclass(frozen=True)
class SelectedColumn:
    """A column of the source as the server describes it, with its forms, if its type has them.

    ``value`` is the SQL of its value, where the driver cannot read the column as it is.
    """

    name: str
    type: str
    nullable: bool
    key: KeyForm | None = None
    watermark: WatermarkForm | None = None
    value: str = "{}"


@dataclass(frozen=True)
class Clock:
    """The time of a server in UTC, and by how much the clock of its own zone is ahead."""

    utc: datetime
    ahead: timedelta


@dataclass(frozen=True)
class Dialect:
    """What differs between servers: a few lines of one SELECT, and how they report errors."""

    quote: Callable[[str], str]
    """Quotes a name."""
    placeholder: Callable[[int], str]
    """The placeholder of a parameter by its number, from 1."""
    page: Callable[[int, int], str]
    """The end of a statement that skips the first rows and returns some, by both counts."""
    describe: Callable[[Connection, str], list[SelectedColumn]]
    """The columns of a SELECT."""
    clock: Callable[[Connection], Clock]
    errors: tuple[type[Exception], ...]
    """The base classes of the driver's errors."""
    translate: Callable[[Exception, Source], Exception]
    """The error of this package for an error of the driver."""
    tables: str
    """The SELECT of the names of tables and views."""
    refuse_writers: Callable[[Connection, Source], None]
    open_cursor: Callable[[Connection], Any] = lambda connection: connection.cursor()
    """Opens a cursor that does not hold all rows."""
    end_cursor: Callable[[Connection, Any], None] = lambda _, cursor: cursor.close()
    """Closes a cursor whose rows were not all read."""
    verbatim: Callable[[str], str] = _unchanged
    """Protects SQL from the driver, which looks for placeholders in it."""
    fold: Callable[[str], str] = _unchanged
    """Returns the name of a table as the server stores a name that is not quoted."""
    unordered: str = ""
    """What takes the place of ORDER BY, if a page needs one."""
    missing: str = "{} IS NULL"
    """Whether a watermark has no value."""
    close: Callable[[Connection], Any] = lambda connection: connection.close()


@dataclass
class _Statement:
    """A statement in the making: its parameters in the order of their placeholders."""

    dialect: Dialect
    parameters: list[Any] = field(default_factory=list)

    def bind(self, template: str, value: Any) -> str:
        """Add a parameter and return its SQL."""
        self.parameters.append(value)
        return template.format(self.dialect.placeholder(len(self.parameters)))


class SelectingReader:
    """Implements ``TableReader`` for modes overlap and difference."""

    def __init__(self, connection: Connection, source: Source, dialect: Dialect) -> None:
        self._connection = connection
        self._source = source
        self._dialect = dialect
        self._described: list[SelectedColumn] | None = None

    # -- Reader ----------------------------------------------------------------------------------------------

    def refuse_writers(self) -> None:
        with self._errors():
            self._dialect.refuse_writers(self._connection, self._source)

    def close(self) -> None:
        with self._errors():
            self._dialect.close(self._connection)

    # -- TableReader -----------------------------------------------------------------------------------------

    def columns(self) -> tuple[Column, ...]:
        return tuple(Column(column.name, column.type) for column in self._columns())

    def tables(self) -> tuple[str, ...]:
        with self._errors(), closing(self._connection.cursor()) as cursor:
            cursor.execute(self._dialect.tables)
            return tuple(f"{schema}.{name}" for schema, name in cursor.fetchall())

    def sample(self, rows: int) -> list[Sequence[Any]]:
        selected = ", ".join(self._values())
        page = f"{self._dialect.unordered} {self._dialect.page(0, rows)}"
        return [tuple(row) for row in self._fetch(f"SELECT {selected} FROM {self._from()} {page}")]

    def begin_cycle(self, previous: Cycle | None) -> Cycle:
        keys = self._keys()
        cycle = self._next_cycle(previous) if self._source.mode is Mode.OVERLAP else {}
        nullable = [column for column in keys if column.nullable]
        if nullable:
            statement = _Statement(self._dialect)
            among = self._among(statement, cycle)
            missing = " OR ".join(f"{self._sql(column)} IS NULL" for column in nullable)
            page = f"{self._dialect.unordered} {self._dialect.page(0, 1)}"
            found = self._fetch(
                f"SELECT 1 FROM {self._from()} WHERE {among} AND ({missing}) {page}", statement.parameters
            )
            if found:
                names = ", ".join(column.name for column in nullable)
                raise RefusedSource(
                    f"some rows have no value in the key ({names}), so they cannot be told apart; choose a "
                    "key whose columns are NOT NULL, or leave these rows out with a query"
                )
        return cycle

    def last_key(self, cycle: Cycle, after: Key | None, rows: int) -> tuple[Key | None, bool]:
        keys = self._keys()
        ascending = ", ".join(self._sql(column) for column in keys)
        descending = ", ".join(f"{self._sql(column)} DESC" for column in keys)
        try:
            return self._find_last(cycle, after, rows, ascending, descending)
        except WindowTooLarge:
            # A smaller window would not help: the server looks for its end, and reads no row yet.
            raise SourceUnreachable(
                "the server did not find the next rows in the time of limits.seconds; add an index on the "
                "columns of key, or raise limits.seconds"
            ) from None

    def _find_last(
        self, cycle: Cycle, after: Key | None, rows: int, ascending: str, descending: str
    ) -> tuple[Key | None, bool]:
        found = self._first_key(cycle, after, f"ORDER BY {ascending} {self._dialect.page(rows - 1, 1)}")
        if found is None:
            return self._first_key(cycle, after, f"ORDER BY {descending} {self._dialect.page(0, 1)}"), False
        # A row with an equal key does not follow: it is in the same window.
        page = f"{self._dialect.unordered} {self._dialect.page(0, 1)}"
        return found, self._first_key(cycle, found, page) is not None

    def rows(self, cycle: Cycle, after: Key | None, upto: Key) -> Iterator[list[Row]]:
        columns = self._columns()
        statement = _Statement(self._dialect)
        selected = self._values()
        places = [self._place(column, selected) for column in self._keys()]
        recent = self._recent(statement, cycle)
        if recent:
            selected.append(recent)
        where = self._within(statement, cycle, after, upto)
        sql = f"SELECT {', '.join(selected)} FROM {self._from()} WHERE {where}"
        for batch in self._stream(sql, statement.parameters):
            yield [
                Row(
                    tuple([_storable(row[place]) for place in places]),
                    row[: len(columns)],
                    recent=not recent or row[-1] in _ONE,
                )
                for row in batch
            ]

    # -- Cycles ----------------------------------------------------------------------------------------------

    def _next_cycle(self, previous: Cycle | None) -> Cycle:
        """Return the cycle from the clock of the last one, less the overlap, to the server's clock.

        Times without a zone may be those of UTC or of the server's own zone, so the cycle begins with the
        earlier and ends with the later of the two. All times are texts without a zone.
        """
        with self._errors():
            clock = self._dialect.clock(self._connection)
        _, form = self._watermark()
        ahead = timedelta(0) if form.zoned else clock.ahead
        margin = self._source.overlap + form.grain
        begin = None
        if previous and "clock" in previous:
            then = min(datetime.fromisoformat(previous["clock"]), clock.utc)
            behind = min(timedelta(0), ahead, timedelta(seconds=previous["ahead"]))
            begin = _text(then + behind - margin)
        # The rows of the next cycle, even if the clocks of the zone are put back before it.
        winter = timedelta(0) if form.zoned else ahead - _HOUR
        kept = clock.utc + min(timedelta(0), winter) - margin
        return {
            "from": begin,
            "until": _text(clock.utc + max(timedelta(0), ahead)),
            "recent": _text(kept),
            "clock": _text(clock.utc),
            "ahead": ahead.total_seconds(),
        }

    def _among(self, statement: _Statement, cycle: Cycle) -> str:
        """Return the condition that a row belongs to the cycle."""
        if self._source.mode is not Mode.OVERLAP:
            return "1 = 1"
        column, form = self._watermark()
        watermark = self._sql(column)
        until = statement.bind(form.bound, cycle["until"])
        in_time = f"{watermark} <= {until}"
        if cycle["from"] is not None:
            in_time += f" AND {watermark} > {statement.bind(form.bound, cycle['from'])}"
        future = _text(datetime.fromisoformat(cycle["until"]) + FUTURE)
        ahead = f"{watermark} > {statement.bind(form.bound, future)}"
        return f"(({in_time}) OR {ahead} OR {self._dialect.missing.format(watermark)})"

    def _recent(self, statement: _Statement, cycle: Cycle) -> str | None:
        """Return the expression that is 1 for rows that the next cycle reads again; None if it reads all."""
        if self._source.mode is not Mode.OVERLAP:
            return None
        column, form = self._watermark()
        watermark = self._sql(column)
        recent = f"{watermark} > {statement.bind(form.bound, cycle['recent'])}"
        return f"CASE WHEN {recent} OR {self._dialect.missing.format(watermark)} THEN 1 ELSE 0 END"

    # -- Keys ------------------------------------------------------------------------------------------------

    def _first_key(self, cycle: Cycle, after: Key | None, order: str) -> Key | None:
        """Return the key of the first row after a key, in an order that may skip rows."""
        statement = _Statement(self._dialect)
        selected: list[str] = []
        places = [self._place(column, selected) for column in self._keys()]
        where = self._within(statement, cycle, after)
        sql = f"SELECT {', '.join(selected)} FROM {self._from()} WHERE {where} {order}"
        found = self._fetch(sql, statement.parameters)
        return tuple(_storable(found[0][place]) for place in places) if found else None

    def _within(self, statement: _Statement, cycle: Cycle, after: Key | None, upto: Key | None = None) -> str:
        """Return the condition that a row belongs to the cycle and to a range of keys."""
        conditions = [self._among(statement, cycle)]
        # A row whose key has lost its value since the cycle began is in no window.
        conditions += [f"{self._sql(column)} IS NOT NULL" for column in self._keys() if column.nullable]
        if after is not None:
            conditions.append(self._compared(statement, after, ">", ">"))
        if upto is not None:
            conditions.append(self._compared(statement, upto, "<", "<="))
        return " AND ".join(conditions)

    def _compared(self, statement: _Statement, key: Key, sign: str, last_sign: str) -> str:
        """Return the comparison of the key with another, in a form that uses an index.

        Servers compare pairs as ``(a, b) > (1, 2)`` without an index, or not at all.
        """
        columns = self._keys()
        if len(key) != len(columns):
            raise RefusedSource("the key has another number of columns than before; pull the source anew")

        def part(place: int) -> str:
            name, form = self._sql(columns[place]), _key_form(columns[place])
            value = form.parameter(key[place])
            if place == len(columns) - 1:
                return f"{name} {last_sign} {statement.bind(form.bound, value)}"
            beyond = f"{name} {sign} {statement.bind(form.bound, value)}"
            equal = f"{name} = {statement.bind(form.bound, value)}"
            return f"({beyond} OR ({equal} AND {part(place + 1)}))"

        if len(columns) == 1:
            return part(0)
        first = _key_form(columns[0])
        bound = statement.bind(first.bound, first.parameter(key[0]))
        return f"{self._sql(columns[0])} {sign}= {bound} AND {part(0)}"

    def _place(self, column: SelectedColumn, selected: list[str]) -> int:
        """Return the place of the text of a key column among the selected expressions; add it if missing."""
        text = _key_form(column).text
        expression = self._sql(column) if text is None else text.format(self._sql(column))
        if expression not in selected:
            selected.append(expression)
        return selected.index(expression)

    # -- Columns ---------------------------------------------------------------------------------------------

    def _columns(self) -> list[SelectedColumn]:
        if self._described is None:
            with self._errors():
                described = self._dialect.describe(self._connection, f"SELECT * FROM {self._selected()}")
            wanted = self._source.columns
            self._described = [_named(described, name) for name in wanted] if wanted else described
        return self._described

    def _keys(self) -> list[SelectedColumn]:
        keys = [_named(self._columns(), name) for name in self._source.key]
        for column in keys:
            _key_form(column)
        return keys

    def _watermark(self) -> tuple[SelectedColumn, WatermarkForm]:
        assert self._source.watermark is not None, "mode overlap has a watermark"
        column = _named(self._columns(), self._source.watermark)
        if column.watermark is None:
            raise RefusedSource(
                f"the watermark '{column.name}' has type {column.type}; it must be the time at which "
                "a row was last changed. Without such a column, remove watermark and write 'mode: difference'"
            )
        return column, column.watermark

    def _values(self) -> list[str]:
        return [column.value.format(self._sql(column)) for column in self._columns()]

    def _sql(self, column: SelectedColumn) -> str:
        return self._dialect.verbatim(self._dialect.quote(column.name))

    def _from(self) -> str:
        return self._dialect.verbatim(self._selected())

    def _selected(self) -> str:
        """Return what is selected from: the table, or the query as a table."""
        if self._source.query is not None:
            return f"({self._source.query}\n) q"
        assert self._source.table is not None, "a source has a table or a query"
        parts = [self._dialect.fold(part) for part in self._source.table.split(".")]
        return ".".join(map(self._dialect.quote, parts))

    # -- Statements ------------------------------------------------------------------------------------------

    def _fetch(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        with self._errors(), closing(self._connection.cursor()) as cursor:
            cursor.execute(sql, tuple(parameters))
            return list(cursor.fetchall())

    def _stream(self, sql: str, parameters: Sequence[Any]) -> Iterator[Sequence[Any]]:
        with self._errors():
            cursor = self._dialect.open_cursor(self._connection)
            try:
                cursor.execute(sql, tuple(parameters))
                size = FIRST_ROWS
                while batch := cursor.fetchmany(size):
                    yield batch
                    size = max(1, min(BATCH_ROWS, BATCH_BYTES // _bytes_of_a_row(batch)))
            except BaseException:
                self._dialect.end_cursor(self._connection, cursor)
                raise
            cursor.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        with translated_errors(self._dialect.errors, self._dialect.translate, self._source):
            yield


@contextmanager
def translated_errors(
    errors: tuple[type[Exception], ...], translate: Callable[[Exception, Source], Exception], source: Source
) -> Iterator[None]:
    """Raise the errors of a driver as those of this package, without their messages: they may quote a row."""
    try:
        yield
    except errors as error:
        raise translate(error, source) from None
    except UnicodeError:
        raise RefusedSource(
            "the server sends a text that is not of the encoding that it names; leave the column out, or "
            "convert it with a query"
        ) from None
    except OSError as error:
        raise SourceUnreachable(f"the connection to the server broke off ({type(error).__name__})") from None


def text_at(secret: Mapping[str, Any], name: str) -> str:
    """Return a text of the secret of a source."""
    value = secret.get(name)
    if not isinstance(value, str) or not value:
        raise RefusedSource(f"the secret has no text for '{name}'; add it")
    return value


def port_of(secret: Mapping[str, Any], default: int) -> int:
    """Return the port in the secret of a source."""
    try:
        port = int(secret.get("port", default))
    except (TypeError, ValueError):
        port = 0
    if not 0 < port < 65_536:
        raise RefusedSource("the secret has a port that is not a number from 1 to 65535; correct it")
    return port


def _bytes_of_a_row(rows: Sequence[Sequence[Any]]) -> int:
    """Return about how many bytes the texts of a row have, from a few rows."""
    some = rows[:: max(1, len(rows) // FIRST_ROWS)]
    texts = [value for row in some for value in row if isinstance(value, (str, bytes))]
    return 1 + sum(map(len, texts)) // len(some)


def _named(columns: Sequence[SelectedColumn], name: str) -> SelectedColumn:
    """Return a column by its name; upper and lower case count only if two names differ in nothing else."""
    same = [column for column in columns if column.name == name]
    same = same or [column for column in columns if column.name.casefold() == name.casefold()]
    if len(same) != 1:
        names = ", ".join(column.name for column in columns)
        raise RefusedSource(f"the source has no column '{name}'; it has {names}")
    return same[0]


def _key_form(column: SelectedColumn) -> KeyForm:
    if column.key is None:
        raise RefusedSource(
            f"the key column '{column.name}' has type {column.type}, whose values have no exact order and "
            "text; choose a column with numbers, texts or times"
        )
    return column.key


def _storable(value: Any) -> str:
    text = text_of_key(value)
    if "\0" in text or (not text.isprintable() and _HALF.search(text)):
        raise RefusedSource("a key contains NUL or half of a character; leave this row out with a query")
    return text


def _text(time: datetime) -> str:
    return time.isoformat(" ", "microseconds")
