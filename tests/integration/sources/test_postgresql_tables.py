"""Mode horizon with tables of every kind: frozen, partitioned, attached, exchanged; and what it refuses."""

import io
from collections.abc import Iterator

import pytest

from claimwatch.domain.sources.source import Mode
from claimwatch.sources.reader import Cycle, RefusedSource
from tests.cluster import Cluster
from tests.integration.sources.postgresql_source import SourceDatabase, pulled, run, source_database


@pytest.fixture
def source(cluster: Cluster) -> Iterator[SourceDatabase]:
    with source_database(cluster.server) as database:
        yield database


@pytest.fixture
def claims(source: SourceDatabase) -> SourceDatabase:
    source.run("CREATE TABLE claims.claim (claim_id int PRIMARY KEY, amount int)")
    return source


@pytest.fixture
def parts(source: SourceDatabase) -> SourceDatabase:
    source.run(
        "CREATE TABLE claims.claim (claim_id int PRIMARY KEY, amount int) PARTITION BY RANGE (claim_id);"
        "CREATE TABLE claims.first PARTITION OF claims.claim FOR VALUES FROM (0) TO (100)"
    )
    return source


class Pull:
    """Pulls one cycle after the other."""

    def __init__(self, database: SourceDatabase) -> None:
        self.reader = database.open()
        self.cycle: Cycle | None = None

    def ids(self) -> list[int]:
        self.cycle = self.reader.begin_cycle(self.cycle)
        return sorted(int(row["claim_id"]) for row in pulled(self.reader, self.cycle))


def test_a_savepoint_that_is_released_or_undone_changes_nothing(claims: SourceDatabase) -> None:
    pull, writer = Pull(claims), claims.connect()
    run(writer, "INSERT INTO claims.claim VALUES (1)")
    run(writer, "SAVEPOINT a")
    run(writer, "INSERT INTO claims.claim VALUES (2)")
    run(writer, "RELEASE SAVEPOINT a")
    run(writer, "SAVEPOINT b")
    run(writer, "INSERT INTO claims.claim VALUES (3)")
    run(writer, "ROLLBACK TO SAVEPOINT b")
    claims.run("INSERT INTO claims.claim VALUES (4)")
    found = pull.ids()
    run(writer, "SAVEPOINT c")
    run(writer, "INSERT INTO claims.claim VALUES (5)")
    found += pull.ids()
    writer.commit()
    assert found == []
    assert pull.ids() == [1, 2, 4, 5]
    assert pull.ids() == []


def test_a_block_with_an_exception_changes_nothing(claims: SourceDatabase) -> None:
    pull, writer = Pull(claims), claims.connect()
    run(
        writer,
        "DO $$ BEGIN INSERT INTO claims.claim VALUES (1);"
        " BEGIN INSERT INTO claims.claim VALUES (2), (1); EXCEPTION WHEN unique_violation THEN NULL; END;"
        " BEGIN INSERT INTO claims.claim VALUES (3); EXCEPTION WHEN unique_violation THEN NULL; END;"
        " END $$",
    )
    assert pull.ids() == []
    writer.commit()
    assert pull.ids() == [1, 3]
    assert pull.ids() == []


def test_rows_that_are_copied_frozen_are_pulled_once(claims: SourceDatabase) -> None:
    pull = Pull(claims)
    assert pull.ids() == []
    writer = claims.connect()
    run(writer, "CREATE TABLE claims.file AS SELECT 1")
    run(writer, "TRUNCATE claims.claim")
    with writer.cursor() as cursor:
        cursor.copy_expert("COPY claims.claim FROM STDIN (FORMAT csv, FREEZE)", io.StringIO("1,1\n2,2\n"))
    writer.commit()
    assert pull.ids() == [1, 2]
    assert pull.ids() == []


