"""A part of the calendar is learnt from only if it came round twice, and has no verdict in a single week."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.leak_books import LeakBook, calendar_book, honest_book, months_of
from claimwatch.domain.model.features import Feature, FeatureSpec, encode
from training.calendar_columns import own_parts, with_periods
from training.candidates import CANDIDATES
from training.leakage import find_leaks

CALENDAR = ("month", "year", "week_of_month")


def refused(book: LeakBook, trusted: tuple[str, ...] = ()) -> dict[str, str]:
    return find_leaks(book.contract, book.snapshot, trusted)


@pytest.mark.slow
def test_months_that_were_seen_once_do_not_ruin_a_model(tmp_path: Path) -> None:
    """Even months were quiet in one year and loud in the next: what is learnt from the first is wrong."""
    book = calendar_book()
    without = book.train(tmp_path, CANDIDATES[-1:])
    kept = book.train(tmp_path, CANDIDATES[-1:], trusted=CALENDAR)
    print(f"ROC-AUC {kept.metrics['roc_auc']:.3f}, without {without.metrics['roc_auc']:.3f}")
    assert list(without.leaks) == ["month", "year"]
    assert "comes round every year" in without.leaks["month"]
    assert "never comes round" in without.leaks["year"]
    assert without.metrics["roc_auc"] > 0.66 > 0.62 > kept.metrics["roc_auc"]
    assert without.metrics["lift_top_decile"] > 2.0 > 1.2 > kept.metrics["lift_top_decile"]
    # What is kept is known to be a part of the calendar, so that no week is judged by it.
    periods = {feature.name: feature.period for feature in kept.spec.features if feature.period}
    assert periods == {"week_of_month": "month", "month": "year", "year": "never"}


def test_a_month_that_was_seen_in_two_years_is_kept_and_a_year_never_is() -> None:
    assert list(refused(calendar_book(months=25))) == ["year"]
    assert list(refused(calendar_book(months=23))) == ["month", "year"]
    assert refused(calendar_book(months=23), trusted=("month", "year")) == {}


def test_a_month_with_a_name_is_refused_as_its_number_is() -> None:
    book = calendar_book(months=14)
    names = np.array(["jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez"])
    month, _ = months_of(book.event_time)
    found = refused(book.without(*CALENDAR).with_columns(mes=names[month - 1].astype(object)))
    assert list(found) == ["mes"]
    assert "event time explains" in found["mes"]
    assert "--trust mes" in found["mes"]


@pytest.mark.parametrize(("days", "left"), [(10, ["lost_on.weekday"]), (21, [])])
def test_the_weekday_is_learnt_from_only_if_it_came_round_twice(days: int, left: list[str]) -> None:
    book = honest_book(600, 0.2, seed=1, days=days)
    spec = FeatureSpec.fit(book.contract, book.snapshot.columns)
    found = own_parts(spec, book.snapshot.event_time, ())
    assert list(found) == left
    assert not any("--trust" in reason for reason in found.values()), "no request may trust the event time"
    assert own_parts(spec, book.snapshot.event_time, ("lost_on.weekday",)) == {}


def test_the_period_of_a_feature_is_in_its_bundle_only_if_it_has_one() -> None:
    book = calendar_book(claims=1_000)
    spec = FeatureSpec.fit(book.contract, book.snapshot.columns)
    marked = with_periods(spec, encode(spec, book.snapshot.columns), book.snapshot.event_time)
    assert FeatureSpec.from_json(marked.to_json()) == marked
    assert marked.to_json().count('"period"') == len(CALENDAR)
    # The names of fields in bundles of earlier versions stay as they were.
    assert Feature("lost_on.weekday", "weekday", "lost_on") in marked.features
