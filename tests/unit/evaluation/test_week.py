"""A week has one name and is complete after its Sunday, in UTC."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.evaluation.week import WEEK, last_complete, monday_of, name_of, start_of


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)))
def test_every_day_is_in_the_week_of_its_name(day: date) -> None:
    monday = monday_of(name_of(day))

    assert monday.isoweekday() == 1
    assert timedelta() <= day - monday < WEEK


@given(st.integers(0, 2**32))
def test_the_last_complete_week_ended_less_than_a_week_ago(seconds: int) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    end = start_of(last_complete(now)) + WEEK

    assert timedelta() <= now - end < WEEK


def test_a_week_ends_in_utc_in_any_time_zone() -> None:
    sunday_night_in_berlin = datetime.fromisoformat("2026-03-02T00:30:00+01:00")

    assert last_complete(sunday_night_in_berlin) == date(2026, 2, 16)


@pytest.mark.parametrize(
    "name", ["", "2026-W00", "2026-W54", "2026W09", "2026-W9", "last", "2026-W09 ", "٢٠٢٦-W09"]
)
def test_an_invalid_week_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="week"):
        monday_of(name)
