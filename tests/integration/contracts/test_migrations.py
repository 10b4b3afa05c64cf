"""Each migration runs completely and exactly once."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import psycopg2
import pytest

from claimwatch.errors import TransientFault
from claimwatch.storage.connection import Database, StatementRefused
from claimwatch.storage.migrate import ChangedMigration, Migration, migrate, migrate_with_retry, migrations
from tests.cluster import Cluster, database_at


@pytest.fixture
def empty_url(cluster: Cluster) -> Iterator[str]:
    with cluster.clone() as url:
        with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA claimwatch CASCADE")
        yield url


@pytest.fixture
def empty(empty_url: str) -> Iterator[Database]:
    with closing(database_at(empty_url)) as database:
        yield database


def ran(database: Database) -> list[int]:
    with database.transaction() as cursor:
        cursor.execute("SELECT number FROM claimwatch.migration ORDER BY number")
        return [number for (number,) in cursor.fetchall()]


def test_every_migration_runs_once(empty: Database) -> None:
    assert migrate(empty) == migrations()
    assert migrate(empty) == []
    assert ran(empty) == [migration.number for migration in migrations()]


def test_concurrent_calls_run_each_migration_once(empty: Database, empty_url: str) -> None:
    counts: list[int] = []

    def run() -> None:
        with closing(database_at(empty_url)) as database:
            counts.append(len(migrate(database)))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counts) == 4
    assert sum(counts) == len(migrations())
    assert len(ran(empty)) == len(migrations())


def test_a_failed_migration_leaves_nothing_and_earlier_ones_stay(empty: Database) -> None:
    good = Migration(1, "good", "CREATE TABLE claimwatch.a (x int)")
    bad = Migration(2, "bad", "CREATE TABLE claimwatch.b (x int); SELECT 1 / 0")
    with pytest.raises(StatementRefused, match="DivisionByZero"):
        migrate(empty, [good, bad])
    assert ran(empty) == [1]
    fixed = Migration(2, "bad", "CREATE TABLE claimwatch.b (x int)")
    assert migrate(empty, [good, fixed]) == [fixed]


def test_a_migration_that_was_changed_after_it_ran_is_an_error(empty: Database) -> None:
    migrate(empty)
    first = migrations()[0]
    with pytest.raises(ChangedMigration, match="0001_ledger was changed"):
        migrate(empty, [replace(first, sql=first.sql + "\n-- again")])


def test_an_existing_schema_is_used(empty: Database) -> None:
    with empty.transaction() as cursor:
        cursor.execute("CREATE SCHEMA claimwatch")
    assert migrate(empty)


def test_migrating_waits_for_a_database_that_wakes_up(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = [TransientFault("starting up")] * 2
    transaction = Database.transaction

    def waking(database: Database) -> object:
        if faults:
            raise faults.pop()
        return transaction(database)

    monkeypatch.setattr(Database, "transaction", waking)
    monkeypatch.setattr("claimwatch.storage.migrate.PAUSE", 0.0)
    assert migrate_with_retry(empty) == migrations()


def test_a_database_that_does_not_wake_up_is_a_transient_fault() -> None:
    nowhere = Database({"host": "127.0.0.1", "port": 1, "dbname": "none", "user": "none"}, wake_up_time=0)
    with pytest.raises(TransientFault):
        migrate_with_retry(nowhere, retry_time=0)


def test_a_promotion_that_was_made_before_callers_were_verified_is_kept_and_says_so(empty: Database) -> None:
    steps = {step.name: step for step in migrations()}
    before = [step for step in migrations() if step.number < steps["callers"].number]
    migrate(empty, before)
    with empty.transaction() as cursor:
        cursor.execute(
            "INSERT INTO claimwatch.promotion (request_id, line, role, action, by, why)"
            " VALUES ('r', 'motor', 'challenger', 'vacate', 'ann', 'a test')"
        )

    migrate(empty)

    with empty.transaction() as cursor:
        cursor.execute("SELECT by, caller FROM claimwatch.promotion")
        assert cursor.fetchall() == [("ann", "not recorded")]
    with pytest.raises(StatementRefused), empty.transaction() as cursor:
        cursor.execute("UPDATE claimwatch.promotion SET caller = 'arn:aws:iam::1:user/ann'")
