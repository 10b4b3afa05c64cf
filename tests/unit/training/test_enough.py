"""A training without enough outcomes is refused, and the refusal says how to give them."""

import re
from dataclasses import replace

import numpy as np
import pytest

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from training.enough import check, check_known, count_of
from training.snapshot import RefusedTraining, Snapshot
from training.splits import TEST, TRAIN, VALIDATION, by_time

PLAIN = Contract("home", "1.0.0", "claim_home", (Column("claim_id", LogicalType.STRING, Role.IDENTIFIER),))
LABELLED = replace(PLAIN, columns=(*PLAIN.columns, Column("class", LogicalType.BOOLEAN, Role.LABEL)))


def book(claims: int, known: int, frauds: int) -> Snapshot:
    """Return claims of which some have an outcome, evenly spread over time."""
    place = np.arange(claims)
    has_outcome = place * known % max(claims, 1) < known
    outcome = np.where(has_outcome, 0.0, np.nan)
    outcome[np.flatnonzero(has_outcome)[:: max(known // max(frauds, 1), 1)][:frauds]] = 1.0
    time = np.datetime64("2025-01-01", "us") + place * np.timedelta64(1, "h")
    nothing = np.full(claims, None, dtype=object)
    return Snapshot("", {}, time, outcome, time, nothing)


def refusal(claims: Snapshot, immature: int, contract: Contract) -> str:
    with pytest.raises(RefusedTraining) as refused:
        examine(claims, immature, contract)
    return str(refused.value)


def examine(claims: Snapshot, immature: int, contract: Contract) -> None:
    check_known(claims, immature, contract)
    split = by_time(claims.event_time)
    check([count_of(claims, split, fold) for fold in (TRAIN, VALIDATION, TEST)], immature, contract)


def test_a_line_without_outcomes_is_told_both_ways_to_give_them() -> None:
    found = refusal(book(500, 0, 0), 20, PLAIN)
    assert found.startswith("none of the 500 claims whose outcome is due has one.")
    assert "`claimwatch drop FILE --line home --outcomes`" in found
    assert "give it role label" in found
    assert "`claimwatch drop FILE --line home --with-outcomes`" in found


def test_a_line_with_a_label_is_told_to_drop_earlier_files_again() -> None:
    found = refusal(book(500, 0, 0), 20, LABELLED)
    assert "The label is column 'class'" in found
    assert "drop older ones again with `claimwatch drop FILE --line home --with-outcomes`" in found


def test_claims_that_are_all_too_young_are_no_crash() -> None:
    found = refusal(book(0, 0, 0), 300, LABELLED)
    assert found.startswith(
        "none of the 300 claims is old enough for its outcome to be due, which is 60 days"
    )
    assert "maturityDays" in found


@pytest.mark.parametrize("contract", [PLAIN, LABELLED])
def test_few_outcomes_are_counted_with_the_claims_that_have_none(contract: Contract) -> None:
    found = refusal(book(1_000, 200, 40), 20, contract)
    assert re.match(r"the validation split has \d\d claims with an outcome, \d+ of them frauds", found)
    assert "800 claims have no outcome." in found
    assert "--with-outcomes" in found


def test_too_few_frauds_among_known_outcomes_need_no_other_way() -> None:
    found = refusal(book(1_000, 1_000, 20), 0, LABELLED)
    assert "it needs 100, and 10 of each outcome. Frauds by split:" in found
    assert "have no outcome" not in found


def test_enough_outcomes_are_not_refused() -> None:
    examine(book(1_000, 1_000, 250), 0, PLAIN)
