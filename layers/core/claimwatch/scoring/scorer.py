"""A model that scores claims: columns in, probabilities and reasons out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.features import Columns, Kind, Matrix, encode, gaps, unseen_rows
from claimwatch.domain.model.profile_codec import packed_by_week
from claimwatch.domain.model.reasons import MOST_REASONS, Reasons
from claimwatch.domain.model.referral import ReferralRule, drawn
from claimwatch.domain.model.shapley import Explainer
from claimwatch.scoring.bundle import Bundle

type Floats = npt.NDArray[np.float64]
type Flags = npt.NDArray[np.bool_]

INPUT, PROBABILITY, MARGIN = "x", "probability", "margin"
"""Names in the ONNX graph: its input is a float32 matrix, each output a float32 for each row."""

_LANES = 8
"""ONNX Runtime computes exponentials and logarithms of as many claims at once, and of the remaining ones with
another function, whose last bit may differ. Claims are repeated until none remain."""


@dataclass(frozen=True)
class Scores:
    """Scores of claims, an entry for each claim; ``missing`` and ``unseen`` count claims by feature.

    ``percentile`` is the share of the reference's scores that are at most this one, 0 to 100.
    """

    probability: Floats
    margin: Floats
    percentile: Floats
    missing: dict[str, int]
    unseen: dict[str, int]
    matrix: Matrix = field(repr=False)
    """The claims as ``encode`` returned them, for profiles."""


class Scorer:
    """A bundle that is ready to score.

    It uses one thread: a function has one CPU, and sums that are split over threads are not reproducible.
    """

    def __init__(self, bundle: Bundle) -> None:
        import onnxruntime  # noqa: PLC0415 - functions that only read bundles lack this layer

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
        """The columns that the model needs, each with the kind of feature made from it."""
        return self.bundle.spec.kinds

    @property
    def version(self) -> str:
        """The version of the model."""
        return self.bundle.manifest.version

    @property
    def threshold(self) -> float:
        """The probability from which a claim is referred."""
        return self.bundle.manifest.threshold

    def referred(self, probability: Floats, claim_ids: npt.NDArray[Any], key: bytes) -> Flags:
        """Return which claims are referred; the key decides which claims of a tie at the threshold are."""
        manifest = self.bundle.manifest
        return ReferralRule(manifest.threshold, manifest.tie_share).refer(probability, claim_ids, key)

    def probabilities(self, columns: Columns) -> Floats:
        """Return only the calibrated probability of each claim."""
        return self._outputs(encode(self.bundle.spec, columns), PROBABILITY)[0]

    def score(self, columns: Columns) -> Scores:
        """Score claims."""
        spec = self.bundle.spec
        matrix = encode(spec, columns)
        probability, margin = self._outputs(matrix, PROBABILITY, MARGIN)
        found = gaps(spec, columns, matrix)
        return Scores(
            probability=probability,
            margin=margin,
            percentile=self.bundle.reference.percentile(probability),
            missing=found.missing,
            unseen=found.unseen,
            matrix=matrix,
        )

    def profiles(
        self, columns: Columns, found: Sequence[Scores], event_time: npt.NDArray[np.datetime64]
    ) -> dict[date, tuple[int, bytes]]:
        """Return profiles of the claims by the Monday of their week: the number of claims, and packed counts.

        ``found`` is what ``score`` returned for the claims, block by block.
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

    def _outputs(self, matrix: Matrix, *names: str) -> list[Floats]:
        if not len(matrix):
            return [np.empty(0) for _ in names]
        rest = -len(matrix) % _LANES
        whole = np.concatenate([matrix, np.repeat(matrix[-1:], rest, axis=0)]) if rest else matrix
        return [values[: len(matrix)].astype(np.float64) for values in self._run(names, {INPUT: whole})]

    def reasons(
        self, columns: Columns, rows: npt.NDArray[np.integer[Any]], limit: int = MOST_REASONS
    ) -> list[list[dict[str, Any]]]:
        """Return the reasons for the scores of these rows, in their order."""
        chosen = {name: np.asarray(columns[name])[rows] for name in self.kinds if name in columns}
        return self.explain(chosen, encode(self.bundle.spec, chosen), limit) if len(rows) else []

    def explain(
        self, columns: Columns, matrix: Matrix, limit: int = MOST_REASONS
    ) -> list[list[dict[str, Any]]]:
        """Return the reasons for the scores of all claims; ``matrix`` is their encoding."""
        contributions = self._explainer.shapley(matrix)
        unseen: dict[int, set[int]] = {}
        for place, strange in unseen_rows(self.bundle.spec, columns, matrix).items():
            for row in strange.tolist():
                unseen.setdefault(row, set()).add(place)
        return self._reasons.of_all(matrix, contributions, limit, unseen)

    @cached_property
    def _explainer(self) -> Explainer:
        """The explainer, created on first use."""
        return Explainer(self.bundle.model)

    def audited(self, claim_ids: Iterable[str], key: bytes) -> Flags:
        """Return which claims are in the random audit sample, which is reviewed whatever the scores are."""
        return audit_sample(claim_ids, self.bundle.manifest.audit_share, key)


def audit_sample(claim_ids: Iterable[str], share: float, key: bytes) -> Flags:
    """Return which claims are in the audit sample; it has the same claims under every model.

    A claim is drawn by its keyed hash (BLAKE2b, RFC 7693), so whoever does not know the key cannot predict
    which claims are reviewed.
    """
    return drawn(claim_ids, share, key)
