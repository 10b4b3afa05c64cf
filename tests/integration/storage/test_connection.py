"""The connection survives idle time-outs and restarts, and its errors quote no row."""

import pytest

from claimwatch.errors import TransientFault
from claimwatch.storage.connection import Database, StatementRefused


def backend(database: Database) -> int:
    with database.transaction() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [(pid,)] = cursor.fetchall()
    return int(pid)


def test_a_connection_closed_while_idle_is_replaced(database: Database, database_url: str) -> None:
    pid = backend(database)
    other = Database({"dsn": database_url})
    with other.transaction() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    other.close()
    assert backend(database) != pid


def test_a_connection_that_breaks_in_a_transaction_is_a_transient_fault(
    database: Database, database_url: str
) -> None:
    with pytest.raises(TransientFault), database.transaction() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert backend(database)


def test_an_error_never_quotes_a_row(database: Database) -> None:
    with pytest.raises(StatementRefused) as refused, database.transaction() as cursor:
        cursor.execute("SELECT 'ann.lee@example.org'::bigint")
    assert "ann.lee" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_a_failed_transaction_is_rolled_back(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction() as cursor:  # noqa: PT012 - the block needs both statements
        cursor.execute("CREATE TABLE claimwatch.left_over ()")
        raise ZeroDivisionError
    with database.transaction() as cursor:
        cursor.execute("SELECT to_regclass('claimwatch.left_over')")
        assert cursor.fetchall() == [(None,)]
