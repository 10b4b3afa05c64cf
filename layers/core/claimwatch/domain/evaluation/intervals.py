"""Intervals for shares, ratios and ranks, 95 % unless asked otherwise."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A value, and from where to where it would be if other claims had been drawn. None is not known."""

    value: float | None
    low: float | None
    high: float | None
