"""The arithmetic of transaction numbers, as the server computes it, for all epochs."""

import random
from collections.abc import Iterator

import psycopg2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class

from claimwatch.sources import postgresql_horizon as horizon
from claimwatch.sources.reader import Cycle
from tests.cluster import Cluster

NUMBERS = horizon.NUMBERS
WIDTHS = st.one_of(st.integers(0, 50), st.integers(0, NUMBERS // 2 - 1), st.just(NUMBERS // 2 - 1))
STARTS = st.one_of(
    st.integers(3, 5 * NUMBERS),
    st.builds(lambda epoch, offset: epoch * NUMBERS + offset, st.integers(1, 5), st.integers(-60, 60)),
)


@pytest.fixture(scope="module")
def connection(cluster: Cluster) -> Iterator[Connection]:
    opened = psycopg2.connect(cluster.server.url)
    yield opened
    opened.close()


def chosen(connection: Connection, cycle: Cycle, numbers: list[int], xmax: int) -> set[int]:
    """Return which rows, with these 64-bit numbers, the condition chooses in a snapshot that ends at xmax."""
    condition = horizon.in_cycle(cycle, sql.SQL("xmin"), sql.SQL("table_of"))
    with connection.cursor() as cursor:
        text = condition.as_string(cursor).replace(
            "txid_snapshot_xmax(txid_current_snapshot())", f"{xmax}::bigint"
        )
        cursor.execute(
            "SELECT number FROM (SELECT number, (number %% 4294967296)::text::xid AS xmin, 7 AS table_of"
            f" FROM unnest(%s::bigint[]) AS number) AS row WHERE {text.replace('%', '%%')}",
            [numbers],
        )
        found = {number for (number,) in cursor}
    connection.rollback()
    return found


@given(begin=STARTS, width=WIDTHS, seed=st.integers())
def test_a_later_cycle_has_the_numbers_between_two_horizons(
    connection: Connection, begin: int, width: int, seed: int
) -> None:
    until = begin + width
    draw = random.Random(seed)
    numbers = {begin, begin - 1, until, until - 1, begin + width // 2, until + 1}
    numbers |= {draw.randrange(max(3, until - NUMBERS), until + 100) for _ in range(10)}
    # Numbers in use are less than 2^32 apart, except those of frozen rows, which may come once more.
    numbers = {number for number in numbers if max(3, until + 200 - NUMBERS) <= number}
    cycle: Cycle = {"from": str(begin), "until": str(until), "attached": []}
    expected = {number for number in numbers if begin <= number < until}
    assert chosen(connection, cycle, sorted(numbers), until + 200) == expected


@given(until=STARTS, width=WIDTHS, seed=st.integers())
def test_a_first_cycle_has_all_numbers_except_those_that_a_later_one_has(
    connection: Connection, until: int, width: int, seed: int
) -> None:
    xmax = until + width
    draw = random.Random(seed)
    numbers = {max(3, until - 1), until, max(until, xmax - 1)}
    numbers |= {draw.randrange(max(3, xmax - NUMBERS), xmax + 1) for _ in range(10)}
    numbers = {number for number in numbers if max(3, xmax - NUMBERS) <= number < max(xmax, until)}
    cycle: Cycle = {"from": None, "until": str(until), "attached": []}
    expected = {number for number in numbers if not until <= number < xmax}
    assert chosen(connection, cycle, sorted(numbers), xmax) == expected


@given(until=STARTS, width=st.integers(1, 1000), age=st.integers(0, 4 * NUMBERS))
def test_a_frozen_row_of_any_age_is_in_the_first_cycle_or_in_a_later_one(
    connection: Connection, until: int, width: int, age: int
) -> None:
    number = max(3, until - 1 - age)
    first = chosen(connection, {"from": None, "until": str(until), "attached": []}, [number], until + width)
    second = chosen(
        connection,
        {"from": str(until), "until": str(until + width), "attached": []},
        [number],
        until + width,
    )
    assert first | second == {number}
    assert not first & second


@given(begin=STARTS, width=st.integers(0, 1000), number=st.integers(3, 5 * NUMBERS))
def test_all_rows_of_an_attached_table_are_in_the_cycle_except_newer_ones(
    connection: Connection, begin: int, width: int, number: int
) -> None:
    until = begin + width
    cycle: Cycle = {"from": str(begin), "until": str(until), "attached": [7]}
    newer = (number - until) % NUMBERS < 50
    inside = (number - begin) % NUMBERS < width
    assert chosen(connection, cycle, [number], until + 50) == ({number} if inside or not newer else set())
