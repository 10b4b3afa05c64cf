"""A model at work: claims in, probabilities and reasons out."""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.features import Columns, Kind, Matrix, encode, gaps
from claimwatch.domain.model.profile_codec import packed_by_week
from claimwatch.domain.model.reasons import MOST_REASONS, Reasons
from claimwatch.domain.model.shapley import Explainer
from claimwatch.scoring.bundle import Bundle

type Floats = npt.NDArray[np.float64]
type Flags = npt.NDArray[np.bool_]

INPUT, PROBABILITY, MARGIN = "x", "probability", "margin"
"""The names in the graph: a float32 matrix in, a float32 for each row out."""


@dataclass(frozen=True)
class Scores:
    """What a model makes of claims, an entry for each; counts of claims by feature.

    ``percentile`` is the share of the reference's scores that are at most this one, 0 to 100.
    """

    probability: Floats
    margin: Floats
    percentile: Floats
    referred: Flags
    missing: dict[str, int]
    unseen: dict[str, int]
    matrix: Matrix = field(repr=False)
    """The claims as ``encode`` made them, for what else is asked of them."""


class Scorer:
    """A bundle that is ready to score.

    One thread: a function has one CPU, and sums that are split over threads would not be the same again.
    """

    def __init__(self, bundle: Bundle) -> None:
        import onnxruntime  # noqa: PLC0415 - who only reads a bundle has no such layer

        self.bundle = bundle
        self._reasons = Reasons(bundle.spec, bundle.reference)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._run = onnxruntime.InferenceSession(
            bundle.graph, sess_options=options, providers=["CPUExecutionProvider"]
        ).run

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """The columns that the model wants, each with the kind of a feature that is made of it."""
        return self.bundle.spec.kinds

    @property
    def threshold(self) -> float:
        """The probability from which a claim is referred."""
        return self.bundle.manifest.threshold

    def probabilities(self, columns: Columns) -> Floats:
        """The calibrated probability of each claim, and nothing else."""
        return self._served(encode(self.bundle.spec, columns), PROBABILITY)[0]

    def score(self, columns: Columns) -> Scores:
        """Score claims."""
        spec = self.bundle.spec
        matrix = encode(spec, columns)
        probability, margin = self._served(matrix, PROBABILITY, MARGIN)
        found = gaps(spec, columns, matrix)
        return Scores(
            probability=probability,
            margin=margin,
            percentile=self.bundle.reference.percentile(probability),
            referred=probability >= self.threshold,
            missing=found.missing,
            unseen=found.unseen,
            matrix=matrix,
        )

    def profiles(
        self, columns: Columns, found: Sequence[Scores], event_time: npt.NDArray[np.datetime64]
    ) -> dict[date, tuple[int, bytes]]:
        """What claims look like, by the Monday of their week: how many they are, and packed counts.

        ``found`` is what ``score`` made of them, block by block.
        """
        if not found:
            return {}
        return packed_by_week(
            self.bundle.spec,
            columns,
            np.concatenate([each.matrix for each in found]),
            self.bundle.reference,
            event_time,
            np.concatenate([each.probability for each in found]),
        )

    def _served(self, matrix: Matrix, *outputs: str) -> list[Floats]:
        if not len(matrix):
            return [np.empty(0) for _ in outputs]
        return [served.astype(np.float64) for served in self._run(outputs, {INPUT: matrix})]

    def reasons(
        self, columns: Columns, rows: npt.NDArray[np.integer[Any]], most: int = MOST_REASONS
    ) -> list[list[dict[str, Any]]]:
        """The reasons for the scores of these rows, in their order."""
        spec = self.bundle.spec
        chosen = {name: np.asarray(columns[name])[rows] for name in spec.kinds if name in columns}
        if not len(rows):
            return []
        matrix = encode(spec, chosen)
        values = self._explainer.shapley(matrix)
        return [self._reasons.of(row, moved, most) for row, moved in zip(matrix, values, strict=True)]

    @cached_property
    def _explainer(self) -> Explainer:
        """Made when the first reason is asked for."""
        return Explainer(self.bundle.model)

    def audited(self, claim_ids: Iterable[str]) -> Flags:
        """Which claims are in the random slice that is looked at whatever their score."""
        return audit_sample(claim_ids, self.bundle.manifest.audit_share)


def audit_sample(claim_ids: Iterable[str], share: float) -> Flags:
    """Which claims are in the audit slice; under every model the same claims are."""
    bound = math.ceil(share * 2.0**64).to_bytes(9)[1:] if share < 1.0 else b"\xff" * 33
    digest = hashlib.sha256
    drawn = (digest(b"audit\0" + claim_id.encode()).digest() < bound for claim_id in claim_ids)
    return np.fromiter(drawn, np.bool_)
