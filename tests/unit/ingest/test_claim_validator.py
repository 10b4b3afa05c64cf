"""A single claim is rejected for the reasons of a file, without a value, and its values become columns."""

import json
import time
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwatch.domain.contract.compiled import from_json, to_json
from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.files.records import MAX_RECORD, Problem
from claimwatch.domain.validation.claim_json import read_claim, read_claims
from claimwatch.domain.validation.claim_validator import (
    AcceptedClaim,
    ClaimValidator,
    RejectedClaim,
    columns_of,
)
from claimwatch.domain.validation.row_rules import MOST_REASONS
from tests.fuzz import claims
from tests.unit.ingest.test_claim_parity import assert_same

CONTRACT = Contract(
    "motor",
    "1.0.0",
    "claim_motor",
    (
        Column("claim", LogicalType.STRING, Role.IDENTIFIER, required=True, unique=True, pattern="^C[0-9]+$"),
        Column("amount", LogicalType.NUMBER, Role.FEATURE, minimum=Decimal(0)),
        Column("count", LogicalType.INTEGER, Role.FEATURE),
        Column("kind", LogicalType.STRING, Role.FEATURE, valid_values=("fire", "theft")),
        Column("seen", LogicalType.TIMESTAMP, Role.EVENT_TIME),
        Column("police", LogicalType.BOOLEAN, Role.FEATURE),
    ),
)
VALIDATOR = ClaimValidator(CONTRACT)
GOOD = {
    "claim": "C1",
    "amount": 12.5,
    "count": 3,
    "kind": "fire",
    "seen": "2026-03-01T10:00:00Z",
    "police": True,
}


def sound_value(column: Column) -> object:
    if column.valid_values:
        return column.valid_values[0]
    if isinstance(column.minimum, Decimal):
        return float(column.minimum) if column.logical_type is LogicalType.NUMBER else int(column.minimum)
    return {
        LogicalType.STRING: "some text",
        LogicalType.INTEGER: 2,
        LogicalType.NUMBER: 1250.5,
        LogicalType.BOOLEAN: True,
        LogicalType.DATE: "2026-03-01",
        LogicalType.TIMESTAMP: "2026-03-01T10:00:00",
    }[column.logical_type]


def validated(*claims: object) -> list[AcceptedClaim | RejectedClaim]:
    return VALIDATOR.validate_all(read_claims(json.dumps({"claims": claims}), "claims"))


def test_a_claim_id_is_accepted_once_in_a_request() -> None:
    first, invalid, again, other = validated(
        GOOD, {"claim": "C2", "amount": -1}, {"claim": "C1"}, {"claim": "C2"}
    )
    assert isinstance(first, AcceptedClaim)
    assert isinstance(invalid, RejectedClaim)
    assert again == RejectedClaim(
        "C1", (Problem("claim", "unique", "an earlier claim of this request has the same claim"),)
    )
    assert isinstance(other, AcceptedClaim), "a rejected claim is not an earlier one, as in a file"


def test_a_rejected_claim_has_its_id_if_that_is_sound() -> None:
    results = validated({"claim": "C1", "count": 1.5}, {"claim": "D1"}, {"count": 1}, [GOOD])
    assert [
        (result.claim_id, result.problems) for result in results if isinstance(result, RejectedClaim)
    ] == [
        ("C1", (Problem("count", "type", "the value is not a whole number: it has a fraction"),)),
        (None, (Problem("claim", "pattern", "the value does not match the pattern ^C[0-9]+$"),)),
        (None, (Problem("claim", "required", "the value is missing"),)),
        (None, (Problem(None, "json", "the row is not a JSON object"),)),
    ]


def test_a_claim_of_more_than_a_mebibyte_is_rejected_as_in_a_file() -> None:
    longest = MAX_RECORD - len(json.dumps(GOOD | {"x": ""}))
    fits, too_long = validated(GOOD | {"x": "a" * longest}, {**GOOD, "claim": "C2", "x": "a" * (longest + 1)})
    assert isinstance(fits, AcceptedClaim)
    assert too_long == RejectedClaim(None, (Problem(None, "length", "the row is longer than 1 MiB"),))


def test_of_many_reasons_the_first_are_listed() -> None:
    columns = (CONTRACT.columns[0], *(replace(CONTRACT.columns[2], name=f"n{n}") for n in range(15)))
    many = ClaimValidator(replace(CONTRACT, columns=columns))
    result = many.validate(read_claim(json.dumps({"claim": "C1"} | {f"n{n}": "x" for n in range(15)})))
    assert isinstance(result, RejectedClaim)
    assert len(result.problems) == MOST_REASONS + 1
    assert result.problems[-1] == Problem(None, "more", "the row breaks 5 more rules")


