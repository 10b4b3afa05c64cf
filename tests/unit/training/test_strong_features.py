"""A feature that is too good to be honest is a warning, and an honest strong feature is not."""

import numpy as np
import pytest

from benchmarks.leak_books import LeakBook, days_to_settle, feature_of_area, flag_of_outcome, honest_book
from benchmarks.leaks import BOOKS, LEAKS
from claimwatch.domain.model.features import FeatureSpec, encode
from training.leakage import find_leaks
from training.strong_features import strong_features
from training.warnings import TrainingWarning

WORST = 0.99
"""The area of a model with which all that is judged is judged."""
LARGE = (2_000, 0.1)


def warned(book: LeakBook, model_area: float = 0.5) -> list[TrainingWarning]:
    """Return the warnings about a book whose model would lose everything without any of its features."""
    spec = FeatureSpec.fit(book.contract, book.snapshot.columns)
    importance = {name: model_area - 0.5 for name in spec.names if name in book.columns}
    return strong_features(
        spec,
        encode(spec, book.snapshot.columns),
        book.outcome,
        dict(reversed(importance.items())),
        model_area,
    )


def kinds(book: LeakBook, model_area: float = 0.5) -> list[tuple[str, str]]:
    return [(warning.kind, warning.column) for warning in warned(book, model_area)]


@pytest.mark.parametrize(("claims", "rate"), [(1_500, 0.15), (6_000, 0.05), (2_000, 0.4)])
def test_a_leak_that_is_not_perfect_is_a_warning(claims: int, rate: float) -> None:
    book = honest_book(claims, rate, seed=3)
    assert kinds(book.with_columns(flag=flag_of_outcome(book))) == [("strong_feature", "flag")]
    assert kinds(book.with_columns(days=days_to_settle(book))) == [("strong_feature", "days")]


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_by_what_is_missing_or_zero_is_a_warning(name: str) -> None:
    book = honest_book(*LARGE, seed=4)
    assert [column for _, column in kinds(book.with_columns(leak=LEAKS[name](book)))] == ["leak"]


@pytest.mark.parametrize(("claims", "rate"), BOOKS)
def test_honest_books_have_no_warning_and_no_refused_column(claims: int, rate: float) -> None:
    for seed in range(20 if claims < 2_000 else 2):
        book = honest_book(claims, rate, seed)
        book = book.with_columns(
            strong=feature_of_area(book, 0.8), age=book.draw.integers(18, 90, claims) * 1.0
        )
        assert find_leaks(book.contract, book.snapshot) == {}
        assert kinds(book, WORST if seed < 1 and claims < 10_000 else 0.5) == []


def test_the_best_feature_of_a_book_with_few_features_does_not_dominate() -> None:
    book = honest_book(*LARGE, seed=5)
    strong = book.with_columns(strong=feature_of_area(book, 0.87))
    assert kinds(strong, 0.88) == [("dominant_feature", "strong")]
    assert kinds(strong.without("two", "three", "four", "five"), 0.88) == []


def test_two_columns_that_know_the_outcome_together_are_named_both() -> None:
    book = honest_book(*LARGE, seed=6)
    claimed = np.exp(book.draw.normal(8.0, 1.0, len(book.outcome)))
    paid = claimed * np.where(book.outcome == 1.0, 0.4, 0.9) * book.draw.uniform(0.9, 1.1, len(claimed))
    leak = book.with_columns(claimed=np.log(claimed), paid=np.log(paid))
    assert kinds(leak) == []
    assert sorted(kinds(leak, WORST)) == [("strong_pair", "claimed"), ("strong_pair", "paid")]


def test_a_warning_quotes_no_personal_value_and_says_what_to_do() -> None:
    book = honest_book(*LARGE, seed=4)
    [missing] = warned(book.with_columns(leak=LEAKS["a value that two in five frauds have"](book)))
    assert "claims in which it is not missing are frauds" in missing.found
    assert "make sure that it is known when a claim is scored" in missing.found


def test_a_warning_has_no_figure_of_fewer_claims_than_a_group_needs() -> None:
    book = honest_book(20_000, 0.02, seed=6)
    frauds = np.flatnonzero(book.outcome == 1.0)
    flag = np.zeros(len(book.outcome))
    flag[frauds[:30]] = 1.0

    [warning] = [each for each in warned(book.with_columns(flag=flag)) if each.column == "flag"]

    assert warning.kind == "telling_value"
    assert warning.found.startswith("nearly all claims in which it is not 0 are frauds, and hardly any of")
    assert not any(letter.isdigit() for letter in warning.found.replace("it is not 0", ""))
