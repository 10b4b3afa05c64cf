"""Columns that the event time determines: month, year, week of the month, whatever they are called.

A part of the calendar says when a claim happened, and nothing about the claim. It is found by how much of the
column the claim's position in a cycle explains: claims next to each other in the cycle have about equal
values. The weather is alike on one day and the next, too, so claims are compared that are days apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]
type Complex = npt.NDArray[np.complex128]
type Whole = npt.NDArray[np.int64]
type Moments = npt.NDArray[np.datetime64]
type Period = Literal["day", "week", "month", "year", "never"]
"""The time after which a part of the calendar begins again; years and dates never do."""

DAYS: dict[Period, float] = {"day": 1.0, "week": 7.0, "month": 30.44, "year": 365.25, "never": np.inf}

LEAST: dict[Period, float] = {"week": 0.5, "month": 0.2, "year": 0.9, "never": 0.9}
"""The least share of a column that its position in the cycle explains. Honest values hardly depend on the day
of the week or of the month, but up to 0.87 of a temperature follows from the season."""
CYCLES = 3
"""The cycles from which that holds for a week or a month: a wave in one month looks like a part of it."""
SHIFTED, SHIFTED_ONCE, TELLING = 0.7, 0.85, 0.8
"""The least shares of a column that is shifted, as the month of the report is, in a cycle that was seen more
than once and once; and the least certainty with which such a column tells the season: a temperature does not
tell spring from autumn."""
BEYOND_CHANCE = 5.0
"""Standard errors, without a relation, that the share must exceed."""

APART = np.timedelta64(4, "D")
"""The least time between claims that are compared."""
MOST_CLAIMS = 3_000
"""The claims that are compared; their share has a standard error below 0.02."""
FEWEST_OF_A_VALUE = 10
"""The claims of a value; rarer ones are left out, because they would explain their own positions."""
MOST_VALUES = 60
AS_WELL = 0.05
"""The difference of shares up to which two periods explain a column equally well."""
_FURTHEST = 100


@dataclass(frozen=True)
class Part:
    """A part of the calendar: its period, and the share of the column that the event time explains."""

    period: Period
    share: float

    @property
    def within_a_week(self) -> bool:
        """Whether one week shows all of its values."""
        return DAYS[self.period] <= DAYS["week"]


def part_of_calendar(values: Floats, event_time: Moments) -> Part | None:
    """Return the part of the calendar that a column is; None if it is none.

    Values are numbers, or codes of categories in any order; nan is missing. Of periods that explain the
    column about equally well, the shortest is its own.
    """
    there = ~np.isnan(values) & ~np.isnat(event_time)
    rows = np.random.default_rng(0).permutation(np.flatnonzero(there))[:MOST_CLAIMS]
    value, time = values[rows].astype(np.float64), event_time[rows]
    level = _levels(value)
    kept = level >= 0
    value, time, level = value[kept], time[kept], level[kept]
    if len(value) < FEWEST_OF_A_VALUE or len(set(level.tolist())) < 2:
        return None
    found = []
    for period, position, cycle in _positions(time):
        share, telling = _explained(value, level, position, cycle, time)
        shifted = telling >= TELLING and share >= (SHIFTED_ONCE if cycle is None else SHIFTED)
        least = LEAST[period] if days_of(time) >= CYCLES * DAYS[period] else LEAST["never"]
        if share >= least or (shifted and period == "year"):
            found.append(Part(period, share))
    most = max((part.share for part in found), default=0.0)
    if most * np.sqrt(len(value)) < BEYOND_CHANCE:
        return None
    return next((part for part in found if part.share >= most - AS_WELL), None)


def days_of(event_time: Moments) -> float:
    """Return the days from the first claim to the last."""
    timed = event_time[~np.isnat(event_time)]
    return float((timed.max() - timed.min()) / np.timedelta64(1, "D")) + 1.0 if len(timed) else 0.0


def _levels(value: Floats) -> Whole:
    """Return the number of each value, or of its part of the range; -1 for a rare value."""
    distinct, level, counts = np.unique(value, return_inverse=True, return_counts=True)
    if len(distinct) > MOST_VALUES:
        parts = max(min(MOST_VALUES, len(value) // FEWEST_OF_A_VALUE), 1)
        edges = np.unique(np.quantile(value, np.arange(1, parts) / parts))
        return np.searchsorted(edges, value, side="left").astype(np.int64)
    return np.where(counts[level] >= FEWEST_OF_A_VALUE, level, -1).astype(np.int64)


def _positions(time: Moments) -> Iterator[tuple[Period, Floats, Whole | None]]:
    """Yield the positions of the claims in each cycle, from 0 to 1, and the number of the cycle.

    There is no number if too few cycles were seen to compare one with the others. A month has weeks of seven
    days, and rows as calendars have them, which begin on Monday or on Sunday.
    """
    days = time.astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    day, month = days.astype(np.int64), months.astype(np.int64)
    of_month = (days - months).astype(np.int64)
    weekday = (day + 3) % 7  # Monday is 0
    first = (months.astype("datetime64[D]").astype(np.int64) + 3) % 7
    days_seen = days_of(time)

    def numbered(period: Period, number: Whole) -> Whole | None:
        return None if days_seen < 1.5 * DAYS[period] else number

    yield "week", weekday / 7.0, numbered("week", (day + 3) // 7)
    yield "month", of_month / 31.0, numbered("month", month)
    for shift in (0, 1):
        row = (of_month + (first + shift) % 7) // 7
        yield "month", (row + (weekday + shift) % 7 / 7.0) / 6.0, numbered("month", month)
    yield "year", (month % 12 * 31 + of_month) / 372.0, numbered("year", month // 12)
    moment = time.astype("datetime64[us]").astype(np.int64).astype(np.float64)
    # Half a circle, so that beginning and end are not next to each other.
    yield "never", (moment - moment.min()) / (float(np.ptp(moment)) or 1.0) / 2.0, None


def _explained(
    value: Floats, level: Whole, position: Floats, cycle: Whole | None, time: Moments
) -> tuple[float, float]:
    """Return the share of the column that the position explains, and how well the column tells the position.

    The unexplained variance is that of differences between neighbours (von Neumann, 1941; Rice, 1984): no
    bins are chosen, and a column without a relation has a share of 0. A category stands for a position too:
    the mean position of its claims in other cycles, compared with that of all claims.
    """
    one, other = _neighbours(position, time)
    if len(one) < FEWEST_OF_A_VALUE:
        return 0.0, 0.0
    same = np.bincount(level) / len(level)
    shares = [
        _smooth(value, one, other),
        1.0 - float(np.mean(level[one] != level[other])) / (1.0 - float(np.sum(same**2))),
    ]
    turn = np.exp(2j * np.pi * position)
    placed, known = _placed(level, turn, cycle)
    both = known[one] & known[other]
    if both.sum() < max(len(one) / 2.0, FEWEST_OF_A_VALUE):
        return max(shares), 0.0
    shares.append(_smooth(placed, one[both], other[both]))
    return max(shares), float(np.sqrt(max(np.mean((placed[known] * turn[known].conj()).real), 0.0)))


def _placed(level: Whole, turn: Complex, cycle: Whole | None) -> tuple[Complex, npt.NDArray[np.bool_]]:
    """Return the mean position of each claim's value in other cycles, and whether it is known."""
    own = np.zeros(len(level), dtype=np.int64)
    if cycle is not None:
        own = np.unique(level * (int(np.ptp(cycle)) + 1) + cycle - cycle.min(), return_inverse=True)[1]

    def sums(group: Whole) -> tuple[Floats, Complex]:
        total = np.bincount(group, turn.real) + 1j * np.bincount(group, turn.imag)
        return np.bincount(group)[group].astype(np.float64), total[group]

    count, total = sums(level)
    if cycle is None:
        return total / count, count > 0
    of_own, own_total = sums(own)
    of_cycle, cycle_total = sums(cycle - cycle.min())
    count, total = count - of_own, total - own_total
    rest = np.maximum(len(level) - of_cycle, 1.0)
    return total / np.maximum(count, 1.0) - (turn.sum() - cycle_total) / rest, count >= FEWEST_OF_A_VALUE / 2


def _smooth(value: Floats | Complex, one: Whole, other: Whole) -> float:
    """Return the share of the variance that neighbours have in common."""
    spread = float(np.var(value[one]))
    # Means of unrelated positions differ by chance only.
    if spread <= (1.0 / FEWEST_OF_A_VALUE if np.iscomplexobj(value) else 0.0):
        return 0.0
    return 1.0 - float(np.mean(np.abs(value[one] - value[other]) ** 2)) / 2.0 / spread


def _neighbours(position: Floats, time: Moments) -> tuple[Whole, Whole]:
    """Return pairs of claims next to each other in the cycle whose times are apart."""
    order = np.lexsort((np.random.default_rng(1).random(len(position)), position))
    other = np.full(len(order), -1)
    for step in range(1, min(_FURTHEST, len(order) - 1)):
        left = np.flatnonzero(other[: len(order) - step] < 0)
        if not len(left):
            break
        apart = np.abs(time[order[left]] - time[order[left + step]]) >= APART
        other[left[apart]] = left[apart] + step
    paired = np.flatnonzero(other >= 0)
    return order[paired], order[other[paired]]
