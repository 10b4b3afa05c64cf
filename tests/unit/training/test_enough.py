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


def test_a_small_book_is_told_from_when_on_a_training_is_possible() -> None:
    """At 24 claims and 2.5 frauds a day; the promise is kept in most books, whose frauds fall by chance."""
    found = refusal(book(240, 240, 25), 0, PLAIN)
    assert "At the present rate of 720.0 outcomes and 75.0 frauds in 30 days" in found
    day = np.datetime64(re.search(r"until about (\S+),", found).group(1))  # type: ignore[union-attr]
    assert f"due on {day + np.timedelta64(60, 'D')}" in found
    claims = int((day - np.datetime64("2025-01-01")).astype(int)) * 24
    assert 600 <= claims <= 900
    kept = 0
    for seed in range(40):
        by_chance = (np.random.default_rng(seed).random(claims) < 25 / 240).astype(float)
        try:
            examine(replace(book(claims, claims, 0), outcome=by_chance), 0, PLAIN)
        except RefusedTraining:
            continue
        kept += 1
    assert kept >= 32


def test_a_book_that_would_take_decades_is_given_no_date() -> None:
    found = refusal(book(9_000, 9_000, 2), 0, PLAIN)
    assert "more than ten years of claims" in found


@pytest.mark.parametrize("until", [0.5, 0.7])
def test_outcomes_of_a_part_of_the_time_are_asked_for_where_they_are_missing(until: float) -> None:
    claims = book(2_000, 2_000, 400)
    early = np.arange(2_000) < until * 2_000
    partly = replace(claims, outcome=np.where(early, claims.outcome, np.nan))
    found = refusal(partly, 0, LABELLED)
    assert "not spread over time as the claims are" in found
    assert re.search(r"of claims from \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d, the (validation|test) split", found)
    assert "At the present rate" not in found


def test_frauds_that_are_all_early_are_a_clear_refusal() -> None:
    claims = book(2_000, 2_000, 400)
    early = np.where(np.arange(2_000) < 1_100, claims.outcome, 0.0)
    found = refusal(replace(claims, outcome=early), 0, PLAIN)
    assert "Frauds by split: training 220, validation 0, test 0" in found
    assert "raise maturityDays" in found


def test_outcomes_of_known_claimants_are_named_as_the_cause_and_no_date_is_promised() -> None:
    """A claimant is in one split only, so a book in which all are known has nothing to be tested on."""
    claims = book(2_000, 2_000, 200)
    contract = replace(PLAIN, review=replace(PLAIN.review, claimant_column="customer_id"))
    split = by_time(claims.event_time, np.arange(2_000).astype(object) % 40)
    folds = [count_of(claims, split, fold) for fold in (TRAIN, VALIDATION, TEST)]
    with pytest.raises(RefusedTraining) as refused:
        check(folds, 0, contract, split.left_out)
    found = str(refused.value)
    assert "800 claims with an outcome are left out, because their claimants have outcomes" in found
    assert "take claimantColumn out of the contract" in found
    assert "'customer_id'" in found
    assert "present rate" not in found
