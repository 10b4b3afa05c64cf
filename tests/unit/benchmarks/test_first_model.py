"""Strangers' books contain what their recipes say, and verdicts are judged by it."""

import csv
import io

import numpy as np
import pytest

from benchmarks.first_model import kinds
from benchmarks.first_model.book import Book
from benchmarks.first_model.judged import false_alarms, false_warnings, is_named
from benchmarks.first_model.walk import Verdict, without
from claimwatch.domain.model.ranking_metrics import roc_auc

LABEL = [{"kind": "proxy", "column": "years_licensed", "found": ""}]


def rows_of(book: Book, content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode()), delimiter=book.company.delimiter))


@pytest.fixture(scope="module", params=sorted(kinds.RECIPES))
def book(request: pytest.FixtureRequest) -> Book:
    return kinds.stranger(request.param, 3)


def test_a_book_has_its_claims_frauds_and_traps(book: Book) -> None:
    history = rows_of(book, book.history)
    assert len(history) == book.recipe.claims
    labels = [row[book.company.label] for row in history if row[book.company.label]]
    rate = labels.count(book.company.label_words[0]) / len(labels)
    assert rate > 0.7 * book.recipe.base_rate
    assert {column for trap in book.recipe.traps for column in trap.columns} <= history[0].keys()


def test_the_truth_ranks_the_frauds_of_later_claims(book: Book) -> None:
    later = rows_of(book, book.later)
    known = [row for row in later if row[book.company.label]]
    assert book.probability.keys() == {row[book.company.claim] for row in later}
    fraud = np.array([row[book.company.label] == book.company.label_words[0] for row in known], dtype=float)
    truth = np.array([book.probability[row[book.company.claim]] for row in known])
    assert 0.7 < roc_auc(fraud, truth) < 0.92


def test_the_same_seed_draws_the_same_book(book: Book) -> None:
    assert kinds.stranger(book.name, 3) == book
    assert kinds.stranger(book.name, 4).history != book.history


def test_a_trap_is_named_where_people_look() -> None:
    calendar, leaks, proxies = (
        kinds.RECIPES[name][1].traps for name in ("calendar columns", "leaks", "proxies")
    )
    nothing = Verdict()
    for trap in (*calendar, *leaks, *proxies):
        assert not is_named(trap, nothing)
    assert is_named(calendar[0], Verdict(refused_columns={"month": "", "year": ""}))
    assert not is_named(calendar[0], Verdict(refused_columns={"month": ""}))
    warning = {"kind": "strong_feature", "column": "assessor_note", "found": ""}
    assert is_named(leaks[0], Verdict(refused_columns={"days_to_settle": ""}, warnings=[warning]))
    assert is_named(proxies[0], Verdict(warnings=LABEL))
    assert is_named(proxies[1], Verdict(refusals=["claims of age_of_driver = 60 and more are referred"]))


def test_what_nothing_explains_is_a_false_warning() -> None:
    honest = kinds.honest(3, 0)
    assert false_warnings(honest, Verdict()) == []
    assert false_warnings(honest, Verdict(warnings=LABEL)) == ["proxy years_licensed"]
    assert false_warnings(honest, Verdict(refused_columns={"amount": ""})) == ["refused column amount"]


def test_alarms_that_nothing_explains_are_counted_by_week() -> None:
    honest, drift = kinds.honest(3, 0), kinds.stranger("drift", 3)
    alarms = {"2026-W46": [("feature_drift", "psi", "device_value"), ("feature_drift", "psi", "shop")]}
    assert false_alarms(honest, Verdict(alarms={"2026-W46": []})) == {}
    assert false_alarms(honest, Verdict(alarms=alarms)) == {
        "2026-W46": ["feature_drift psi device_value", "feature_drift psi shop"]
    }
    assert false_alarms(drift, Verdict(alarms=alarms)) == {"2026-W46": ["feature_drift psi shop"]}


def test_a_column_is_ignored_in_the_next_version_of_a_contract() -> None:
    contract = """\
version: 1.0.0
schema:
  - properties:
      - {name: one, logicalType: number}
      - {name: two, logicalType: number, customProperties: [{property: role, value: feature}]}
"""
    changed = without(contract, {"two"})
    assert "version: 1.1.0" in changed
    assert changed.count("ignored") == 1
    assert "value: feature" not in changed
