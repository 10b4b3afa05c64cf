"""A check and a discovery of servers that are not PostgreSQL."""

import secrets
from collections.abc import Iterator

import pytest

from claimwatch.domain.sources.source import Source
from claimwatch.ingest.local_draft import draft
from claimwatch.sources.check_source import HIDDEN, Dependencies, Request, check_source
from claimwatch.sources.open_reader import open_reader
from claimwatch.sources.reader import Reader, RefusedSource
from tests.mariadb import MISSING, MariaDb

PASSWORD = secrets.token_urlsafe(12)

TEXT = """
kind: mysql
line: glass
table: claims.glass
key: [claim_id]
watermark: changed_at
schedule: rate(1 hour)
secret: claimwatch/prod/sources/glass
"""


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDb]:
    if MISSING:
        pytest.skip(MISSING)
    with MariaDb() as running:
        running.execute("CREATE DATABASE claims")
        running.execute(
            "CREATE TABLE claims.glass (claim_id varchar(20) PRIMARY KEY, claimant_name varchar(60),"
            " loss_date date, amount decimal(10, 2), changed_at timestamp DEFAULT now())",
            "INSERT INTO claims.glass SELECT concat('GLS-', 100000 + seq), concat('Jane Smith ', seq),"
            " date '2026-01-01' + INTERVAL mod(seq, 90) DAY, seq / 4, now() FROM seq_1_to_300",
            f"CREATE USER reader IDENTIFIED BY '{PASSWORD}'",
            "GRANT SELECT ON claims.* TO reader",
            f"CREATE USER writer IDENTIFIED BY '{PASSWORD}'",
            "GRANT SELECT, DELETE ON claims.* TO writer",
            database="claims",
        )
        yield running


def dependencies(server: MariaDb, user: str) -> Dependencies:
    def opened(source: Source) -> Reader:
        return open_reader(source, server.secret(user, PASSWORD))

    return Dependencies(opened, draft)


def test_a_table_of_mariadb_is_described_discovered_and_drafted(mariadb: MariaDb) -> None:
    deps = dependencies(mariadb, "reader")
    found = check_source(deps, Request("glass", TEXT))
    assert [column["name"] for column in found["columns"]][:2] == ["claim_id", "claimant_name"]
    assert {row[1] for row in found["rows"]} == {HIDDEN}
    assert "Smith" not in found["draft"]
    listed = check_source(deps, Request("glass", TEXT.replace("claims.glass", "claims.none"), discover=True))
    assert "claims.glass" in listed["tables"]
    drafted = check_source(
        deps, Request("glass", TEXT.replace("[claim_id]", "[number]"), table="claims.glass", line="panes")
    )
    assert "claim_panes" in drafted["draft"]


def test_a_login_of_mariadb_that_may_write_is_refused(mariadb: MariaDb) -> None:
    for request in (Request("glass", TEXT), Request("glass", TEXT, discover=True)):
        with pytest.raises(RefusedSource, match="GRANT SELECT ON"):
            check_source(dependencies(mariadb, "writer"), request)
