"""Parts of the calendar among the features: which may be learnt from, and which cannot be judged weekly.

A model that learns from the month has to see each month in more than one year: if the even months of one year
happened to be quiet, it would expect quiet even months for ever. A year does not come round at all.
"""

import shlex
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.calendar import DAYS, Part, Period, days_of, part_of_calendar
from claimwatch.domain.model.features import FeatureSpec, Matrix

type Moments = npt.NDArray[np.datetime64]

SEEN = 2
"""The cycles that the training claims must have gone through."""
SLACK = 0.98
"""The part of these cycles that suffices: two years of claims rarely begin and end on the same day."""

_OWN: dict[str, Period] = {"hour": "day", "weekday": "week"}
"""The periods of features that are made of the event time itself."""


def why_not(name: str, values: npt.NDArray[np.float32], event_time: Moments) -> str | None:
    """Return why a column is not learnt from, if it is a part of the calendar that was not seen enough."""
    part = part_of_calendar(values.astype(np.float64), event_time)
    keep = f"give the column the role ignored, or keep it with `train --trust {shlex.quote(name)}`"
    return None if part is None else _unseen(part, days_of(event_time), keep)


def own_parts(spec: FeatureSpec, event_time: Moments, trusted: tuple[str, ...]) -> dict[str, str]:
    """Return the features made of the event time that were not seen enough, each with the reason."""
    days = days_of(event_time)
    found = {
        feature.name: _unseen(Part(_OWN[feature.kind], 1.0), days)
        for feature in spec.features
        if feature.kind in _OWN and not {feature.name, feature.column} & set(trusted)
    }
    return {name: reason for name, reason in found.items() if reason}


def leaving_out(spec: FeatureSpec, names: dict[str, str]) -> FeatureSpec:
    """Return the features without those of these names."""
    return replace(spec, features=tuple(each for each in spec.features if each.name not in names))


def with_periods(spec: FeatureSpec, matrix: Matrix, event_time: Moments) -> FeatureSpec:
    """Return the features, with the period of each part of the calendar that exceeds a week."""
    features = list(spec.features)
    for place, feature in enumerate(features):
        part = (
            None
            if feature.kind in _OWN
            else part_of_calendar(matrix[:, place].astype(np.float64), event_time)
        )
        if part is not None and not part.within_a_week:
            features[place] = replace(feature, period=part.period)
    return replace(spec, features=tuple(features))


def _unseen(part: Part, days: float, keep: str = "") -> str | None:
    """Return why a part of the calendar was not seen enough; ``keep`` is what to do about the column.

    Nobody can keep a part of the event time itself, which is no column.
    """
    needed = SEEN * DAYS[part.period]
    if days >= SLACK * needed:
        return None
    found = f"the event time explains {part.share:.0%} of it"
    if part.period == "never":
        return (
            f"it is a part of the calendar that never comes round, as the year is ({found}): what is learnt"
            f" of its values says nothing about later claims. What to do: {keep}"
        )
    return (
        f"it is a part of the calendar that comes round every {part.period} ({found}), and the training"
        f" claims cover {days:.0f} days: a pattern that was seen once cannot be told from chance. What to do:"
        f" train again when they cover {needed:.0f} days" + (f", {keep}" if keep else "")
    )
