"""Logins: each deployment renews the passwords, and functions that connect meanwhile find their way."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from psycopg2 import sql

from claimwatch.errors import TransientFault
from claimwatch.storage.connection import Database, parameters_of
from claimwatch.storage.logins import TASKS, UnusableDatabase, login_of, renew_logins
from tests.cluster import ClonedDatabase, Cluster, Logins

type Credentials = Mapping[str, Any]


def who(credentials: Credentials, wake_up_time: float = 0.0) -> str:
    """Return whom the database takes somebody with these credentials for."""
    database = Database(parameters_of(credentials), wake_up_time)
    with closing(database), database.transaction() as cursor:
        cursor.execute("SELECT current_user::text")
        [(name,)] = cursor.fetchall()
    return str(name)


def test_every_task_gets_a_login_with_the_address_of_the_owner(
    database: ClonedDatabase, owner: Credentials
) -> None:
    logins = Logins()
    renew_logins(database, owner, logins)
    assert set(logins) == set(TASKS)
    assert {task: who(credentials) for task, credentials in logins.items()} == {
        task: f"claimwatch_{task}" for task in TASKS
    }
    assert len({credentials["password"] for credentials in logins.values()}) == len(TASKS)
    assert {credentials["sslmode"] for credentials in logins.values()} == {"disable"}


def test_a_deployment_replaces_every_password(database: ClonedDatabase, owner: Credentials) -> None:
    old, new = Logins(), Logins()
    renew_logins(database, owner, old)
    renew_logins(database, owner, new)
    for task in TASKS:
        assert who(new[task]) == f"claimwatch_{task}"
        with pytest.raises(TransientFault, match="password authentication failed"):
            who(old[task])


def test_the_owner_needs_no_right_to_create_databases(
    cluster: Cluster, database: ClonedDatabase, owner: Credentials
) -> None:
    """PostgreSQL lets only those who may create databases change that attribute of others, even to less."""
    role = sql.Identifier(owner["username"])
    with closing(psycopg2.connect(cluster.server.superuser_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("ALTER ROLE {} NOCREATEDB").format(role))
            try:
                logins = Logins()
                renew_logins(database, owner, logins)
                renew_logins(database, owner, logins)
            finally:
                cursor.execute(sql.SQL("ALTER ROLE {} CREATEDB").format(role))
    assert who(logins["read"]) == "claimwatch_read"


def test_a_deployment_takes_rights_from_a_login_that_somebody_has_given_to_it(
    cluster: Cluster, database: ClonedDatabase, owner: Credentials
) -> None:
    renew_logins(database, owner, Logins())
    login = login_of(owner["dbname"], "read")
    with closing(psycopg2.connect(cluster.server.superuser_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("ALTER ROLE {} CREATEDB CREATEROLE").format(sql.Identifier(login)))
            renew_logins(database, owner, Logins())
            cursor.execute("SELECT rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = %s", [login])
            assert cursor.fetchall() == [(False, False)]


def test_a_deployment_that_cannot_store_the_logins_changes_no_password(
    database: ClonedDatabase, owner: Credentials
) -> None:
    class Full(Logins):
        def put(self, task: str, credentials: Credentials) -> None:
            if task == TASKS[-1]:
                raise TransientFault("Parameter Store did not answer")
            super().put(task, credentials)

    logins = Logins()
    renew_logins(database, owner, logins)
    with pytest.raises(TransientFault, match="Parameter Store"):
        renew_logins(database, owner, Full())
    assert {task: who(credentials) for task, credentials in logins.items()} == {
        task: f"claimwatch_{task}" for task in TASKS
    }


def test_the_server_never_sees_a_password(database: ClonedDatabase, owner: Credentials) -> None:
    logins, sent = Logins(), []

    class Listening(psycopg2.extensions.cursor):
        def execute(self, query: Any, values: Any = None) -> None:
            sent.append(self.mogrify(query, values).decode())
            super().execute(query, values)

    listening = Database({**dict(database.parameters), "cursor_factory": Listening})  # type: ignore[arg-type]
    with closing(listening):
        renew_logins(listening, owner, logins)
    assert any("SCRAM-SHA-256$" in statement for statement in sent)
    passwords = [credentials["password"] for credentials in logins.values()]
    assert not [password for password in passwords if password in "\n".join(sent)]


def test_only_the_logins_of_a_database_may_connect_to_it(
    cluster: Cluster, database: ClonedDatabase, owner: Credentials
) -> None:
    with closing(database.separately("read")) as other, other.transaction() as cursor:
        cursor.execute("SELECT 1")  # by default, every login of the server may connect
    logins = Logins()
    renew_logins(database, owner, logins)
    stranger = {**cluster.logins["read"], "dbname": logins["read"]["dbname"], "sslmode": "disable"}
    with pytest.raises(TransientFault, match="permission denied for database"):
        who(stranger)
    assert who(logins["read"]) == "claimwatch_read"


def test_a_function_that_meets_a_new_password_reads_it_and_connects(
    database: ClonedDatabase, owner: Credentials
) -> None:
    old, new = Logins(), Logins()
    renew_logins(database, owner, old)
    renew_logins(database, owner, new)
    stored = iter([old["ingest"], new["ingest"]])
    function = Database(lambda: parameters_of(next(stored)), wake_up_time=10)
    with closing(function), function.transaction() as cursor:
        cursor.execute("SELECT current_user::text")
        assert cursor.fetchall() == [("claimwatch_ingest",)]


def test_a_function_that_runs_before_its_login_is_stored_waits_for_it(
    database: ClonedDatabase, owner: Credentials
) -> None:
    logins = Logins()
    renew_logins(database, owner, logins)
    tries = iter((False, False, True))

    def read() -> dict[str, Any]:
        if not next(tries):
            raise TransientFault("parameter /claimwatch/prod/database/ingest does not exist")
        return parameters_of(logins["ingest"])

    function = Database(read, wake_up_time=10)
    with closing(function), function.transaction() as cursor:
        cursor.execute("SELECT 1")


def test_a_login_that_stays_missing_is_a_transient_fault() -> None:
    def read() -> dict[str, Any]:
        raise TransientFault("parameter /claimwatch/prod/database/ingest does not exist")

    with (
        pytest.raises(TransientFault, match="does not exist"),
        Database(read, wake_up_time=0.5).transaction(),
    ):
        pass


def test_a_name_that_is_too_long_for_a_login_is_refused_with_advice() -> None:
    with pytest.raises(UnusableDatabase, match="rename the database"):
        login_of("d" * 60, "evaluation")
