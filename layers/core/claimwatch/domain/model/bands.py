"""Bands: protected numbers and dates as groups of claims.

An age or an income has too many values for its claims to be compared value by value. So a number is divided
into bands, and a date, or a year, into bands of the whole years from it to the event. Bands are fixed when a
model is trained, so that the weeks of a model can be compared. No edge shows the value of a claim: it comes
from the contract, is a decade, or is rounded.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from claimwatch.domain.contract.contract import DATED, NUMERIC, Banding, Column

type Values = npt.NDArray[np.object_]
type Floats = npt.NDArray[np.float64]
type Moments = npt.NDArray[np.datetime64]
type Measure = Literal["number", "date", "year"]

FEW_VALUES = 10
"""The most different values of a number whose values are its groups."""

SMALLEST_SHARE = 0.05
"""The least share of the claims in a band that follows from the data; a smaller one is joined to the next."""

QUANTILES = 5
DECADE = 10
OLDEST = 130
"""The most years that a person has lived, and that a decade rule is meant for."""

_NEARLY_ALL = 0.99
_EVEN = 0.06
"""How far the share of a band with rounded edges may be from that with exact ones."""


@dataclass(frozen=True)
class Bands:
    """The bands of one attribute.

    ``edges`` are the lower ends of all bands but the lowest; without edges, each value is a group. A
    ``date`` and a ``year`` are measured in years before the event. ``whole`` if all numbers are.
    """

    measure: Measure
    edges: tuple[float, ...] = ()
    whole: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the bands, the lowest first; none without edges."""
        if not self.edges:
            return ()
        edges = self.edges
        between = (self._between(low, high) for low, high in pairwise(edges))
        return (self.under(0), *between, self.from_on(len(edges) - 1))

    def under(self, edge: int) -> str:
        """Return the name of all bands below an edge."""
        return f"under {_shown(self.edges[edge])}{self._unit}"

    def from_on(self, edge: int) -> str:
        """Return the name of all bands above an edge."""
        return f"{_shown(self.edges[edge])}{self._unit} and over"

    def named(self, values: npt.ArrayLike, event_time: Moments | None) -> Values:
        """Return the name of each claim's band; None if it has no value."""
        numbers = self.measured(values, event_time)
        there = ~np.isnan(numbers)
        found = np.full(len(numbers), None, dtype=object)
        if self.edges:
            names = np.array(self.names, dtype=object)
            found[there] = names[np.searchsorted(np.array(self.edges), numbers[there], side="right")]
        else:
            found[there] = [_shown(number) for number in numbers[there].tolist()]
        return found

    def measured(self, values: npt.ArrayLike, event_time: Moments | None) -> Floats:
        """Return the number of each claim that the bands divide; nan if it has no value."""
        return _measured(self.measure, values, event_time)

    def _between(self, low: float, high: float) -> str:
        if not self.whole:
            return f"{_shown(low)} to under {_shown(high)}{self._unit}"
        last = high - 1.0
        return f"{_shown(low)}{f' to {_shown(last)}' if last > low else ''}{self._unit}"

    @property
    def _unit(self) -> str:
        return "" if self.measure == "number" else " years"

    def to_json(self) -> dict[str, Any]:
        """Return plain values that ``from_json`` reads."""
        return asdict(self) | {"edges": list(self.edges)}

    @classmethod
    def from_json(cls, read: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` wrote."""
        return cls(read["measure"], tuple(read["edges"]), read["whole"])


def is_banded(column: Column) -> bool:
    """Return whether a protected column is compared in bands: a number or a date that is stored as it is."""
    return not column.hashed and column.logical_type in NUMERIC | DATED


def bands_of(column: Column, values: npt.ArrayLike, event_time: Moments) -> Bands:
    """Return the bands of a protected column: those of the contract, or what suits these values.

    A number with few values has none: each value is a group. Ages, and years from a date to the event, are
    divided into decades, other numbers at their quantiles. Bands from the data have at least
    ``SMALLEST_SHARE`` of the claims.
    """
    stated = column.bands
    measure = _measure_of(column, values, event_time)
    numbers = _measured(measure, values, event_time)
    numbers = numbers[~np.isnan(numbers)]
    edges = stated if isinstance(stated, tuple) else ()
    whole = bool(np.all(numbers == np.floor(numbers)) and all(edge == int(edge) for edge in edges))
    if edges or not len(numbers) or stated is Banding.VALUES:
        return Bands(measure, edges, whole)
    if stated is None and measure == "number" and len(np.unique(numbers)) <= FEW_VALUES:
        return Bands(measure, (), whole)
    decades = _decades(numbers) if stated is Banding.DECADES or (stated is None and _is_age(numbers)) else ()
    return Bands(measure, decades or _quantiles(numbers, whole=whole), whole)


def _measure_of(column: Column, values: npt.ArrayLike, event_time: Moments) -> Measure:
    """Return what a column's numbers mean: a whole number that is a year in a person's life is a year."""
    if column.logical_type in DATED:
        return "date"
    if column.bands is Banding.VALUES:
        return "number"
    numbers = np.asarray(values, dtype=np.float64)
    age = _measured("year", numbers, event_time)
    there = ~np.isnan(age)
    if not there.any() or (isinstance(column.bands, tuple) and max(column.bands) > OLDEST):
        return "number"
    years = (age[there] >= 0.0) & (age[there] <= OLDEST) & (numbers[there] == np.floor(numbers[there]))
    return "year" if years.mean() >= _NEARLY_ALL else "number"


def _measured(measure: Measure, values: npt.ArrayLike, event_time: Moments | None) -> Floats:
    """Return the numbers that bands divide; nan where there is none."""
    if measure == "number":
        return np.array(values, dtype=np.float64)
    if event_time is None:
        raise ValueError("years before the event need the event time")
    event = event_time.astype("M8[D]")
    if measure == "year":
        return np.where(np.isnat(event), np.nan, _count(event, "M8[Y]") + 1970.0) - np.asarray(
            values, dtype=np.float64
        )
    since = np.asarray(values).astype("M8[D]")
    months = _count(event, "M8[M]") - _count(since, "M8[M]") - (_day(event) < _day(since))
    return np.where(np.isnat(event) | np.isnat(since), np.nan, np.floor(months / 12.0))


def _count(moments: Moments, unit: str) -> Floats:
    return moments.astype(unit).astype(np.int64).astype(np.float64)


def _day(moments: Moments) -> npt.NDArray[np.int64]:
    days: npt.NDArray[np.int64] = (moments - moments.astype("M8[M]").astype("M8[D]")).astype(np.int64)
    return days


def _is_age(numbers: Floats) -> bool:
    """Return whether numbers are years of life, or look like it; a code such as 999 may be among them."""
    low, high = np.quantile(numbers, (1.0 - _NEARLY_ALL, _NEARLY_ALL))
    return bool(low >= 0.0 and high <= OLDEST and high - low >= 2 * DECADE)


def _decades(numbers: Floats) -> tuple[float, ...]:
    low, high = np.quantile(numbers, (1.0 - _NEARLY_ALL, _NEARLY_ALL))
    return _large_enough(np.arange(DECADE * (low // DECADE + 1), high + 1.0, DECADE), numbers)


def _quantiles(numbers: Floats, *, whole: bool) -> tuple[float, ...]:
    """Return edges at quantiles, rounded to as few digits as keep the bands about as large."""
    shares = np.arange(1, QUANTILES) / QUANTILES
    exact = np.unique(np.quantile(numbers, shares, method="inverted_cdf"))
    exact = exact[exact > numbers.min()]
    wanted = _shares(exact, numbers)
    for digits in (1, 2, 3, 4):
        rounded = np.array([float(f"{edge:.{digits - 1}e}") for edge in exact.tolist()])
        edges = np.unique(np.ceil(rounded) if whole else rounded)
        if (
            len(edges) == len(exact)
            and np.max(np.abs(_shares(edges, numbers) - wanted), initial=0.0) <= _EVEN
        ):
            break
    return _large_enough(edges, numbers)


def _shares(edges: Floats, numbers: Floats) -> Floats:
    return np.bincount(np.searchsorted(edges, numbers, side="right"), minlength=len(edges) + 1) / len(numbers)


def _large_enough(edges: Floats, numbers: Floats) -> tuple[float, ...]:
    """Return the edges between bands that are joined until each has enough claims."""
    kept: list[float] = []
    share = 0.0
    shares = _shares(edges, numbers).tolist()
    for edge, own in zip(edges.tolist(), shares[:-1], strict=True):
        share += own
        if share >= SMALLEST_SHARE:
            kept.append(edge)
            share = 0.0
    if kept and share + shares[-1] < SMALLEST_SHARE:
        kept.pop()
    return tuple(kept)


def _shown(number: float) -> str:
    return f"{number:.15g}"
