"""Logins: one per task and database, each a member of its task's role, with a password that nobody chose."""

import secrets
from collections.abc import Mapping
from typing import Any, Protocol

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class
from psycopg2.extensions import encrypt_password

from claimwatch.errors import ClaimwatchError
from claimwatch.storage.connection import Database
from claimwatch.storage.queries import queries

TASKS = (
    "ingest",
    "contracts",
    "photos",
    "scoring",
    "promotion",
    "approval",
    "dispatch",
    "training",
    "evaluation",
    "read",
    "replay",
    "api",
    "record",
    "seal",
    "audit",
    "decisions",
    "sources",
)
"""Tasks; the privileges of each are those of the role ``claimwatch_<task>`` (migrations 0010 and later)."""

LONGEST_NAME = 63
"""Bytes of a name in PostgreSQL."""

_SQL = queries("logins")
_ADDRESS = ("host", "port", "dbname", "sslmode", "sslrootcert")


class LoginStore(Protocol):
    """Keeps the credentials of each task where only its functions can read them."""

    def put(self, task: str, credentials: Mapping[str, Any]) -> None:
        """Store the credentials of a task's login in place of earlier ones."""


class UnusableDatabase(ClaimwatchError):
    """The database does not let its owner create what Claimwatch needs; the message says what to change."""


def login_of(database: str, task: str) -> str:
    """Return the name of a task's login; a server may have several databases of Claimwatch."""
    name = f"{database}_{task}_login"
    if len(name.encode()) > LONGEST_NAME:
        raise UnusableDatabase(f"the name of the database '{database}' is too long: rename the database")
    return name


def role_of(task: str) -> str:
    """Return the name of the role that has the task's privileges."""
    return f"claimwatch_{task}"


def renew_logins(database: Database, owner: Mapping[str, Any], store: LoginStore) -> None:
    """Create missing logins and give all of them new passwords; ``owner`` are the owner's credentials.

    The credentials are stored before the transaction ends. Whoever reads them in between tries again, and a
    failure leaves the passwords as they were.
    """
    with database.transaction() as cursor:
        cursor.execute(_SQL["lock_logins"])
        cursor.execute(_SQL["describe_database"])
        name, owned = cursor.fetchone() or ("", False)
        if owned:
            cursor.execute(sql.SQL(_SQL["close_database"]).format(database=sql.Identifier(name)))
        address = {key: owner[key] for key in _ADDRESS if key in owner} | {"dbname": name}
        for task in TASKS:
            login, password = login_of(name, task), secrets.token_urlsafe(32)
            _renew(cursor, login, password, role_of(task))
            if owned:
                _admit(cursor, name, login)
            store.put(task, address | {"username": login, "password": password})


def _renew(cursor: Cursor, login: str, password: str, role: str) -> None:
    names = {"login": sql.Identifier(login), "role": sql.Identifier(role)}
    cursor.execute(_SQL["find_login"], {"login": login})
    found = cursor.fetchone()
    if found is None:
        cursor.execute(sql.SQL(_SQL["create_login"]).format(**names))
    elif found[0]:
        cursor.execute(sql.SQL(_SQL["forbid_databases"]).format(**names))
    # The server gets a verifier: a statement may be logged.
    verifier = encrypt_password(password, login, cursor.connection, "scram-sha-256")
    cursor.execute(sql.SQL(_SQL["set_password"]).format(**names), {"verifier": verifier})
    cursor.execute(sql.SQL(_SQL["join_role"]).format(**names))


def _admit(cursor: Cursor, database: str, login: str) -> None:
    names = {"login": sql.Identifier(login), "database": sql.Identifier(database)}
    cursor.execute(sql.SQL(_SQL["admit_login"]).format(**names))
