"""Claims of a request, scored like those of a file: the same rules, bits, reasons and referrals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from claimwatch.domain.contract.contract import DATED, NUMERIC, Contract, LogicalType
from claimwatch.domain.contract.stored_claims import of_stored_claims
from claimwatch.domain.model.features import Kind
from claimwatch.domain.validation.claim_json import Claim
from claimwatch.domain.validation.claim_validator import (
    AcceptedClaim,
    ClaimValidator,
    RejectedClaim,
    columns_of,
)
from claimwatch.errors import ClaimwatchError
from claimwatch.scoring.scorer import Scorer

_TYPES: Mapping[Kind, frozenset[LogicalType]] = {
    "number": NUMERIC,
    "flag": frozenset({LogicalType.BOOLEAN}),
    "category": frozenset({LogicalType.STRING}),
    "days": DATED,
    "hour": DATED,
    "weekday": DATED,
}
"""The types of the columns from which a kind of feature is made."""


class ModelOfAnotherContract(ClaimwatchError):
    """A model that needs a column which the contract in force does not have, or has with another type."""


@dataclass(frozen=True, slots=True)
class ClaimScore:
    """The score of a claim. ``percentile`` and ``reasons`` are what files store of a referred claim."""

    claim_id: str
    probability: float
    percentile: float
    referred: bool
    reasons: Sequence[Mapping[str, Any]]


class OnlineModel:
    """A model that is ready to score claims of a contract.

    ``draw_key`` decides which claims of a tie at the threshold are referred.
    """

    def __init__(self, contract: Contract, scorer: Scorer, draw_key: bytes) -> None:
        types = {column.name: column.logical_type for column in contract.columns if not column.hashed}
        for name, kind in scorer.kinds.items():
            if types.get(name) not in _TYPES[kind]:
                raise ModelOfAnotherContract(
                    f"model {scorer.version} needs column '{name}' with values for a {kind} feature, which"
                    f" version {contract.version} of the contract does not have"
                )
        self._contract = contract
        self._validator = ClaimValidator(contract)
        self._scorer = scorer
        self._draw_key = draw_key

    @property
    def threshold(self) -> float:
        """The probability from which a claim is referred."""
        return self._scorer.threshold

    @cached_property
    def of_stored_claims(self) -> Self:
        """The same model for claims that were stored, of which only what a score needs is known."""
        return type(self)(of_stored_claims(self._contract), self._scorer, self._draw_key)

    def score(self, claims: Sequence[Claim]) -> list[ClaimScore | RejectedClaim]:
        """Return the score of each claim, with its reasons, or the rules that it breaks."""
        validated = self._validator.validate_all(claims)
        scores = iter(self._scores([claim for claim in validated if isinstance(claim, AcceptedClaim)]))
        return [claim if isinstance(claim, RejectedClaim) else next(scores) for claim in validated]

    def _scores(self, accepted: Sequence[AcceptedClaim]) -> list[ClaimScore]:
        if not accepted:
            return []
        columns = columns_of(accepted, self._scorer.kinds)
        claim_ids = np.array([claim.claim_id for claim in accepted], dtype=object)
        found = self._scorer.score(columns)
        results = zip(
            claim_ids.tolist(),
            found.probability.tolist(),
            found.percentile.tolist(),
            self._scorer.referred(found.probability, claim_ids, self._draw_key).tolist(),
            self._scorer.explain(columns, found.matrix),
            strict=True,
        )
        return [ClaimScore(*result) for result in results]
