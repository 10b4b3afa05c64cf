"""Fraud rates of the values of a feature, relative to the average: what reasons compare a claim with."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class FraudRates:
    """The fraud rate in each band of one feature's values, divided by that of the book.

    ``times[i]`` is that of values above ``edges[i - 1]`` and up to ``edges[i]``; the first and the last band
    are open. The bands of categories, flags and weekdays are their codes. A rate is None if too few claims of
    the training are in the band, ``missing`` is that of claims without a value.
    """

    edges: tuple[float, ...]
    times: tuple[float | None, ...]
    missing: float | None = None

    def __post_init__(self) -> None:
        if len(self.times) != len(self.edges) + 1:
            raise ValueError("there is one more band than edges")

    def of(self, number: float) -> float | None:
        """Return the rate of claims with such a value; ``number`` is nan without a value."""
        return self.missing if number != number else self.times[bisect_left(self.edges, number)]

    def band(self, number: float) -> tuple[float | None, float | None]:
        """Return the edges of the value's band; None at an open end."""
        place = bisect_left(self.edges, number)
        return (
            self.edges[place - 1] if place else None,
            self.edges[place] if place < len(self.edges) else None,
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values that ``from_json`` reads."""
        return {"edges": list(self.edges), "times": list(self.times), "missing": self.missing}

    @classmethod
    def from_json(cls, read: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` wrote."""
        return cls(tuple(read["edges"]), tuple(read["times"]), read["missing"])
