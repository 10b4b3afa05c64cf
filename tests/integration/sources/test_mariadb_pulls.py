"""Tables of a real MariaDB server become objects of the landing bucket, by the steps of the pipeline."""

import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from claimwatch.domain.sources.source import Source
from claimwatch.sources.mysql import open_mysql
from claimwatch.sources.reader import RefusedSource, SourceUnreachable
from claimwatch.sources.selecting import SelectingReader
from tests.integration.sources.environment import Environment
from tests.mariadb import MISSING, MariaDb

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

PASSWORD = secrets.token_urlsafe(12)
TABLE = (
    "CREATE OR REPLACE TABLE claim (claim_id varchar(20) PRIMARY KEY, amount decimal(10,2), note text,"
    " changed_at datetime(6) DEFAULT NOW(6) ON UPDATE NOW(6))"
)


@dataclass
class Origin:
    """A table of MariaDB, in the place of the fake ones."""

    mariadb: MariaDb
    user: str = "reader"

    def open(self, source: Source) -> SelectingReader:
        return open_mysql(source, self.mariadb.secret(self.user, PASSWORD, "claims"))

    def execute(self, *statements: str) -> None:
        self.mariadb.execute(*statements, database="claims")


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDb]:
    with MariaDb() as running:
        running.execute(
            "CREATE DATABASE claims",
            f"CREATE USER reader IDENTIFIED BY '{PASSWORD}'",
            f"CREATE USER writer IDENTIFIED BY '{PASSWORD}'",
            "GRANT SELECT ON claims.* TO reader",
            "GRANT SELECT, UPDATE ON claims.* TO writer",
        )
        yield running


@pytest.fixture
def origin(env: Environment, mariadb: MariaDb) -> Origin:
    table = Origin(mariadb)
    table.execute(TABLE)
    env.server = table  # type: ignore[assignment]
    return table


def test_windows_become_objects_and_later_pulls_have_only_news(env: Environment, origin: Origin) -> None:
    env.define(mode="overlap", watermark="changed_at", limits="{rows: 2}")
    origin.execute(
        "INSERT INTO claim (claim_id, amount, note) VALUES ('a', 1.50, 'one, \"two\"'), ('B', 2, NULL),"
        " ('c', 3, ''), ('ü', 4, 'line\nbreak'), ('z', 5, 'x')"
    )
    assert env.pull() == "done"
    objects = env.objects_of()
    assert list(objects) == ["00000001.csv", "00000002.csv", "00000003.csv"]
    [first] = objects["00000001.csv"]
    assert first.splitlines()[0] == b"claim_id,amount,note,changed_at"
    assert first.splitlines()[1].startswith(b'a,1.50,"one, ""two""",')
    assert env.amounts() == {"a": "1.50", "B": "2.00", "c": "3.00", "ü": "4.00", "z": "5.00"}

    env.later(minutes=15)
    env.pull("two")
    assert list(env.objects_of()) == list(objects)  # the overlap was read again, and nothing is new

    with closing(origin.mariadb.connect("claims", autocommit=False)) as late, late.cursor() as cursor:
        cursor.execute("INSERT INTO claim (claim_id, amount) VALUES ('late', 6)")
        origin.execute("UPDATE claim SET amount = 2.5 WHERE claim_id = 'B'")
        env.later(minutes=15)
        env.pull("three")
        assert env.amounts()["B"] == "2.50"
        assert "late" not in env.amounts()
        late.commit()
    env.later(minutes=15)
    env.pull("four")
    assert env.amounts()["late"] == "6.00"
    counted = sum(len(body.splitlines()) > 1 for versions in env.objects_of().values() for body in versions)
    assert counted == len(env.objects_of())
    assert [row["claim_id"] for row in env.pulled()].count("z") == 1


def test_difference_reports_rows_that_are_gone(env: Environment, origin: Origin) -> None:
    env.define(mode="difference", limits="{rows: 2}")
    origin.execute("INSERT INTO claim (claim_id, amount) VALUES ('a', 1), ('b', 2), ('c', 3)")
    assert env.pull() == "done"
    origin.execute(
        "DELETE FROM claim WHERE claim_id = 'b'", "UPDATE claim SET amount = 9 WHERE claim_id = 'c'"
    )
    env.later(minutes=15)
    env.pull("two")
    assert env.amounts() == {"a": "1.00", "b": "2.00", "c": "9.00"}
    assert env.rows("SELECT count(*) FROM source_deletion") == [(1,)]


def test_a_pull_goes_on_where_a_restart_of_the_server_has_interrupted_it(
    env: Environment, origin: Origin
) -> None:
    env.define(mode="difference", limits="{rows: 2}")
    origin.execute("INSERT INTO claim (claim_id, amount) VALUES ('a', 1), ('b', 2), ('c', 3)")
    plan = env.plan()
    origin.mariadb.kill()
    with pytest.raises(SourceUnreachable):
        env.extract(plan)
    origin.mariadb.start()
    assert env.pull("two") == "busy"
    env.fail("SourceUnreachable", "the server does not answer")
    assert env.pull("three") == "done"
    assert env.amounts() == {"a": "1.00", "b": "2.00", "c": "3.00"}
    assert all(len(versions) == 1 for versions in env.objects_of().values())


def test_a_login_that_may_write_pulls_nothing(env: Environment, origin: Origin) -> None:
    env.define(mode="difference")
    origin.execute("INSERT INTO claim (claim_id, amount) VALUES ('a', 1)")
    origin.user = "writer"
    with pytest.raises(RefusedSource, match="it has UPDATE on"):
        env.pull()
    assert env.objects_of() == {}
