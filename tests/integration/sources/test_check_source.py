"""A check of a real table: what a person sees before anything is pulled."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg2 import sql

from claimwatch.domain.sources.source import Source
from claimwatch.ingest.local_draft import draft
from claimwatch.sources.check_source import HIDDEN, Dependencies, Request, check_source
from claimwatch.sources.open_reader import open_reader
from claimwatch.sources.reader import Reader, RefusedSource
from tests.cluster import Cluster
from tests.integration.sources.postgresql_source import SourceDatabase, run, source_database

TEXT = """
kind: postgresql
line: glass
table: claims.glass
key: [claim_id]
schedule: rate(1 hour)
secret: claimwatch/prod/sources/glass
"""


@pytest.fixture
def glass(cluster: Cluster) -> Iterator[SourceDatabase]:
    with source_database(cluster.server) as database:
        database.run(
            "CREATE TABLE claims.glass (claim_id text PRIMARY KEY, claimant_name text, loss_date date,"
            " amount numeric, repaired boolean)"
        )
        database.run(
            "INSERT INTO claims.glass SELECT 'GLS-' || (100000 + i), 'Jane Smith ' || i,"
            " date '2026-01-01' + mod(i, 90), i / 4.0, mod(i, 3) = 0 FROM generate_series(1, 500) AS i"
        )
        database.run("CREATE VIEW claims.repaired AS SELECT * FROM claims.glass WHERE repaired")
        yield database


def check(database: SourceDatabase, text: str = TEXT, **request: Any) -> dict[str, Any]:
    def opened(source: Source) -> Reader:
        return open_reader(source, database.secret)

    found = check_source(Dependencies(opened, draft), Request("glass", text, **request))
    passed: dict[str, Any] = json.loads(json.dumps(found))  # as through the payload of a function
    return passed


def test_a_table_is_described_without_a_value_of_it(glass: SourceDatabase) -> None:
    found = check(glass)
    assert [column["name"] for column in found["columns"]] == [
        "claim_id",
        "claimant_name",
        "loss_date",
        "amount",
        "repaired",
    ]
    assert len(found["rows"]) == 10
    assert {row[1] for row in found["rows"]} == {HIDDEN}
    assert {row[2] for row in found["rows"]} == {"9999-99-99"}
    assert "claim_glass" in found["draft"]
    answer = json.dumps(found)
    assert "Smith" not in answer
    assert "GLS-100" not in answer


def test_tables_and_views_are_discovered_and_drafted(glass: SourceDatabase) -> None:
    not_there = TEXT.replace("claims.glass", "claims.not_there")
    found = check(glass, not_there, discover=True)
    assert {"claims.glass", "claims.repaired"} <= set(found["tables"])
    drafted = check(glass, not_there, table="claims.repaired")
    assert "name: amount" in drafted["draft"]


def test_a_login_that_may_write_is_refused_with_the_grants_to_use(glass: SourceDatabase) -> None:
    reader = sql.Identifier(glass.secret["username"])
    with glass.owner.cursor() as cursor:
        cursor.execute(sql.SQL("GRANT UPDATE ON claims.glass TO {}").format(reader))
    for asked in ({}, {"discover": True}, {"table": "claims.repaired"}):
        with pytest.raises(RefusedSource, match="GRANT SELECT ON"):
            check(glass, **asked)


def test_a_table_that_does_not_exist_is_a_sentence(glass: SourceDatabase) -> None:
    with pytest.raises(RefusedSource, match=r"no table claims\.not_there"):
        check(glass, TEXT.replace("claims.glass", "claims.not_there"))
    with pytest.raises(RefusedSource, match="no column number"):
        check(glass, TEXT.replace("[claim_id]", "[number]"))


def test_a_server_elsewhere_has_to_prove_its_name(glass: SourceDatabase) -> None:
    glass.secret["host"] = "db.example.internal"
    with pytest.raises(RefusedSource, match="remove 'sslmode'"):
        check(glass)


def test_a_check_changes_nothing(glass: SourceDatabase) -> None:
    before = run(glass.owner, "SELECT count(*), min(xmin::text) FROM claims.glass")
    check(glass)
    assert run(glass.owner, "SELECT count(*), min(xmin::text) FROM claims.glass") == before
