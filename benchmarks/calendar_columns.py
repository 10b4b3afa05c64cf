"""Columns of simulated claims that are parts of the calendar, and honest ones that are related to time."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

type Moments = npt.NDArray[np.datetime64]
type Whole = npt.NDArray[np.int64]
type Floats = npt.NDArray[np.float64]
type Draw = np.random.Generator

MONTHS = np.array([7, 2, 9, 1, 0, 11, 5, 3, 4, 8, 6, 10])
"""Codes of the names of months, in no order."""


def moments(claims: int, days: int, seed: int) -> tuple[Draw, Moments]:
    """Return the times of claims within so many days."""
    draw = np.random.default_rng(seed)
    seconds = draw.integers(0, days * 86_400, claims)
    return draw, np.datetime64("2023-03-11T00:00:00", "us") + seconds * np.timedelta64(1, "s")


def month(time: Moments) -> Whole:
    """Return the month, from 0."""
    return time.astype("datetime64[M]").astype(np.int64) % 12


def day(time: Moments) -> Whole:
    """Return the days since 1970."""
    return time.astype("datetime64[D]").astype(np.int64)


def day_of_month(time: Moments) -> Whole:
    """Return the day of the month, from 0."""
    found: Whole = (time.astype("datetime64[D]") - time.astype("datetime64[M]")).astype(np.int64)
    return found


def _weekday(time: Moments) -> Whole:
    return (day(time) + 3) % 7


def _row_of_month(time: Moments) -> Whole:
    first = (time.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + 3) % 7
    found: Whole = (day_of_month(time) + first) // 7
    return found


PARTS: dict[str, tuple[Callable[[Moments], Floats | Whole], str]] = {
    "month": (month, "year"),
    "names of months": (lambda time: MONTHS[month(time)], "year"),
    "quarter": (lambda time: month(time) // 3, "year"),
    "season": (lambda time: (month(time) + 1) % 12 // 3, "year"),
    "cosine of the month": (lambda time: np.cos(month(time) * np.pi / 6), "year"),
    "day of the year": (lambda time: month(time) * 31 + day_of_month(time), "year"),
    "day of the month": (day_of_month, "month"),
    "week of the month": (lambda time: day_of_month(time) // 7, "month"),
    "row of the month": (_row_of_month, "month"),
    "weekday": (_weekday, "week"),
    "weekend": (lambda time: _weekday(time) // 5, "week"),
    "year": (lambda time: time.astype("datetime64[Y]").astype(np.int64), "never"),
    "year and month": (lambda time: time.astype("datetime64[M]").astype(np.int64), "never"),
    "date": (day, "never"),
}
"""Each part of the calendar, and its period."""


def month_of_report(draw: Draw, time: Moments, mean_days: float) -> Whole:
    """Return the month of a report that comes so many days after the event."""
    later = (draw.exponential(mean_days, len(time)) * 86_400).astype(np.int64)
    return month(time + later * np.timedelta64(1, "s"))


def honest_columns(draw: Draw, time: Moments) -> dict[str, npt.NDArray[np.generic]]:
    """Return columns that say something about the claim, some of which are related to its time."""
    claims = len(time)
    position = day(time) - day(time).min()
    season = np.cos(2.0 * np.pi * (month(time) * 30.4 + day_of_month(time) - 15) / 365.0)
    anomaly = np.zeros(position.max() + 1)
    rain = np.maximum(draw.gamma(0.5, 8.0, len(anomaly)) - 2.0, 0.0)
    for place in range(1, len(anomaly)):
        anomaly[place] = 0.75 * anomaly[place - 1] + draw.normal(0.0, 2.6)
    winter = np.isin(month(time), (11, 0, 1))
    frost, other = draw.choice(4, claims, p=[0.6, 0.2, 0.1, 0.1]), draw.integers(0, 4, claims)
    return {
        "prices that rise by a fifth a year": np.exp(draw.normal(7.0 + 0.2 * position / 365.0, 0.1)),
        "temperature at the loss": np.round(8.0 - 10.0 * season + draw.normal(0.0, 4.0, claims)),
        "temperature of one station": 8.0 - 10.0 * season + anomaly[position],
        "rain of the day": rain[position],
        "amounts of winter": np.exp(draw.normal(8.0 + 0.8 * season, 0.8)),
        "frost damage": winter & (draw.random(claims) < 0.4),
        "accidents at the weekend": draw.random(claims) < np.where(_weekday(time) > 4, 0.6, 0.3),
        "a new tariff that spreads": draw.random(claims) < position / position.max(),
        "peril": np.where(winter, frost, other),
        "amount": np.exp(draw.normal(8.0, 1.0, claims)),
        "flag": draw.random(claims) < 0.3,
        "thirty categories": draw.integers(0, 30, claims),
        "age": draw.integers(18, 90, claims),
        "hardly ever there": np.where(draw.random(claims) < 0.03, draw.integers(0, 5, claims), np.nan),
    }
