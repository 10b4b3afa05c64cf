"""Rows whose transactions commit late: mode horizon misses none, a pull by watermark does.

Rebuilt from reports about other tools: dlt #2269, kafka-connect-jdbc #172, logstash-integration-jdbc #128.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from claimwatch.sources.postgresql import PostgresqlReader
from claimwatch.sources.reader import Cycle
from tests.cluster import Cluster
from tests.integration.sources.postgresql_source import SourceDatabase, pulled, run, source_database


@pytest.fixture
def claims(cluster: Cluster) -> Iterator[SourceDatabase]:
    with source_database(cluster.server) as database:
        database.run(
            "CREATE TABLE claims.claim (claim_id int PRIMARY KEY,"
            " updated_at timestamptz DEFAULT clock_timestamp())"
        )
        yield database


@dataclass
class NaivePull:
    """Asks for rows above the highest watermark so far, as many tools do; ``page`` limits a query."""

    database: SourceDatabase
    watermark: str = "updated_at"
    page: int = 1000
    last: datetime | None = None
    found: list[int] = field(default_factory=list)

    def pull(self) -> None:
        while rows := self.database.run(
            f"SELECT claim_id, {self.watermark} FROM claims.claim"
            f" WHERE %(last)s::timestamptz IS NULL OR {self.watermark} > %(last)s"
            f" ORDER BY {self.watermark} LIMIT %(page)s",
            {"last": self.last, "page": self.page},
        ):
            self.found += [key for key, _ in rows]
            self.last = rows[-1][1]


@dataclass
class KeyedPull(NaivePull):
    """Asks for rows above the highest watermark and key, as mode timestamp+incrementing does."""

    last_key: int = -1

    def pull(self) -> None:
        while rows := self.database.run(
            "SELECT claim_id, updated_at FROM claims.claim WHERE %(last)s::timestamptz IS NULL"
            " OR (updated_at, claim_id) > (%(last)s, %(key)s)"
            " ORDER BY updated_at, claim_id LIMIT %(page)s",
            {"last": self.last, "key": self.last_key, "page": self.page},
        ):
            self.found += [key for key, _ in rows]
            self.last_key, self.last = rows[-1]


@dataclass
class HorizonPull:
    """Pulls cycle after cycle, as the state machine does."""

    reader: PostgresqlReader
    cycle: Cycle | None = None
    found: list[int] = field(default_factory=list)

    def pull(self) -> None:
        self.cycle = self.reader.begin_cycle(self.cycle)
        self.found += [int(row["claim_id"]) for row in pulled(self.reader, self.cycle)]


def test_a_row_with_an_earlier_time_that_commits_after_a_later_one_is_not_missed(
    claims: SourceDatabase,
) -> None:
    # dlt #2269: at the time of the pull the highest time is 02:30:00; then a row of 02:29:59 is committed.
    naive, ours = NaivePull(claims), HorizonPull(claims.open())
    slow = claims.connect()
    run(slow, "INSERT INTO claims.claim VALUES (1, '2025-02-05 02:29:59+00')")
    claims.run("INSERT INTO claims.claim VALUES (2, '2025-02-05 02:30:00+00')")
    for pull in (naive, ours):
        pull.pull()
    slow.commit()
    for _ in range(2):
        for pull in (naive, ours):
            pull.pull()
    assert naive.found == [2]
    assert sorted(ours.found) == [1, 2]


def test_a_row_whose_trigger_sets_the_time_is_not_missed_by_time_and_key(claims: SourceDatabase) -> None:
    # kafka-connect-jdbc #172: a trigger sets the time of the change; of two transactions, the earlier one
    # commits last. A key that breaks ties does not help.
    claims.run(
        "CREATE FUNCTION claims.touch() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END';"
        "CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON claims.claim"
        " FOR EACH ROW EXECUTE FUNCTION claims.touch()"
    )
    naive, ours = KeyedPull(claims), HorizonPull(claims.open())
    first, second = claims.connect(), claims.connect()
    run(first, "INSERT INTO claims.claim VALUES (1, NULL)")
    run(second, "INSERT INTO claims.claim VALUES (3, NULL)")
    second.commit()
    for pull in (naive, ours):
        pull.pull()
    first.commit()
    claims.run("UPDATE claims.claim SET claim_id = 3 WHERE claim_id = 3")
    for _ in range(2):
        for pull in (naive, ours):
            pull.pull()
    assert 1 not in naive.found
    assert sorted(set(ours.found)) == [1, 3]


def test_a_change_that_commits_below_the_last_value_is_not_missed(claims: SourceDatabase) -> None:
    # logstash-integration-jdbc #128: a connection begins and inserts 4, another one inserts 5 and commits
    # first; and the same with an update of a row that was pulled before.
    claims.run("INSERT INTO claims.claim VALUES (1), (2), (3)")
    naive, ours = NaivePull(claims), HorizonPull(claims.open())
    for pull in (naive, ours):
        pull.pull()
    inserting, updating = claims.connect(), claims.connect()
    run(inserting, "INSERT INTO claims.claim VALUES (4)")
    run(updating, "UPDATE claims.claim SET updated_at = clock_timestamp() WHERE claim_id = 2")
    claims.run("INSERT INTO claims.claim VALUES (5)")
    for pull in (naive, ours):
        pull.pull()
    inserting.commit()
    updating.commit()
    for _ in range(2):
        for pull in (naive, ours):
            pull.pull()
    assert sorted(naive.found) == [1, 2, 3, 5]
    assert sorted(ours.found) == [1, 2, 2, 3, 4, 5]


def test_rows_with_one_time_on_both_sides_of_a_page_are_not_missed(claims: SourceDatabase) -> None:
    claims.run("INSERT INTO claims.claim SELECT i, '2026-01-05 10:00+00' FROM generate_series(1, 25) i")
    naive = NaivePull(claims, page=10)
    naive.pull()
    reader = claims.open()
    rows = pulled(reader, reader.begin_cycle(None), 10)
    assert len(naive.found) == 10
    assert sorted(int(row["claim_id"]) for row in rows) == list(range(1, 26))


def test_rows_that_commit_while_a_cycle_is_read_come_with_the_next(claims: SourceDatabase) -> None:
    # Their times are those of the beginning of their transactions, before the pull.
    early, late = claims.connect(), claims.connect()
    for writer in (early, late):
        run(writer, "SELECT now()")
    claims.run("INSERT INTO claims.claim SELECT i FROM generate_series(0, 90, 10) i")
    run(late, "INSERT INTO claims.claim VALUES (5, now())")
    reader = claims.open()
    naive = NaivePull(claims)
    naive.pull()
    cycle = reader.begin_cycle(None)
    upto, more = reader.last_key(cycle, None, 3)
    assert upto == ("20",)
    assert more
    list(reader.copy(cycle, None, upto))
    late.commit()
    run(early, "INSERT INTO claims.claim VALUES (15, now()), (95, now())")
    early.commit()
    rest, more = reader.last_key(cycle, upto, 1000)
    assert rest == ("95",), "the key of a row of the next cycle may end a window of the first one"
    assert not more
    claims.run("UPDATE claims.claim SET claim_id = 7 WHERE claim_id = 80")
    list(reader.copy(cycle, upto, rest))
    assert reader.copied == 6, "a row that changes belongs to the next cycle"
    naive.pull()
    following = reader.begin_cycle(cycle)
    assert sorted(int(row["claim_id"]) for row in pulled(reader, following)) == [5, 7, 15, 95]
    assert not {5, 15, 95} & set(naive.found)


def test_a_transaction_that_takes_its_number_late_is_not_missed(claims: SourceDatabase) -> None:
    # It began first and so has the earliest time, but its number is higher than that of the other one.
    ours, naive = HorizonPull(claims.open()), NaivePull(claims)
    early = claims.connect()
    run(early, "SELECT now()")
    claims.run("INSERT INTO claims.claim VALUES (2)")
    ours.pull()
    naive.pull()
    run(early, "INSERT INTO claims.claim VALUES (1, now())")
    ours.pull()
    early.commit()
    ours.pull()
    naive.pull()
    assert ours.found == [2, 1]
    assert naive.found == [2]


@pytest.mark.parametrize("time", ["NULL", "'2199-01-01 00:00+00'", "'1999-01-01 00:00+00'"])
def test_rows_without_a_true_time_are_pulled_once(claims: SourceDatabase, time: str) -> None:
    ours, naive = HorizonPull(claims.open()), NaivePull(claims)
    claims.run("INSERT INTO claims.claim VALUES (1)")
    ours.pull()
    naive.pull()
    claims.run(f"INSERT INTO claims.claim VALUES (2, {time})")
    claims.run("INSERT INTO claims.claim VALUES (3)")
    for _ in range(2):
        ours.pull()
        naive.pull()
    claims.run("INSERT INTO claims.claim VALUES (4)")
    ours.pull()
    naive.pull()
    assert sorted(ours.found) == [1, 2, 3, 4]
    assert sorted(naive.found) != [1, 2, 3, 4]


def test_a_change_that_does_not_touch_the_watermark_is_pulled(claims: SourceDatabase) -> None:
    claims.run("ALTER TABLE claims.claim ADD amount int")
    claims.run("INSERT INTO claims.claim VALUES (1), (2)")
    ours, naive = HorizonPull(claims.open()), NaivePull(claims)
    ours.pull()
    naive.pull()
    claims.run("UPDATE claims.claim SET amount = 7 WHERE claim_id = 1")
    ours.pull()
    naive.pull()
    assert ours.found == [1, 2, 1]
    assert naive.found == [1, 2]