def test_columns_have_the_types_that_features_expect() -> None:
    accepted = [each for each in validated(GOOD, {"claim": "C2"}) if isinstance(each, AcceptedClaim)]
    kinds = {"amount": "number", "count": "number", "kind": "category", "seen": "hour", "police": "flag"}
    columns = columns_of(accepted, kinds)
    np.testing.assert_array_equal(columns["amount"], [12.5, np.nan])
    np.testing.assert_array_equal(columns["count"], [3.0, np.nan])
    np.testing.assert_array_equal(columns["police"], [1.0, np.nan])
    assert columns["kind"].tolist() == ["fire", None]
    assert columns["seen"].tolist() == [datetime(2026, 3, 1, 10), None]  # noqa: DTZ001 - UTC
    assert [columns[name].dtype for name in kinds] == ["f8", "f8", "O", "M8[us]", "f8"]
    assert {name: len(values) for name, values in columns_of([], kinds).items()} == dict.fromkeys(kinds, 0)


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ({"colour": "category"}, "does not have column 'colour'"),
        ({"kind": "number"}, "'kind' has another type"),
    ],
)
def test_a_model_of_other_columns_gets_none(kinds: dict[str, str], message: str) -> None:
    [accepted] = [each for each in validated(GOOD) if isinstance(each, AcceptedClaim)]
    with pytest.raises(ValueError, match=message):
        columns_of([accepted], kinds)


def test_a_value_that_is_stored_as_a_hash_is_checked_and_not_kept() -> None:
    name = Column("name", LogicalType.STRING, Role.IGNORED, personal=True, hashed=True, max_length=5)
    validator = ClaimValidator(replace(CONTRACT, columns=(*CONTRACT.columns, name)))
    accepted = validator.validate(read_claim(json.dumps(GOOD | {"name": "Ann"})))
    assert isinstance(accepted, AcceptedClaim)
    assert "Ann" not in str(accepted)
    with pytest.raises(ValueError, match="does not have column 'name'"):
        columns_of([accepted], {"name": "category"})
    assert isinstance(validator.validate(read_claim(json.dumps(GOOD | {"name": "Annika"}))), RejectedClaim)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_characters="\0"), min_size=3), st.sampled_from(list(GOOD)))
def test_no_message_contains_a_value(text: str, name: str) -> None:
    secret = f"Zq{text}xQ"
    [result] = validated(GOOD | {name: secret, secret: [secret]})
    if isinstance(result, RejectedClaim):
        assert all(secret not in problem.message for problem in result.problems)
        assert all("Zq" not in problem.message for problem in result.problems)


def test_what_is_remembered_of_a_value_depends_on_its_type_and_column() -> None:
    validator = ClaimValidator(
        replace(CONTRACT, columns=(*CONTRACT.columns, Column("grouped", LogicalType.NUMBER, Role.FEATURE)))
    )
    texts = ('{"claim": "C1", "amount": %s, "grouped": %s}', '{"claim": "C1", "police": %s, "count": %s}')
    for _ in range(2):
        for value in ("1", '"1"', '"1,5"', "1.0", '"1.0"', "true", '"true"', "null", '""', "1e0", '"1e0"'):
            for text in texts:
                claim = read_claim(text % (value, value))
                assert repr(validator.validate(claim)) == repr(
                    ClaimValidator(validator.contract).validate(claim)
                ), value


def test_values_of_people_are_not_remembered() -> None:
    validator = ClaimValidator(
        replace(
            CONTRACT,
            columns=(*CONTRACT.columns, Column("name", LogicalType.STRING, Role.FEATURE, personal=True)),
        )
    )
    for number in range(5):
        assert isinstance(
            validator.validate(read_claim(f'{{"claim": "C{number}", "name": "Ann {number}"}}')), AcceptedClaim
        )
    assert "Ann" not in repr([vars(rules) for rules in validator._columns])


def test_a_hostile_value_takes_linear_time() -> None:
    contract = replace(CONTRACT, columns=(replace(CONTRACT.columns[0], pattern="(a|aa)+$"),))
    result = ClaimValidator(contract).validate(read_claim(json.dumps({"claim": "a" * 300 + "b"})))
    assert isinstance(result, RejectedClaim)


def test_a_claim_of_the_samples_is_validated_in_less_than_half_a_millisecond() -> None:
    text = to_json(parse_contract(Path("contracts/motor.yaml").read_text("utf-8"), "motor"))
    begun = time.process_time()
    validator = ClaimValidator(from_json(text))
    assert time.process_time() - begun < 0.06
    cells = {column.name: sound_value(column) for column in validator.contract.columns} | {
        "claim_id": "MTR-0123456789AB",
        "policy_number": "POL-0123456789",
        "policyholder_id": "C01234567",
        "policyholder_email": "ann@example.org",
    }
    claim = read_claim(json.dumps(cells))
    assert isinstance(validator.validate(claim), AcceptedClaim)

    def seconds() -> float:
        begun = time.process_time()
        for _ in range(100):
            validator.validate(claim)
        return (time.process_time() - begun) / 100

    assert min(seconds() for _ in range(10)) < 0.0004


@pytest.mark.parametrize("path", sorted(Path("tests/fuzz/corpus/json").iterdir()), ids=lambda path: path.name)
def test_the_corpus_of_the_fuzzer_is_validated_alike(path: Path) -> None:
    contract = parse_contract(claims.CONTRACT, claims.LINE)
    lines = path.read_bytes().decode("utf-8", "replace").splitlines()
    texts = [line for line in lines if is_json(line)]
    assert_same(contract, texts)


def is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