def test_freezing_and_rewriting_a_table_loses_and_repeats_no_row(claims: SourceDatabase) -> None:
    pull = Pull(claims)
    claims.run("INSERT INTO claims.claim SELECT generate_series(1, 5)")
    assert pull.ids() == [1, 2, 3, 4, 5]
    claims.run("INSERT INTO claims.claim SELECT generate_series(6, 9)")
    claims.run("VACUUM FREEZE claims.claim")
    claims.run("VACUUM FULL claims.claim")
    assert pull.ids() == [6, 7, 8, 9]
    claims.run("VACUUM FULL claims.claim")
    assert pull.ids() == []


def test_rows_of_partitions_are_pulled_through_their_parent(parts: SourceDatabase) -> None:
    parts.run(
        "CREATE TABLE claims.second (amount int, dropped text, claim_id int PRIMARY KEY);"
        "ALTER TABLE claims.second DROP COLUMN dropped;"
        "ALTER TABLE claims.claim ATTACH PARTITION claims.second FOR VALUES FROM (100) TO (200)"
    )
    parts.run("INSERT INTO claims.claim VALUES (1, 1), (101, 1)")
    pull = Pull(parts)
    assert pull.ids() == [1, 101]
    parts.run("UPDATE claims.claim SET claim_id = 2 WHERE claim_id = 101")
    parts.run("UPDATE claims.claim SET amount = 3 WHERE claim_id = 1")
    assert pull.ids() == [1, 2]
    assert pull.ids() == []


def test_old_rows_of_a_partition_that_is_attached_later_are_pulled_once(parts: SourceDatabase) -> None:
    pull = Pull(parts)
    parts.run("CREATE TABLE claims.archive (claim_id int PRIMARY KEY, amount int)")
    parts.run("INSERT INTO claims.archive SELECT generate_series(100, 104)")
    parts.run("INSERT INTO claims.claim VALUES (1)")
    assert pull.ids() == [1]
    attaching = parts.connect()
    run(
        attaching,
        "ALTER TABLE claims.claim ATTACH PARTITION claims.archive FOR VALUES FROM (100) TO (200)",
    )
    attaching.commit()
    parts.run("INSERT INTO claims.claim VALUES (2), (105)")
    assert pull.ids() == [2, 100, 101, 102, 103, 104, 105]
    parts.run("UPDATE claims.claim SET amount = 1 WHERE claim_id = 100")
    assert pull.ids() == [100]


def test_a_table_that_takes_the_place_of_another_is_pulled_as_a_whole(claims: SourceDatabase) -> None:
    claims.run("INSERT INTO claims.claim VALUES (1)")
    claims.run("CREATE TABLE claims.rebuilt (claim_id int PRIMARY KEY, amount int)")
    claims.run("INSERT INTO claims.rebuilt VALUES (1), (2)")
    pull = Pull(claims)
    assert pull.ids() == [1]
    claims.run("ALTER TABLE claims.claim RENAME TO old; ALTER TABLE claims.rebuilt RENAME TO claim")
    pull.reader = claims.open()
    assert pull.ids() == [1, 2]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("CREATE VIEW claims.claim AS SELECT 1 AS claim_id", "not an ordinary table"),
        ("CREATE MATERIALIZED VIEW claims.claim AS SELECT 1 AS claim_id", "not an ordinary table"),
        (
            "CREATE TABLE claims.claim (claim_id int); ALTER TABLE claims.claim ENABLE ROW LEVEL SECURITY",
            "row-level security",
        ),
    ],
)
def test_rows_that_do_not_show_when_they_appeared_are_refused(
    source: SourceDatabase, statement: str, reason: str
) -> None:
    source.run(statement)
    with pytest.raises(RefusedSource, match=f"{reason}.*use mode"):
        source.open()


def test_a_query_is_refused(claims: SourceDatabase) -> None:
    with pytest.raises(RefusedSource, match="mode horizon needs a table"):
        claims.open(table=None, query="SELECT * FROM claims.claim")


def test_a_cycle_of_another_mode_is_not_continued(claims: SourceDatabase) -> None:
    claims.run("INSERT INTO claims.claim VALUES (1)")
    other = claims.open(mode=Mode.DIFFERENCE).begin_cycle(None)
    reader = claims.open()
    assert len(pulled(reader, reader.begin_cycle(other))) == 1
