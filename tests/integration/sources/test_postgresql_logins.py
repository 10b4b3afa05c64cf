"""Which logins and servers are refused: those that can write, wrong passwords, and unproved servers."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg2 import sql

from claimwatch.domain.sources.source import Mode
from claimwatch.errors import LONGEST_SENTENCE
from claimwatch.sources.reader import RefusedSource, SourceUnreachable
from tests.cluster import Cluster
from tests.integration.sources.postgresql_source import SourceDatabase, administer, source_database


@pytest.fixture
def claims(cluster: Cluster) -> Iterator[SourceDatabase]:
    with source_database(cluster.server) as database:
        database.run("CREATE TABLE claims.claim (claim_id int PRIMARY KEY, amount int)")
        database.run("CREATE TABLE claims.other (a int)")
        yield database


def test_a_login_that_may_only_read_is_accepted(claims: SourceDatabase) -> None:
    claims.open().refuse_writers()


@pytest.mark.parametrize(
    ("grant", "problem"),
    [
        ("GRANT INSERT ON claims.claim TO {}", "INSERT on claims.claim"),
        ("GRANT UPDATE (amount) ON claims.claim TO {}", "UPDATE on claims.claim"),
        ("GRANT DELETE ON claims.other TO {}", "DELETE on claims.other"),
        ("GRANT TRUNCATE ON claims.other TO PUBLIC", "TRUNCATE on claims.other"),
        ("GRANT CREATE ON SCHEMA claims TO {}", "CREATE on schema claims"),
        ("ALTER TABLE claims.other OWNER TO {}", "it owns claims.other"),
        ("GRANT pg_write_all_data TO {}", "it is a member of pg_write_all_data"),
        ("ALTER ROLE {} CREATEROLE", "it may create roles"),
        ("ALTER ROLE {} SUPERUSER", "it is a superuser"),
    ],
)
@pytest.mark.parametrize("query", [None, "SELECT claim_id FROM claims.claim"])
def test_a_login_that_may_write_is_refused_with_the_grants_to_use(
    claims: SourceDatabase, grant: str, problem: str, query: str | None
) -> None:
    claims.administer(grant)
    mode = Mode.DIFFERENCE if query else Mode.HORIZON
    reader = claims.open(table=None if query else "claims.claim", query=query, mode=mode)
    with pytest.raises(RefusedSource) as refusal:
        reader.refuse_writers()
    assert problem in str(refusal.value)
    assert "CREATE ROLE claimwatch_reader LOGIN" in str(refusal.value)
    if not query:
        assert str(refusal.value).endswith("GRANT SELECT ON claims.claim TO claimwatch_reader")
    assert len(str(refusal.value)) <= LONGEST_SENTENCE
    assert claims.secret["username"] not in str(refusal.value)


def test_a_role_that_the_login_may_become_counts(claims: SourceDatabase) -> None:
    writer = sql.Identifier(f"writer_{claims.name}")
    administer(claims.server, sql.SQL("CREATE ROLE {}").format(writer))
    try:
        claims.administer(f'GRANT UPDATE ON claims.claim TO "{writer.string}"')
        claims.administer(f'GRANT "{writer.string}" TO {{}} WITH INHERIT FALSE')
        with pytest.raises(RefusedSource, match=r"UPDATE on claims\.claim"):
            claims.open().refuse_writers()
    finally:
        claims.administer(f'DROP OWNED BY "{writer.string}"')
        administer(claims.server, sql.SQL("DROP ROLE {}").format(writer))


def test_what_every_login_may_do_in_the_schema_public_of_old_servers_is_no_sign_of_a_writer(
    claims: SourceDatabase,
) -> None:
    claims.administer("GRANT CREATE ON SCHEMA public TO PUBLIC")
    claims.open().refuse_writers()


def test_the_session_itself_cannot_write(claims: SourceDatabase) -> None:
    claims.administer("ALTER ROLE {} SUPERUSER")
    claims.administer(
        "CREATE FUNCTION claims.write() RETURNS int LANGUAGE sql AS"
        " 'INSERT INTO claims.other VALUES (1) RETURNING a'"
    )
    reader = claims.open(table=None, query="SELECT claims.write() AS claim_id", mode=Mode.DIFFERENCE)
    with pytest.raises(RefusedSource, match="would change data"):
        reader.sample(1)
    assert claims.run("SELECT count(*) FROM claims.other") == [(0,)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"password": "not-the-password"}, "the server refuses the login"),
        ({"username": "nobody-of-this-name"}, "the server refuses the login"),
        ({"dbname": "no-such-database"}, "the server refuses the login"),
        ({"sslmode": "verify-full"}, "cannot prove with a certificate"),
        ({"password": None}, "the secret of the source lacks password; add it as a text"),
    ],
)
def test_a_login_that_no_retry_lets_in_is_refused(
    claims: SourceDatabase, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(RefusedSource, match=reason) as refusal:
        claims.open(secret=claims.secret | changes)
    for value in (claims.secret["password"], "not-the-password", "127.0.0.1"):
        assert value not in str(refusal.value)


def test_a_server_that_does_not_answer_is_unreachable(claims: SourceDatabase) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(SourceUnreachable, match="does not answer; check host and port"):
        claims.open(secret=claims.secret | {"port": port})


def test_a_server_without_a_connection_left_is_unreachable(claims: SourceDatabase) -> None:
    claims.administer("ALTER ROLE {} CONNECTION LIMIT 0")
    with pytest.raises(SourceUnreachable, match="the server answers and refuses the connection"):
        claims.open()


def test_a_connection_that_the_server_ends_is_reported_as_such(claims: SourceDatabase) -> None:
    reader = claims.open()
    claims.terminate_readers()
    with pytest.raises(SourceUnreachable, match="PostgreSQL broke off"):
        reader.begin_cycle(None)
