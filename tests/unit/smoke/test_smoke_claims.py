"""The claims of a run follow the contract of line smoke, except for two rows, and are about nobody."""

import csv
import io
from datetime import UTC, datetime

from claimwatch.domain.contract.parse import parse_contract
from smoke.claims import LINE, ClaimFile, contract_text, contract_version

FILE = ClaimFile("0a1b2c3d", datetime(2026, 3, 2, 9, 15, tzinfo=UTC))


def test_the_contract_is_valid_and_has_no_personal_column() -> None:
    contract = parse_contract(contract_text(), LINE)
    assert contract.version == contract_version(contract_text())
    assert "testing" in contract.purposes
    assert not [column.name for column in contract.columns if column.personal]


def test_a_file_has_claims_that_load_and_two_that_do_not() -> None:
    rows = list(csv.DictReader(io.StringIO(FILE.content().decode())))
    assert [row["claim_id"] for row in rows] == [*FILE.valid, *FILE.broken]
    assert len(FILE.valid) == 20
    assert len(FILE.broken) == 2


def test_runs_have_no_key_and_no_claim_in_common() -> None:
    other = ClaimFile("0a1b2c3e", FILE.begun)
    assert other.key != FILE.key
    assert not {*other.valid, *other.broken} & {*FILE.valid, *FILE.broken}
