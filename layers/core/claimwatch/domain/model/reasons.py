"""Reasons: a claim's largest Shapley values as sentences for an investigator."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.features import Feature, FeatureSpec
from claimwatch.domain.model.profile import Profile, Reference

MOST_REASONS = 5

_REMEMBERED = 50_000
"""The number of values whose sentences are kept."""

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ENDINGS_OF_TIMES = ("date", "day", "at", "on", "time", "timestamp")
_UNKNOWN = "not known"


class Reasons:
    """The reasons for the scores of one model. A value that many claims share is worded once."""

    def __init__(self, spec: FeatureSpec, reference: Reference) -> None:
        self._spec = spec
        self._profiles = reference.features
        self._personal = np.array([feature.personal for feature in spec.features], dtype=np.bool_)
        self._worded: dict[tuple[int, float | None], dict[str, Any]] = {}

    def of(
        self, row: npt.NDArray[np.float32], values: npt.NDArray[np.float64], most: int = MOST_REASONS
    ) -> list[dict[str, Any]]:
        """Return the unusual features that raised a claim's score the most, the strongest first.

        ``row`` and ``values`` are the claim's features and their Shapley values. Each reason has ``feature``,
        ``value``, ``typical`` (the reference's median or most frequent value), ``contribution`` (to the
        margin), ``text``, and ``meaning`` if the contract describes the column.

        A feature with its typical value gives an investigator nothing to look into: it raises the score only
        in combination with other features, or as it does for most claims. It is listed only if no unusual
        feature raised the score. Personal columns never appear.
        """
        raising = np.where(self._personal, 0.0, values)
        order = np.argsort(-raising, kind="stable")[: int((raising > 0.0).sum())]
        unusual: list[dict[str, Any]] = []
        usual: list[dict[str, Any]] = []
        for place, number, moved in zip(
            order.tolist(), row[order].tolist(), raising[order].tolist(), strict=True
        ):
            reason = self._about(place, number) | {"contribution": round(moved, 6)}
            typical = reason["value"] is not None and reason["value"] == reason["typical"]
            (usual if typical else unusual).append(reason)
            if len(unusual) == most:
                break
        return unusual or usual[:most]

    def _about(self, place: int, number: float) -> dict[str, Any]:
        key = (place, None if math.isnan(number) else number)
        known = self._worded.get(key)
        if known is None:
            if len(self._worded) >= _REMEMBERED:
                self._worded.clear()
            feature = self._spec.features[place]
            known = self._worded[key] = _worded(self._spec, feature, number, self._profiles)
        return known


def _worded(
    spec: FeatureSpec, feature: Feature, number: float, profiles: Mapping[str, Profile]
) -> dict[str, Any]:
    value = _value(feature, number)
    profile = profiles.get(feature.name)
    typical = None if profile is None else _typical(feature, profile)
    about = {
        "feature": feature.name,
        "value": value,
        "typical": typical,
        "text": f"{_statement(spec, feature, value)}{_comparison(feature, value, typical)}",
    }
    return about | ({"meaning": feature.meaning} if feature.meaning else {})


def _value(feature: Feature, number: float) -> Any:
    """Return the claim's value as JSON has it; None if it is missing or was not seen in training."""
    if math.isnan(number):
        return None
    if feature.kind == "category":
        return feature.categories[int(number)]
    if feature.kind == "flag":
        return number > 0.5
    return int(number) if number.is_integer() else float(f"{number:.6g}")


def _typical(feature: Feature, profile: Profile) -> Any:
    if feature.kind in ("flag", "weekday"):
        # The median of weekdays is not a typical weekday.
        frequent = profile.most_frequent
        return None if frequent is None else _value(feature, frequent)
    typical = profile.typical
    return _value(feature, typical) if isinstance(typical, int | float) else typical


def _statement(spec: FeatureSpec, feature: Feature, value: Any) -> str:
    subject = words(feature.column)
    if feature.kind == "days":
        event = _moment(spec.event_time or "")
        if value is None:
            return f"days from {_moment(feature.column)} to {event}: {_UNKNOWN}"
        if value == 0:
            return f"{event} on the day of {_moment(feature.column)}"
        return f"{event} {_shown(feature, value)} {_moment(feature.column)}"
    if feature.kind == "hour":
        if value is None:
            return f"hour of {_moment(feature.column)}: {_UNKNOWN}"
        return f"{_moment(feature.column)} between {value:02}:00 and {(value + 1) % 24:02}:00 UTC"
    if feature.kind == "weekday":
        if value is None:
            return f"day of {_moment(feature.column)}: {_UNKNOWN}"
        return f"{_moment(feature.column)} on a {_DAYS[value]}"
    return f"{subject}: {_shown(feature, value)}"


def _comparison(feature: Feature, value: Any, typical: Any) -> str:
    if typical is None:
        return ""
    if value == typical:
        return "; this is typical, and raises the score of this claim"
    return f"; typical is {_shown(feature, typical)}"


def _shown(feature: Feature, value: Any) -> str:
    if value is None:
        return f"{_UNKNOWN} or never seen before" if feature.kind == "category" else _UNKNOWN
    if feature.kind == "category":
        return words(str(value))
    if feature.kind == "flag":
        return "yes" if value else "no"
    if feature.kind == "hour":
        return f"{int(value):02}:00"
    if feature.kind == "weekday":
        return _DAYS[int(value)]
    if feature.kind == "days":
        if value == 0:
            return "the same day"
        return f"{_counted(abs(value), 'day')} {'after' if value > 0 else 'before'}"
    return _number(value)


def _number(value: float) -> str:
    if float(value).is_integer():
        # A year or a small count needs no separator.
        return f"{int(value):,}" if abs(value) >= 10_000 else str(int(value))
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def _counted(number: float, unit: str) -> str:
    return f"{_number(number)} {unit}{'' if number == 1 else 's'}"


@lru_cache(maxsize=4096)
def words(name: str) -> str:
    """Return a name of the contract as words."""
    return " ".join(name.replace("_", " ").replace("-", " ").split())


@lru_cache(maxsize=4096)
def _moment(name: str) -> str:
    """Return what happened at the time that a column holds: "policy start" for policy_start_date."""
    parts = words(name).split()
    kept: Sequence[str] = parts[:-1] if len(parts) > 1 and parts[-1].lower() in _ENDINGS_OF_TIMES else parts
    return " ".join(kept)
