"""Of a claim that was stored, only what a score needs is required again."""

from dataclasses import replace

import pytest

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.contract.stored_claims import is_scored, of_stored_claims
from claimwatch.domain.validation.claim_json import read_claim
from claimwatch.domain.validation.claim_validator import AcceptedClaim, ClaimValidator, RejectedClaim
from tests.cluster import MOTOR

MOTOR_CONTRACT = parse_contract(MOTOR.read_text("utf-8"), "motor")


def test_nothing_that_a_score_needs_is_relaxed() -> None:
    relaxed = of_stored_claims(MOTOR_CONTRACT)

    for before, after in zip(MOTOR_CONTRACT.columns, relaxed.columns, strict=True):
        assert after == (before if is_scored(before) else replace(before, required=False))
    assert any(is_scored(column) and column.required for column in MOTOR_CONTRACT.columns)
    assert any(column.required and not is_scored(column) for column in MOTOR_CONTRACT.columns)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("hashed", [False, True])
def test_a_score_depends_on_the_identifier_features_and_the_event_time_in_clear(
    role: Role, hashed: bool
) -> None:
    column = Column("c", LogicalType.STRING, role, hashed=hashed, personal=hashed)

    assert is_scored(column) == (not hashed and role in (Role.IDENTIFIER, Role.FEATURE, Role.EVENT_TIME))


def test_a_claim_without_what_is_known_as_a_hash_is_accepted_and_one_without_a_feature_is_not() -> None:
    contract = Contract(
        "pets",
        "1.0.0",
        "claim_pets",
        (
            Column("claim_id", LogicalType.STRING, Role.IDENTIFIER, required=True),
            Column("amount", LogicalType.NUMBER, Role.FEATURE, required=True),
            Column("owner", LogicalType.STRING, Role.IGNORED, required=True, personal=True, hashed=True),
        ),
    )
    claim = read_claim('{"claim_id": "A1", "amount": 1.5}')
    [strict], [relaxed] = (
        ClaimValidator(each).validate_all([claim]) for each in (contract, of_stored_claims(contract))
    )
    assert isinstance(strict, RejectedClaim)
    assert isinstance(relaxed, AcceptedClaim)
    assert relaxed.values["amount"] == 1.5

    [without] = ClaimValidator(of_stored_claims(contract)).validate_all([read_claim('{"claim_id": "A1"}')])
    assert isinstance(without, RejectedClaim)
