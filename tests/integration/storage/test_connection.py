"""A connection outlives its server's whims: idle time-outs, restarts, and statements that quote a row."""

import pytest

from claimwatch.errors import TransientFault
from claimwatch.storage.connection import Database, StatementRefused


def backend(database: Database) -> int:
    with database.transaction() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [(pid,)] = cursor.fetchall()
    return int(pid)


def test_a_connection_that_was_ended_while_idle_is_replaced_unnoticed(
    database: Database, database_url: str
) -> None:
    pid = backend(database)
    other = Database({"dsn": database_url})
    with other.transaction() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    other.close()
    assert backend(database) != pid


def test_a_connection_that_breaks_at_work_is_a_passing_fault(database: Database, database_url: str) -> None:
    with pytest.raises(TransientFault), database.transaction() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert backend(database)


def test_an_error_that_would_quote_a_row_does_not(database: Database) -> None:
    with pytest.raises(StatementRefused) as refused, database.transaction() as cursor:
        cursor.execute("SELECT 'ann.lee@example.org'::bigint")
    assert "ann.lee" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_what_a_failed_transaction_did_is_undone(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction() as cursor:  # noqa: PT012 - two statements, one undone
        cursor.execute("CREATE TABLE claimwatch.left_over ()")
        raise ZeroDivisionError
    with database.transaction() as cursor:
        cursor.execute("SELECT to_regclass('claimwatch.left_over')")
        assert cursor.fetchall() == [(None,)]
