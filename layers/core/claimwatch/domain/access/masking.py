"""Reasons of scores that quote values which a person may not see."""

from collections.abc import Iterable, Mapping
from typing import Any


def masked_reasons(reasons: Iterable[Mapping[str, Any]], masked: Iterable[str]) -> list[dict[str, Any]]:
    """Return reasons without the values and texts of those that are about masked columns.

    A reason is called like its column or, after a dot, like a part of its date. The functions of the database
    mask stored reasons in the same way.
    """
    hidden = tuple(masked)
    return [_masked(reason) if _is_about(reason, hidden) else dict(reason) for reason in reasons]


def _is_about(reason: Mapping[str, Any], columns: tuple[str, ...]) -> bool:
    feature = str(reason.get("feature"))
    return any(feature == column or feature.startswith(f"{column}.") for column in columns)


def _masked(reason: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in reason.items() if name not in ("text", "value")}
    return shown | {"value": None, "masked": True}
