"""The sentences of reasons: a claim's value, how frequent it is, and the fraud rate of claims like it.

No sentence is about a few persons: a part of the claims is stated as at least ``SMALLEST`` claims.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Any

from claimwatch.domain.model.features import Feature, FeatureSpec
from claimwatch.domain.model.profile import Reference

SMALLEST = 50
"""The least claims that a statement is about, as in reports (``domain.evaluation.groups``)."""

SUSPICIOUS = 1.1
"""The fraud rate, relative to the average, from which also a frequent value is something to look into."""

_EXTREME = 0.75
"""The share of the claims that a number has to exceed, or stay below, for this to be mentioned."""

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ENDINGS_OF_TIMES = ("date", "day", "at", "on", "time", "timestamp")
_UNKNOWN = "not known"
_UNSEEN = "a value that the model does not know"
_CODES = ("category", "flag", "weekday")
"""Kinds whose values have no order."""


class FeatureTexts:
    """What reasons say about the values of one feature."""

    def __init__(self, spec: FeatureSpec, feature: Feature, reference: Reference) -> None:
        self.feature = feature
        self._event = _moment(spec.event_time or "")
        self._profile = reference.features.get(feature.name)
        self._rates = reference.fraud_rates.get(feature.name)

    def value(self, number: float) -> Any:
        """Return a claim's value as JSON has it; None if it is missing or was not seen in training."""
        if math.isnan(number):
            return None
        if self.feature.kind == "category":
            return self.feature.categories[int(number)]
        if self.feature.kind == "flag":
            return number > 0.5
        return int(number) if number.is_integer() else float(f"{number:.6g}")

    @cached_property
    def typical(self) -> Any:
        """The reference's median or most frequent value; None if it is not known."""
        if self._profile is None:
            return None
        # The median of weekdays is not a typical weekday.
        counted = self.feature.kind in ("flag", "weekday")
        typical = self._profile.most_frequent if counted else self._profile.typical
        return self.value(typical) if isinstance(typical, int | float) else typical

    def noteworthy(self, number: float) -> bool:
        """Return whether the value alone is something to look into.

        It is if fraud is more frequent among claims like it. If it is not, or if this is not known, a value
        is noteworthy if it is neither typical nor, as a number, in the middle of the claims.
        """
        ratio = self.fraud_ratio(number)
        if ratio is not None and ratio >= SUSPICIOUS:
            return True
        value = self.value(number)
        if value is None or self.feature.kind not in ("number", "days") or ratio is None:
            return value is None or value != self.typical
        return bool(self._rank(number))

    def fraud_ratio(self, number: float) -> float | None:
        """Return the fraud rate of claims with such a value over the average; None if it is not known."""
        return None if self._rates is None else self._rates.of(number)

    def text(self, number: float, *, unseen: bool = False) -> str:
        """Return the sentence about a value; nan is a missing one, or a category that is ``unseen``."""
        statement = self._statement(self.value(number), _UNSEEN if unseen else _UNKNOWN)
        fraud = self._fraud(number)
        if rank := self._rank(number):
            return "; ".join(filter(None, (f"{statement}, {rank}", fraud)))
        noted = "; ".join(filter(None, (self._frequency(number, unseen=unseen), fraud)))
        return f"{statement} ({noted})" if noted else statement

    # -- The value --

    def _statement(self, value: Any, unknown: str) -> str:
        feature, moment = self.feature, _moment(self.feature.column)
        if feature.kind == "days":
            if value is None:
                return f"days from {moment} to {self._event}: {unknown}"
            if value == 0:
                return f"{self._event} on the day of {moment}"
            after = "after" if value > 0 else "before"
            return f"{self._event} {_counted(abs(value), 'day')} {after} {moment}"
        if feature.kind == "hour":
            if value is None:
                return f"hour of {moment}: {unknown}"
            return f"{moment} between {value:02}:00 and {(value + 1) % 24:02}:00 UTC"
        if feature.kind == "weekday":
            return f"day of {moment}: {unknown}" if value is None else f"{moment} on a {_DAYS[value]}"
        return f"{words(feature.column)}: {unknown if value is None else _as_in_the_claim(value)}"

    # -- How frequent it is --

    def _rank(self, number: float) -> str:
        """Return how many claims have lower or higher numbers, if these are many."""
        profile = self._profile
        if self.feature.kind not in ("number", "days") or profile is None or math.isnan(number):
            return ""
        place = bisect_left(profile.edges, number)
        lower, higher = self._up_to[place], profile.present - self._up_to[place + 1]
        words_of = ("higher", "lower") if self.feature.kind == "number" else ("later", "earlier")
        for word, count in zip(words_of, (lower, higher), strict=True):
            share = min(count, profile.present - SMALLEST) / profile.present if profile.present else 0.0
            if share >= _EXTREME:
                return f"{word} than {math.floor(100 * share)} of 100 claims"
        return ""

    @cached_property
    def _up_to(self) -> Sequence[int]:
        """The number of claims in all bins before each bin, and in all bins."""
        assert self._profile is not None
        return (0, *accumulate(self._profile.counts))

    def _frequency(self, number: float, *, unseen: bool) -> str:
        profile = self._profile
        if profile is None or profile.rows < SMALLEST:
            return ""
        if unseen:
            return _part(profile.unseen, profile.rows)
        if math.isnan(number):
            return _part(profile.missing, profile.rows)
        if profile.categories:
            return _part(profile.counts[int(number)], profile.rows)
        place = bisect_left(profile.edges, number)
        if place == len(profile.edges) or profile.edges[place] != number:
            return ""
        # A bin of this size has a single number: others have about a hundredth of the claims.
        frequent = self.feature.kind in ("flag", "weekday", "hour") or profile.counts[place] >= (
            0.1 * profile.rows
        )
        return _part(profile.counts[place], profile.rows) if frequent else ""

    # -- The fraud rate --

    def _fraud(self, number: float) -> str:
        ratio = self.fraud_ratio(number)
        if ratio is None:
            return "" if self._rates is None else "too few outcomes for a fraud rate"
        band = f" {where}" if (where := self._band(number)) else ""
        stated = f"{ratio:.0f}" if ratio >= 10.0 else f"{ratio:.1f}"
        if ratio >= 1.05:
            return f"fraud {stated} times the average{band}"
        rate = "as often as on average" if stated == "1.0" else f"{stated} times the average"
        return f"fraud {rate}{band}, but more among otherwise similar claims"

    def _band(self, number: float) -> str:
        """Return the range of numbers that the fraud rate is about; "" if it is about one value."""
        if self._rates is None or self.feature.kind in _CODES or math.isnan(number):
            return ""
        low, high = self._rates.band(number)
        whole = number.is_integer()
        if whole:
            low = None if low is None else low + 1.0
            least, most = (None, None) if self._profile is None else self._profile.seen
            if (least if low is None else low) == (most if high is None else high):
                return ""
        if self.feature.kind == "hour":
            return f"between {int(low or 0):02}:00 and {int(23 if high is None else high) + 1:02}:00"
        if low is None or high is None:
            edge = "up to" if low is None else "from" if whole else "above"
            return f"{edge} {self._bound(low if high is None else high)}" if low != high else ""
        start, end = self._bound(low), self._bound(high)
        if self.feature.kind == "days" and (low < 0.0) == (high < 0.0):
            start = start.split()[0]
        return f"from {start} to {end}" if whole else f"between {start} and {end}"

    def _bound(self, edge: float | None) -> str:
        assert edge is not None
        if self.feature.kind != "days":
            return _number(edge)
        return f"{_counted(abs(edge), 'day')} {'before' if edge < 0.0 else 'after'}"


