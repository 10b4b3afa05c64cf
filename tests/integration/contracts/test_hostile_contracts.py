"""A contract that PostgreSQL cannot apply is refused with a reason, and no dead letter."""

from dataclasses import replace

import pytest

from claimwatch.aws.objects import ObjectRef
from tests.integration.contracts.environment import Environment
from tests.unit.contracts.sample_contracts import column, contract_text


def contract_of(line: str, *columns: dict[str, object], **changes: object) -> str:
    return contract_text(*columns, **changes).replace("claim_home", f"claim_{line}")


@pytest.mark.parametrize("other", ["e_by_file", "e_by_event", "e_pkey"])
def test_a_line_whose_table_has_the_name_of_another_lines_index_is_refused(
    env: Environment, other: str
) -> None:
    assert env.apply(env.put(contract_of("e"), line="e")).status == "applied"
    taken = env.rows("SELECT count(*) FROM pg_class WHERE relname = %s", f"claim_{other}") != [(0,)]
    applied = env.apply(env.put(contract_of(other), line=other))
    assert applied.status == ("refused" if taken else "applied")
    if taken:
        [(error,)] = env.rows("SELECT error FROM contract WHERE line = %s", other)
        assert error.startswith("schema: another object of the database has a name that this line needs")
        assert len(env.sent.messages) == 1


@pytest.mark.parametrize("first", ["e_by_file", "e_by_event", "e_pkey"])
def test_a_line_whose_index_has_the_name_of_another_lines_table_is_applied_or_refused(
    env: Environment, first: str
) -> None:
    assert env.apply(env.put(contract_of(first), line=first)).status == "applied"
    custom = [{"property": "eventColumn", "value": "incident"}]
    contract = contract_of("e", column("incident", "string"), customProperties=custom)
    assert env.apply(env.put(contract, line="e")).status in ("applied", "refused")


def test_a_version_with_thousands_of_digits_is_applied_or_refused(env: Environment) -> None:
    for number, version in enumerate(("1.0.0", "1.0.1-" + "9" * 5_000, "1.0.2-" + "8" * 5_000, "2.0.0")):
        applied = env.apply(env.put(contract_text(version=version), second=number))
        assert applied.status in ("applied", "refused")
    assert applied.status == "applied"


def test_an_index_over_stored_values_that_are_too_long_for_it_refuses_the_contract(env: Environment) -> None:
    note = column("note", "string")
    env.apply(env.put(contract_text(note)))
    env.rows(
        "INSERT INTO claim_home (claim_id, file_id, row_number, note)"
        " SELECT 'C-1', 1, 1, string_agg(md5(i::text), '') FROM generate_series(1, 400) AS i"
    )
    custom = [{"property": "eventColumn", "value": "note"}]
    applied = env.apply(env.put(contract_text(note, version="1.1.0", customProperties=custom), second=1))
    assert applied.status == "refused"
    [(error,)] = env.rows("SELECT error FROM contract WHERE status = 'refused'")
    assert error.startswith("schema: the stored claims do not allow this change (PostgreSQL refused")


def test_a_key_with_nul_is_refused_with_the_key_that_can_be_stored(env: Environment) -> None:
    created = env.put(contract_text())
    key = "contracts/ho\0me.yaml"
    env.objects.write("artifacts", key, [b"text"])
    applied = env.apply(replace(created, ref=ObjectRef("artifacts", key, "1")))
    assert applied.status == "refused"
    assert env.rows("SELECT key FROM contract WHERE status = 'refused'") == [("contracts/ho\ufffdme.yaml",)]
