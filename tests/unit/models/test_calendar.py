"""Parts of the calendar are found by what the event time explains, whatever they are called or written as."""

import numpy as np
import pytest

from benchmarks.calendar_columns import MONTHS, PARTS, honest_columns, moments, month_of_report
from claimwatch.domain.model.calendar import part_of_calendar

SIZES = [(300, 730), (1_000, 400), (6_000, 730), (3_000, 1_300)]


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize(("claims", "days"), SIZES)
def test_a_part_of_the_calendar_is_found(name: str, claims: int, days: int) -> None:
    part, period = PARTS[name]
    _, time = moments(claims, days, seed=claims)
    found = part_of_calendar(part(time).astype(np.float64), time)
    assert found is not None
    # What takes years to come round cannot be told from what never does, in claims of a year.
    assert found.period == period or (days < 550 and {found.period, period} == {"year", "never"})
    assert found.within_a_week == (period == "week")


@pytest.mark.parametrize(("claims", "days"), SIZES)
def test_the_month_of_the_report_is_found_too(claims: int, days: int) -> None:
    draw, time = moments(claims, days, seed=claims)
    reported = month_of_report(draw, time, 15.0)
    for part in (reported, MONTHS[reported]):
        found = part_of_calendar(part.astype(np.float64), time)
        assert found is not None
        assert not found.within_a_week


@pytest.mark.parametrize(("claims", "days"), [*SIZES, (600, 365), (150, 900), (2_000, 31)])
def test_honest_columns_are_no_parts_of_the_calendar(claims: int, days: int) -> None:
    for seed in range(2):
        draw, time = moments(claims, days, seed)
        found = {
            name: part_of_calendar(values.astype(np.float64), time)
            for name, values in honest_columns(draw, time).items()
            if days > 100 or not name.startswith(("temperature", "rain", "a new tariff"))
        }
        assert {name: part for name, part in found.items() if part} == {}


def test_nothing_follows_from_claims_without_a_time_or_a_value() -> None:
    time = np.full(100, np.datetime64("NaT", "us"))
    assert part_of_calendar(np.arange(100.0), time) is None
    _, time = moments(100, 700, seed=1)
    assert part_of_calendar(np.full(100, np.nan), time) is None
    assert part_of_calendar(np.ones(100), time) is None