def _part(count: int, rows: int) -> str:
    """Return how many of the claims these are: "7 of 10 claims"."""
    share = max(count, SMALLEST) / rows
    if count < SMALLEST:
        return f"fewer than {math.ceil(100 * share)} of 100 claims" if share <= 0.2 else ""
    if share >= 0.95:
        return "nearly all claims"
    for of, least in ((10, 0.2), (100, 0.01), (1_000, 0.0)):
        if share >= least:
            return f"{max(round(of * share), 1)} of {of:,} claims"
    raise AssertionError("a share is not negative")


def _as_in_the_claim(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else _number(value, digits=6)


def _number(value: float, digits: int = 4) -> str:
    if float(value).is_integer():
        # A year or a small count needs no separator.
        return f"{int(value):,}" if abs(value) >= 10_000 else str(int(value))
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.{digits}g}"


def _counted(number: float, unit: str) -> str:
    return f"{_number(number)} {unit}{'' if number == 1 else 's'}"


@lru_cache(maxsize=4096)
def words(name: str) -> str:
    """Return a name of the contract as words."""
    return " ".join(name.replace("_", " ").split())


@lru_cache(maxsize=4096)
def _moment(name: str) -> str:
    """Return what happened at the time that a column holds: "policy start" for policy_start_date."""
    parts = words(name).split()
    kept: Sequence[str] = parts[:-1] if len(parts) > 1 and parts[-1].lower() in _ENDINGS_OF_TIMES else parts
    return " ".join(kept)
