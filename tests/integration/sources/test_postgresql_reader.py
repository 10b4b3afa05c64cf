"""What the reader of PostgreSQL returns, and what it refuses."""

from collections.abc import Iterator

import pytest

from tests.cluster import Cluster
from tests.integration.sources.postgresql_source import SourceDatabase, pulled, source_database


@pytest.fixture
def claims(cluster: Cluster) -> Iterator[SourceDatabase]:
    with source_database(cluster.server) as database:
        database.run(
            "CREATE TABLE claims.claim (claim_id text PRIMARY KEY, amount numeric, open boolean,"
            " updated_at timestamptz DEFAULT now())"
        )
        yield database


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
