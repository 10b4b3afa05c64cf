"""The views show each claim and each outcome once: the newest, of committed files only."""

import pytest

from claimwatch.storage.contracts import outcome_contract
from tests.integration.contracts.environment import Environment
from tests.unit.contracts.sample_contracts import column, contract_text


@pytest.fixture
def home(env: Environment) -> Environment:
    env.apply(env.put(contract_text(column("amount", "integer"))))
    return env


def claim(env: Environment, file_id: int, amount: int, claim_id: str = "a", row: int = 1) -> None:
    env.rows(
        "INSERT INTO claim_home (claim_id, file_id, row_number, amount) VALUES (%s, %s, %s, %s)",
        *(claim_id, file_id, row, amount),
    )


def test_the_claim_of_the_newest_file_is_current(home: Environment) -> None:
    newer, older = home.file(second=9), home.file(second=1)  # registered in the other order
    claim(home, newer, 2)
    claim(home, older, 1)
    claim(home, older, 3, "b")
    assert home.rows("SELECT claim_id, amount FROM current_claim_home ORDER BY 1") == [("a", 2), ("b", 3)]


def test_within_one_second_the_sequencer_and_then_the_file_id_decide(home: Environment) -> None:
    claim(home, home.file(sequencer="0A"), 1)
    claim(home, home.file(sequencer="0B"), 2)
    claim(home, home.file(sequencer="09"), 3)
    assert home.rows("SELECT amount FROM current_claim_home") == [(2,)]
    claim(home, home.file(sequencer="0B"), 4)
    assert home.rows("SELECT amount FROM current_claim_home") == [(4,)]


@pytest.mark.parametrize("status", ["received", "loading", "refused", "failed", "parked"])
def test_rows_of_a_file_that_is_not_committed_are_invisible(home: Environment, status: str) -> None:
    claim(home, home.file(second=1), 1)
    claim(home, home.file(status, second=9), 2)
    claim(home, home.file(status, second=9), 2, "only there")
    assert home.rows("SELECT claim_id, amount FROM current_claim_home") == [("a", 1)]


def test_a_lookup_of_one_claim_uses_the_primary_key(home: Environment) -> None:
    file_id = home.file()
    home.rows(
        "INSERT INTO claim_home (claim_id, file_id, row_number) "
        "SELECT 'c' || n, %s, n FROM generate_series(1, 20000) AS n",
        file_id,
    )
    home.rows("ANALYZE claim_home")
    plan = home.rows("EXPLAIN SELECT * FROM current_claim_home WHERE claim_id = 'c77'")
    assert any("claim_home_pkey" in line for (line,) in plan), plan


def test_rows_take_their_file_id_from_the_session(home: Environment) -> None:
    file_id = home.file()
    with home.database.transaction() as cursor:
        cursor.execute("SELECT set_config('claimwatch.file_id', %s, true)", [str(file_id)])
        cursor.execute("INSERT INTO claim_home (claim_id, row_number) VALUES ('a', 1)")
    assert home.rows("SELECT file_id FROM current_claim_home") == [(file_id,)]


def test_outcomes_are_kept_by_line_and_the_newest_counts(env: Environment) -> None:
    for second, fraud in ((1, False), (9, True)):
        file_id = env.file(second=second)
        for line in ("home", "motor"):
            with env.database.transaction() as cursor:
                cursor.execute("SELECT set_config('claimwatch.file_id', %s, true)", [str(file_id)])
                cursor.execute("SELECT set_config('claimwatch.line', %s, true)", [line])
                cursor.execute(
                    "INSERT INTO outcome (claim_id, is_fraud, decided_at, row_number) "
                    "VALUES ('a', %s, now(), 1)",
                    [fraud],
                )
    found = env.rows("SELECT line, claim_id, is_fraud FROM current_outcome ORDER BY line")
    assert found == [("home", "a", True), ("motor", "a", True)]


def test_the_table_of_outcomes_matches_its_contract(env: Environment) -> None:
    types = env.columns("outcome")
    assert {column.name: types[column.name].split(" ")[0] for column in outcome_contract("home").columns} == {
        column.name: column.sql_type.replace("timestamptz", "timestamp")
        for column in outcome_contract("home").columns
    }
    ours = {"line", "file_id", "row_number", "extra"}
    assert set(types) == ours | {column.name for column in outcome_contract("home").columns}
