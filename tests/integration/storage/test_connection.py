"""The connection survives idle time-outs and restarts, and its errors quote no row."""

import pytest

from claimwatch.errors import TransientFault
from claimwatch.storage.connection import Database, DataRefused, StatementRefused


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


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("SELECT %s::integer", 2**31),
        ("SELECT %s::text", "Jane\0Roe"),
        ("SELECT %s::text", "Jane\ud800Roe"),
        ("INSERT INTO claimwatch.contract (line) VALUES (%s)", "Jane"),
        (
            (
                "CREATE TEMP TABLE indexed AS SELECT string_agg(md5(%s || i), '') AS text"
                " FROM generate_series(1, 400) AS i; CREATE INDEX ON indexed (text)"
            ),
            "Jane",
        ),
    ],
    ids=["out of range", "NUL", "half of a character", "constraint", "limit of an index"],
)
def test_a_value_that_cannot_be_stored_is_refused_and_never_quoted(
    database: Database, statement: str, value: object
) -> None:
    with pytest.raises(DataRefused) as refused, database.transaction() as cursor:
        cursor.execute(statement, (value,))
    assert "Jane" not in str(refused.value)
    assert refused.value.__suppress_context__
    assert backend(database)


def test_an_error_of_the_caller_passes_unchanged(database: Database) -> None:
    with pytest.raises(ValueError, match="mine"), database.transaction():
        raise ValueError("mine")
