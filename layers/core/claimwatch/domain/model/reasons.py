"""Reasons: a claim's largest Shapley values as sentences for an investigator."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.features import FeatureSpec
from claimwatch.domain.model.profile import Reference
from claimwatch.domain.model.reason_texts import FeatureTexts

MOST_REASONS = 5

LEAST_SHARE = 0.05
"""The least part of what raised a score that is worth an investigator's time."""

_REMEMBERED = 50_000
"""The number of values whose sentences are kept."""


class Reasons:
    """The reasons for the scores of one model. A value that many claims share is worded once."""

    def __init__(self, spec: FeatureSpec, reference: Reference) -> None:
        self._texts = [FeatureTexts(spec, feature, reference) for feature in spec.features]
        self._shown = np.array([not feature.personal for feature in spec.features], dtype=np.bool_)
        self._worded: dict[tuple[int, float | None, bool], tuple[dict[str, Any], bool]] = {}

    def of(
        self,
        row: npt.NDArray[np.float32],
        values: npt.NDArray[np.float64],
        most: int = MOST_REASONS,
        unseen: Collection[int] = (),
    ) -> list[dict[str, Any]]:
        """Return the reasons of one claim, as ``of_all`` does."""
        return self.of_all(row[None], values[None], most, {0: unseen})[0]

    def of_all(
        self,
        matrix: npt.NDArray[np.float32],
        values: npt.NDArray[np.float64],
        most: int,
        unseen: Mapping[int, Collection[int]],
    ) -> list[list[dict[str, Any]]]:
        """Return for each claim the features that raised its score the most, the strongest first.

        ``matrix`` and ``values`` are the claims' features and their Shapley values, ``unseen`` the positions
        of features with a category that the model does not know, by the position of the claim. Each reason
        has ``feature``, ``value``, ``typical`` (the reference's median or most frequent value),
        ``fraud_ratio`` (the fraud rate of claims with such a value over the average, None if it is not
        known), ``text``, ``contribution`` (to the margin), ``share`` (of all that raised the score), and
        ``meaning`` if the contract describes the column.

        A typical value, among which fraud is not more frequent than on average, gives an investigator nothing
        to look into: it raises the score only in combination with other features. It is listed only if
        nothing else raised the score. A reason below ``LEAST_SHARE`` is listed only if it is the strongest.
        Personal columns never appear.
        """
        raising = np.maximum(values, 0.0)
        wholes = [float(row.sum()) for row in raising]
        raising = np.where(self._shown, raising, 0.0)
        order = np.argsort(-raising, axis=1, kind="stable")
        sorted_rows = zip(
            order.tolist(),
            np.take_along_axis(matrix, order, axis=1).tolist(),
            np.take_along_axis(raising, order, axis=1).tolist(),
            strict=True,
        )
        return [
            self._listed(zip(*row, strict=True), whole, most, unseen.get(place, ()))
            for place, (row, whole) in enumerate(zip(sorted_rows, wholes, strict=True))
        ]

    def _listed(
        self, features: Iterable[tuple[int, float, float]], whole: float, most: int, unseen: Collection[int]
    ) -> list[dict[str, Any]]:
        """Return the reasons of a claim; each feature has its position, its value, and what it raised."""
        listed: list[dict[str, Any]] = []
        idle: list[dict[str, Any]] = []
        for place, number, moved in features:
            if not moved > 0.0:
                break
            share = moved / whole
            if share < LEAST_SHARE and (listed or idle):
                break
            about, worth_a_look = self._about(place, number, place in unseen)
            reason = about | {"contribution": round(moved, 6), "share": round(share, 3)}
            (listed if worth_a_look else idle).append(reason)
            if len(listed) == most:
                break
        return listed or idle[:most]

    def _about(self, place: int, number: float, unseen: bool) -> tuple[dict[str, Any], bool]:
        key = (place, None if number != number else number, unseen)
        known = self._worded.get(key)
        if known is None:
            if len(self._worded) >= _REMEMBERED:
                self._worded.clear()
            known = self._worded[key] = _worded(self._texts[place], number, unseen=unseen)
        return known


def shown(reason: Mapping[str, Any]) -> str:
    """Return a stored reason as a line of a list: its share of what raised the score, and its text."""
    text: str = reason.get("text", "")
    return f"{reason['share']:.0%} {text}" if "share" in reason else text


def _worded(texts: FeatureTexts, number: float, *, unseen: bool) -> tuple[dict[str, Any], bool]:
    """Return what a reason says of a value, and whether the value alone is something to look into."""
    ratio = texts.fraud_ratio(number)
    about = {
        "feature": texts.feature.name,
        "value": texts.value(number),
        "typical": texts.typical,
        "fraud_ratio": None if ratio is None else round(ratio, 3),
        "text": texts.text(number, unseen=unseen),
    }
    if texts.feature.meaning:
        about["meaning"] = texts.feature.meaning
    return about, texts.noteworthy(number)
