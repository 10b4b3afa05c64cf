"""What the reader of PostgreSQL returns: keys, windows and values; the modes for views and queries."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from claimwatch.domain.sources.source import Limits, Mode
from claimwatch.sources.postgresql import PostgresqlReader
from claimwatch.sources.reader import (
    Column,
    Cycle,
    RefusedSource,
    Row,
    SourceUnreachable,
    WindowTooLarge,
)
from tests.cluster import Cluster
from tests.integration.sources.postgresql_source import SourceDatabase, pulled, source_database


@pytest.fixture
def source(cluster: Cluster) -> Iterator[SourceDatabase]:
    with source_database(cluster.server) as database:
        yield database


@pytest.fixture
def claims(source: SourceDatabase) -> SourceDatabase:
    source.run(
        "CREATE TABLE claims.claim (claim_id text PRIMARY KEY, amount numeric, open boolean,"
        " updated_at timestamptz DEFAULT now())"
    )
    return source


def read(reader: PostgresqlReader, cycle: Cycle, window_rows: int = 1000) -> list[Row]:
    """Return the rows of a cycle, window by window."""
    found: list[Row] = []
    after, more = None, True
    while more:
        upto, more = reader.last_key(cycle, after, window_rows)
        if upto is None:
            break
        found += [row for batch in reader.rows(cycle, after, upto) for row in batch]
        after = upto
    return found


def test_windows_of_a_first_cycle_have_each_row_once(claims: SourceDatabase) -> None:
    claims.run("INSERT INTO claims.claim SELECT 'C' || i, i, i % 2 = 0 FROM generate_series(1, 250) i")
    reader = claims.open()
    cycle = reader.begin_cycle(None)
    rows = pulled(reader, cycle, 60)
    assert sorted(row["claim_id"] for row in rows) == sorted(f"C{i}" for i in range(1, 251))
    assert {row["open"] for row in rows} == {"true", "false"}
    claims.run("UPDATE claims.claim SET amount = -1 WHERE claim_id = 'C7'")
    second = reader.begin_cycle(cycle)
    assert [(row["claim_id"], row["amount"]) for row in pulled(reader, second)] == [("C7", "-1")]
    assert pulled(reader, reader.begin_cycle(second)) == []


@pytest.mark.parametrize(
    ("count", "rows", "last", "more"),
    [(0, 3, None, False), (1, 3, 1, False), (3, 3, 3, False), (4, 3, 3, True), (4, 1, 1, True)],
)
def test_the_last_key_of_a_window_says_whether_rows_follow(
    source: SourceDatabase, count: int, rows: int, last: int | None, more: bool
) -> None:
    source.run("CREATE TABLE claims.claim (claim_id int PRIMARY KEY)")
    source.run(f"INSERT INTO claims.claim SELECT generate_series(1, {count})")
    reader = source.open()
    expected = (None if last is None else (str(last),), more)
    assert reader.last_key(reader.begin_cycle(None), None, rows) == expected


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("int", "(2), (10), (-1)"),
        ("numeric(10,2)", "(2.5), (10), (-1), ('NaN'), (1e3)"),
        ("double precision", "(0.1), (0.30000000000000004), (1e300), ('-Infinity')"),
        ("text", "('a'), ('B'), (''), ('ä'), ('a''b'), ('x,\"y\"'), (E'l\\n2'), ('%s'), ('{}'), ('\\')"),
        ('text COLLATE "C"', "('a'), ('B'), ('ä'), ('b'), ('Z')"),
        ("char(5)", "('a'), ('b  '), ('aa')"),
        ("varchar(3)", "('a'), ('b'), ('aa')"),
        ("bit(8)", "('10000001'), ('00000001'), ('11111111')"),
        ("uuid", "(gen_random_uuid()), (gen_random_uuid()), (gen_random_uuid())"),
        ("date", "('2026-01-05'), ('infinity'), ('0044-03-15 BC')"),
        ("timestamptz", "('2026-01-05 10:00:00.123456+02'), ('2026-01-05'), ('infinity')"),
        ("bytea", "('\\x00ff'), ('\\x'), ('\\x01')"),
        ("boolean", "(true), (false)"),
        ("interval", "('1 day'), ('25 hours'), ('-3 months')"),
        ("claims.grade", "('low'), ('high'), ('extra high')"),
        ("claims.positive", "(3), (1), (20)"),
        ("inet", "('10.0.0.2'), ('10.0.0.10'), ('::1')"),
    ],
)
def test_keys_of_every_type_divide_a_table_into_windows(
    source: SourceDatabase, kind: str, values: str
) -> None:
    source.run("CREATE TYPE claims.grade AS ENUM ('low', 'high', 'extra high')")
    source.run("CREATE DOMAIN claims.positive AS int CHECK (value > 0)")
    source.run(f'CREATE TABLE claims.claim ("Claim % id" {kind} PRIMARY KEY, other text)')
    source.run(f"INSERT INTO claims.claim VALUES {values}")
    [(count,)] = source.run("SELECT count(*) FROM claims.claim")
    reader = source.open(key=("Claim % id",))
    cycle = reader.begin_cycle(None)
    for size in (1, 2, 100):
        rows = pulled(reader, cycle, size)
        assert len({row["Claim % id"] for row in rows}) == len(rows) == count


def test_keys_of_several_columns_are_compared_as_rows(source: SourceDatabase) -> None:
    source.run("CREATE TABLE claims.claim (part text, number int, PRIMARY KEY (part, number))")
    source.run(
        "INSERT INTO claims.claim SELECT p, n FROM unnest(ARRAY['a', 'b', 'ä']) p, generate_series(8, 12) n"
    )
    reader = source.open(key=("part", "number"))
    rows = pulled(reader, reader.begin_cycle(None), 4)
    assert len({(row["part"], row["number"]) for row in rows}) == len(rows) == 15


def test_rows_with_one_key_are_never_torn_apart(source: SourceDatabase) -> None:
    source.run("CREATE TABLE claims.claim (claim_id int NOT NULL, line int)")
    source.run("INSERT INTO claims.claim SELECT i / 5, i FROM generate_series(0, 24) i")
    reader = source.open()
    rows = pulled(reader, reader.begin_cycle(None), 3)
    assert sorted(int(row["line"]) for row in rows) == list(range(25))
    assert "no index of the table begins with its key (claim_id)" in reader.advice()[0]


@pytest.mark.parametrize("mode", [Mode.HORIZON, Mode.DIFFERENCE])
def test_a_row_without_a_key_is_refused(source: SourceDatabase, mode: Mode) -> None:
    source.run("CREATE TABLE claims.claim (claim_id int)")
    source.run("INSERT INTO claims.claim VALUES (1)")
    reader = source.open(mode=mode)
    assert reader.begin_cycle(None) is not None
    source.run("INSERT INTO claims.claim VALUES (NULL)")
    with pytest.raises(RefusedSource, match="no value in column claim_id of the key"):
        reader.begin_cycle(None)


def test_values_are_written_as_other_sources_write_them(source: SourceDatabase) -> None:
    source.run(
        "CREATE TABLE claims.claim (claim_id int PRIMARY KEY, open boolean, photo bytea, missing text,"
        " empty text, at timestamptz, took interval, share double precision, tags text[])"
    )
    source.run(
        "INSERT INTO claims.claim VALUES (1, true, '\\x00ff', NULL, '', '2026-07-01 12:00+02', '1 day', 0.1,"
        " '{a,b}')"
    )
    reader = source.open()
    cycle = reader.begin_cycle(None)
    head, line, _ = b"".join(reader.copy(cycle, None, ("1",))).decode().split("\n")
    assert head == "claim_id,open,photo,missing,empty,at,took,share,tags"
    assert line == '1,true,00ff,,"",2026-07-01 10:00:00+00,P1D,0.1,"{a,b}"'
    [row] = read(source.open(mode=Mode.DIFFERENCE), {})
    assert tuple(row.values) == (
        *("1", "true", "00ff", None, "", "2026-07-01 10:00:00+00", "P1D", "0.1", "{a,b}"),
    )
    assert row.key == ("1",)


def test_columns_may_be_chosen_without_the_key(claims: SourceDatabase) -> None:
    claims.run("INSERT INTO claims.claim VALUES ('C1', 5, true)")
    reader = claims.open(columns=("open", "amount"))
    assert reader.columns() == (Column("open", "boolean"), Column("amount", "numeric"))
    assert [tuple(row) for row in reader.sample(10)] == [("true", "5")]
    assert pulled(reader, reader.begin_cycle(None)) == [{"open": "true", "amount": "5"}]


def test_a_view_is_compared_row_by_row(claims: SourceDatabase) -> None:
    claims.run("CREATE VIEW claims.cheap AS SELECT claim_id, amount FROM claims.claim WHERE amount < 10")
    claims.run("INSERT INTO claims.claim SELECT 'C' || i, i FROM generate_series(1, 20) i")
    reader = claims.open(table="claims.cheap", mode=Mode.DIFFERENCE)
    rows = read(reader, reader.begin_cycle(None), 2)
    assert sorted(row.key for row in rows) == [(f"C{i}",) for i in range(1, 10)]
    assert all(row.recent for row in rows)


def test_a_query_with_signs_of_formats_and_literals_is_read_as_it_is(claims: SourceDatabase) -> None:
    claims.run("INSERT INTO claims.claim VALUES ('C1', 5, true), ('D1', 7, true)")
    query = "SELECT claim_id, '{}%s%' AS \"50 %\" FROM claims.claim WHERE claim_id LIKE 'C%'"
    reader = claims.open(table=None, query=query, mode=Mode.DIFFERENCE)
    assert [tuple(row.values) for row in read(reader, reader.begin_cycle(None))] == [("C1", "{}%s%")]


def overlap(source: SourceDatabase, **changes: Any) -> PostgresqlReader:
    return source.open(mode=Mode.OVERLAP, watermark="updated_at", **changes)


def test_an_overlap_reads_the_last_minutes_again_and_says_which_rows_are_recent(
    claims: SourceDatabase,
) -> None:
    claims.run(
        "INSERT INTO claims.claim (claim_id, updated_at) SELECT 'C' || i,"
        " timestamptz '2026-01-05 10:00+00' + make_interval(mins => i) FROM generate_series(0, 59) i"
    )
    reader = overlap(claims, overlap=timedelta(minutes=10))
    first = reader.begin_cycle(None)
    rows = read(reader, first, 25)
    assert len(rows) == 60
    assert sorted(row.key[0] for row in rows if row.recent) == sorted(f"C{i}" for i in range(49, 60))
    claims.run(
        "INSERT INTO claims.claim (claim_id, updated_at) VALUES ('late', '2026-01-05 10:50+00'),"
        " ('new', '2026-01-05 11:30+00')"
    )
    second = reader.begin_cycle(first)
    found = {row.key[0] for row in read(reader, second)}
    assert found == {*(f"C{i}" for i in range(49, 60)), "late", "new"}
    assert {row.key[0] for row in read(reader, reader.begin_cycle(second))} == {"new"}


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "date"])
def test_a_watermark_in_the_future_or_none_does_not_hide_later_rows(
    source: SourceDatabase, kind: str
) -> None:
    source.run(f"CREATE TABLE claims.claim (claim_id int PRIMARY KEY, updated_at {kind})")
    source.run("INSERT INTO claims.claim VALUES (1, '2026-01-05'), (2, '2199-01-01'), (3, NULL)")
    reader = overlap(source)
    first = reader.begin_cycle(None)
    assert {row.key[0]: row.recent for row in read(reader, first)} == {"1": True, "2": True, "3": True}
    source.run("INSERT INTO claims.claim VALUES (4, '2026-01-07'), (5, '2026-01-04')")
    second = reader.begin_cycle(first)
    late = {"5"} if kind == "date" and second["from"] <= "2026-01-04" else set()
    assert {row.key[0] for row in read(reader, second)} == {"1", "2", "3", "4"} | late


def test_a_watermark_that_is_not_a_time_is_refused(source: SourceDatabase) -> None:
    source.run("CREATE TABLE claims.claim (claim_id int PRIMARY KEY, updated_at int)")
    with pytest.raises(RefusedSource, match="watermark updated_at is of type integer, not a date or time"):
        overlap(source)


def test_tables_are_listed_without_partitions_and_without_what_the_login_cannot_read(
    claims: SourceDatabase,
) -> None:
    claims.run("CREATE VIEW claims.cheap AS SELECT 1 AS one")
    claims.run("CREATE TABLE claims.parts (a int) PARTITION BY RANGE (a)")
    claims.run("CREATE TABLE claims.part PARTITION OF claims.parts FOR VALUES FROM (1) TO (2)")
    claims.run("CREATE SCHEMA hidden; CREATE TABLE hidden.secret (a int)")
    claims.run("CREATE TABLE claims.private (a int)")
    claims.run(f'REVOKE ALL ON claims.private FROM "{claims.secret["username"]}"')
    assert claims.open().tables() == ("claims.cheap", "claims.claim", "claims.parts")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"table": "claims.Claim"}, "there is no table claims.Claim; write one of claims.claim"),
        ({"table": "claim"}, "there is no table public.claim; write one of claims.claim"),
        ({"table": "claims.other"}, "there is no table claims.other; check its name"),
        ({"key": ("claim_no",)}, "the table has no column claim_no"),
        ({"columns": ("amount", "x")}, "the table has no column x"),
        ({"query": "SELECT 1 AS a, 2 AS a", "table": None}, "column a more than once"),
        ({"query": "SELECT * FROM claim", "table": None}, "write the schema before the name of each table"),
        ({"query": "SELECT * FROM claims.private", "table": None}, "grant it USAGE on the schema and SELECT"),
        ({"query": "SELECT nextval('claims.numbers')", "table": None}, "may not read|would change data"),
        ({"query": "SELECT 1 FROM", "table": None}, "PostgreSQL refuses what the source reads: SyntaxError"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(
    claims: SourceDatabase, changes: dict[str, Any], reason: str
) -> None:
    claims.run("CREATE TABLE claims.private (claim_id int); CREATE SEQUENCE claims.numbers")
    claims.run(f'REVOKE ALL ON claims.private FROM "{claims.secret["username"]}"')
    with pytest.raises(RefusedSource, match=reason):
        claims.open(**{"mode": Mode.DIFFERENCE, "key": (), **changes}).sample(1)


def test_an_error_quotes_no_value_of_a_row(claims: SourceDatabase) -> None:
    claims.run("INSERT INTO claims.claim VALUES ('Karl Mustermann', 1, true)")
    query = "SELECT claim_id, claim_id::int AS number FROM claims.claim"
    reader = claims.open(table=None, query=query, mode=Mode.DIFFERENCE)
    with pytest.raises(RefusedSource) as refusal:
        read(reader, reader.begin_cycle(None))
    assert "Mustermann" not in str(refusal.value)
    assert refusal.value.__context__ is None or refusal.value.__suppress_context__


def test_a_statement_that_takes_longer_than_its_limit_is_ended(claims: SourceDatabase) -> None:
    claims.run("INSERT INTO claims.claim VALUES ('C1', 1, true)")
    slow = "SELECT claim_id, pg_sleep(5)::text AS pause FROM claims.claim"
    reader = claims.open(table=None, query=slow, mode=Mode.DIFFERENCE, limits=Limits(seconds=1))
    with pytest.raises(WindowTooLarge, match=r"limits\.seconds"):
        list(reader.rows({}, None, ("C1",)))
    claims.run("ALTER TABLE claims.claim ADD CHECK (true)")
    blocked = claims.open(limits=Limits(seconds=1))
    cycle = blocked.begin_cycle(None)
    holding = claims.connect()
    with holding.cursor() as cursor:
        cursor.execute("LOCK TABLE claims.claim")
    with pytest.raises(SourceUnreachable, match="add an index"):
        blocked.last_key(cycle, None, 10)


@pytest.mark.parametrize("end", ["the blocks", "the reader"])
def test_a_copy_that_nobody_reads_to_its_end_leaves_no_thread(claims: SourceDatabase, end: str) -> None:
    claims.run("INSERT INTO claims.claim SELECT repeat('x', 500) || i, i FROM generate_series(1, 60000) i")
    before = threading.active_count()
    reader = claims.open()
    cycle = reader.begin_cycle(None)
    upto, _ = reader.last_key(cycle, None, 100_000)
    assert upto is not None
    copy = reader.copy(cycle, None, upto)
    assert next(copy).startswith(b"claim_id,")
    if end == "the reader":  # as a step does that runs out of time
        reader.close()
    copy.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
    with pytest.raises(SourceUnreachable):
        reader.tables()


def test_a_server_that_breaks_off_while_it_copies_raises_an_error(claims: SourceDatabase) -> None:
    claims.run("INSERT INTO claims.claim SELECT repeat('x', 500) || i, i FROM generate_series(1, 60000) i")
    reader = claims.open()
    cycle = reader.begin_cycle(None)
    upto, _ = reader.last_key(cycle, None, 100_000)
    assert upto is not None
    copy = reader.copy(cycle, None, upto)
    next(copy)
    claims.terminate_readers()
    with pytest.raises(SourceUnreachable, match="broke off"):
        for _ in copy:
            pass
