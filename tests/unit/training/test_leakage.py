"""Columns that leak the outcome are refused by name."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from training.leakage import find_leaks, without
from training.snapshot import Snapshot

ROWS = 4_000
DRAW = np.random.default_rng(3)
MINUTES = np.sort(DRAW.integers(0, 200_000, ROWS))
TIME = np.datetime64("2026-01-05", "us") + MINUTES.astype("timedelta64[m]")
# Fraud comes in waves, as rings do: what tells the time tells the wave.
WAVE = 1.6 * np.sin(MINUTES / 9_000)
AMOUNT = np.round(np.exp(DRAW.normal(8.0, 1.0, ROWS)), 2)
FRAUD = (DRAW.random(ROWS) < 1.0 / (1.0 + np.exp(2.0 - WAVE - 0.6 * (np.log(AMOUNT) - 8.0)))).astype(float)
WORDS = np.array([f"note {number}" for number in range(ROWS)], dtype=object)

NUMBER, DATE, TEXT = LogicalType.NUMBER, LogicalType.DATE, LogicalType.STRING


def claims(columns: dict[str, np.ndarray], outcome: np.ndarray = FRAUD) -> Snapshot:
    given = {"at": TIME, "amount": AMOUNT, **columns}
    return Snapshot("", given, TIME, outcome, TIME, np.full(ROWS, None, dtype=object))


def contract(**kinds: LogicalType) -> Contract:
    features = tuple(Column(name, kind, Role.FEATURE) for name, kind in {"amount": NUMBER, **kinds}.items())
    return Contract(
        "motor", "1.0.0", "claim_motor", (Column("at", LogicalType.TIMESTAMP, Role.EVENT_TIME), *features)
    )


def missing_where(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return np.where(rows, np.nan, values)


INVESTIGATED = np.arange(ROWS) % 5 == 0

LEAKS = {
    "a row number": (NUMBER, np.arange(ROWS, dtype=float), "identifier"),
    "a shuffled identifier": (NUMBER, DRAW.permutation(ROWS).astype(float), "identifier"),
    "a number of eight digits": (NUMBER, DRAW.integers(10**7, 10**8, ROWS).astype(float), "identifier"),
    "a batch number": (NUMBER, MINUTES // 10_000 + DRAW.random(ROWS) * 0.1, "follows the event time"),
    "the decision": (NUMBER, FRAUD * 3.0 + DRAW.random(ROWS), "knows the outcome"),
    "what the decision left missing": (
        NUMBER,
        missing_where(DRAW.random(ROWS), FRAUD == 1),
        "knows the outcome",
    ),
    "a date of settlement": (DATE, TIME + np.timedelta64(30, "D"), "after the event"),
    "a free text": (TEXT, WORDS, "names claims"),
    "a constant": (NUMBER, np.ones(ROWS), "one value"),
    "nothing": (NUMBER, np.full(ROWS, np.nan), "0 claims only"),
}


@pytest.mark.parametrize("name", LEAKS)
def test_a_leaking_column_is_refused_by_name_with_the_reason(name: str) -> None:
    kind, values, reason = LEAKS[name]
    found = find_leaks(contract(suspect=kind), claims({"suspect": values}))
    assert list(found) == ["suspect"]
    assert reason in found["suspect"]


def test_a_column_that_only_investigated_claims_have_is_refused() -> None:
    outcome = np.where(INVESTIGATED, FRAUD, np.nan)
    report = missing_where(DRAW.random(ROWS), ~INVESTIGATED)
    found = find_leaks(contract(report=NUMBER), claims({"report": report}, outcome))
    assert "comes with the investigation" in found["report"]


def test_a_date_after_the_event_is_refused_with_the_command_that_keeps_it() -> None:
    """The day of the report is after the event, too, and known when the claim arrives."""
    values = {"Reported Date": TIME + np.timedelta64(3, "D")}
    found = find_leaks(contract(**{"Reported Date": DATE}), claims(values))
    assert "may be written later than the claim" in found["Reported Date"]
    assert found["Reported Date"].endswith("`train --trust 'Reported Date'`")


def test_honest_columns_are_kept() -> None:
    honest = {
        "age": DRAW.integers(18, 90, ROWS).astype(float),
        "premium": np.round(DRAW.gamma(5, 100, ROWS), 2),
    }
    assert find_leaks(contract(age=NUMBER, premium=NUMBER), claims(honest)) == {}


@pytest.mark.parametrize("rows", [200, 900, ROWS])
def test_measured_numbers_that_hardly_repeat_are_kept(rows: int) -> None:
    """A small book has few repeated values even if none of its numbers was given out."""
    some = np.arange(ROWS) < rows
    honest = {
        "mileage": np.round(DRAW.uniform(2_000, 40_000, ROWS)),
        "income": np.round(np.exp(DRAW.normal(10.5, 0.6, ROWS))),
        "value": np.round(DRAW.uniform(5_000, 250_000, ROWS)),
    }
    assert find_leaks(contract(**dict.fromkeys(honest, NUMBER)), claims(honest).of(some)) == {}


def test_a_person_who_knows_better_can_trust_a_column() -> None:
    suspect = {"suspect": np.arange(ROWS, dtype=float)}
    assert find_leaks(contract(suspect=NUMBER), claims(suspect), trusted=("suspect",)) == {}


def test_a_row_number_would_raise_the_auc_of_a_random_split_only() -> None:
    """Claims close in time share a wave of fraud, and a random split has such claims on both sides."""
    number = np.arange(ROWS, dtype=float)
    assert "number" in find_leaks(contract(number=NUMBER), claims({"number": number}))
    with_number, honest = np.column_stack([AMOUNT, number]), AMOUNT[:, None]
    random = DRAW.permutation(ROWS)
    in_time = np.arange(ROWS)

    def area(x: np.ndarray, order: np.ndarray) -> float:
        train, test = order[: ROWS * 8 // 10], order[ROWS * 8 // 10 :]
        model = HistGradientBoostingClassifier(random_state=0).fit(x[train], FRAUD[train])
        return float(roc_auc_score(FRAUD[test], model.predict_proba(x[test])[:, 1]))

    assert area(with_number, random) > area(honest, random) + 0.08
    assert area(with_number, in_time) < area(with_number, random) - 0.08


def test_a_refused_column_stays_in_the_contract_and_is_not_a_feature() -> None:
    given = contract(suspect=NUMBER)
    assert without(given, {"suspect": ""}).columns[-1] == replace(given.columns[-1], role=Role.IGNORED)
