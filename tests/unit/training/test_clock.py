"""A claim that is dated in the future changes no clock of a training."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.snapshot import RefusedTraining, Snapshot, matured

TODAY = np.datetime64("2026-11-24T12:00", "us")
DAY = np.timedelta64(1, "D")


def snapshot(event_days: list[int], decided_days: list[int | None]) -> Snapshot:
    """Return claims by the days from today to their event and to their decision; none without a decision."""
    event = TODAY + np.array(event_days, dtype="timedelta64[D]")
    decided = np.array(
        [np.datetime64("NaT", "us") if day is None else TODAY + day * DAY for day in decided_days], "M8[us]"
    )
    outcome = np.where(np.isnat(decided), np.nan, 1.0)
    return Snapshot("", {"at": event}, event, outcome, decided, np.full(len(event), None, dtype=object))


past = st.integers(-900, 0)
future = st.integers(1, 2_900_000)
claims = st.lists(st.tuples(past, st.one_of(st.none(), past)), min_size=1, max_size=40)
strange = st.lists(st.tuples(future, st.one_of(st.none(), past, future)), max_size=10)


@given(claims, strange)
def test_future_claims_leave_as_of_and_the_matured_claims_as_they_are(
    usual: list[tuple[int, int | None]], mistyped: list[tuple[int, int | None]]
) -> None:
    # A decision about a mistyped claim is no later than the others.
    latest = max(day for pair in usual for day in pair if day is not None)
    mistyped = [
        (event, decided if decided is None or decided > 0 else min(decided, latest))
        for event, decided in mistyped
    ]
    alone = matured(snapshot(*map(list, zip(*usual, strict=True))), None, 28, TODAY)
    together = matured(snapshot(*map(list, zip(*usual, *mistyped, strict=True))), None, 28, TODAY)

    assert together.as_of == alone.as_of <= TODAY
    assert together.claims.event_time.tolist() == alone.claims.event_time.tolist()
    assert np.array_equal(together.claims.outcome, alone.claims.outcome, equal_nan=True)
    assert together.immature == alone.immature + len(mistyped)


@given(claims, st.integers(-900, 4_000))
def test_a_given_day_is_never_after_the_run(usual: list[tuple[int, int | None]], days: int) -> None:
    found = matured(snapshot(*map(list, zip(*usual, strict=True))), TODAY + days * DAY, 28, TODAY)
    assert found.as_of == TODAY + min(days, 0) * DAY


def test_a_decision_in_the_future_is_not_known_yet() -> None:
    found = matured(snapshot([-100, -90, -1], [-80, 5, None]), None, 28, TODAY)
    assert found.claims.known.tolist() == [True, False]


def test_a_book_of_future_claims_is_refused() -> None:
    with pytest.raises(RefusedTraining, match="dated after today, 2026-11-24"):
        matured(snapshot([3, 400], [None, None]), None, 28, TODAY)
