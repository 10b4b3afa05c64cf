"""Fixtures: the owner of a database that has no logins of its own."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
from psycopg2 import sql

from claimwatch.storage.logins import TASKS, login_of
from tests.cluster import Cluster


@pytest.fixture
def owner(cluster: Cluster, database_url: str) -> Iterator[Mapping[str, Any]]:
    """The owner's credentials of a database without logins of its own; they are dropped in the end."""
    url = urlsplit(database_url)
    name = url.path.lstrip("/")
    yield {
        "host": url.hostname,
        "port": url.port,
        "dbname": name,
        "username": url.username,
        "sslmode": "disable",
    }
    with closing(psycopg2.connect(cluster.server.url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for task in TASKS:
                login = sql.Identifier(login_of(name, task))
                cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [login.string])
                if cursor.fetchone() is not None:
                    database = sql.Identifier(name)
                    cursor.execute(
                        sql.SQL("REVOKE ALL ON DATABASE {} FROM {}; DROP ROLE {}").format(
                            database, login, login
                        )
                    )
