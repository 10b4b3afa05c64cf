"""Claims for the checks: their columns, scores and outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from claimwatch.domain.contract.contract import AUDIT_SOURCES, Contract
from claimwatch.domain.evaluation.cohort import Cohort, Floats, Mask, chosen_by_chance
from claimwatch.scoring.claim_table import Column, read_claims
from claimwatch.storage.cohorts import (
    OTHER,
    OUTCOME,
    PROBABILITY,
    REFERRED,
    SAMPLED,
    SOURCE,
    CohortQuery,
    copy_cohort,
)
from claimwatch.storage.connection import Database

_KINDS = {
    PROBABILITY: "number",
    REFERRED: "flag",
    SAMPLED: "flag",
    OUTCOME: "flag",
    SOURCE: "category",
    OTHER: "number",
}


@dataclass(frozen=True)
class Claims:
    """Claims that a model scored, one entry per claim.

    ``other`` are the probabilities of another model, nan unless it was requested. ``columns`` are in the form
    that ``domain.model.features`` encodes.
    """

    cohort: Cohort
    other: Floats
    columns: Mapping[str, Column] = field(repr=False)

    @property
    def probability(self) -> Floats:
        """Probability of fraud, by the model."""
        return self.cohort.probability

    @property
    def referred(self) -> Mask:
        """Whether the model referred the claim."""
        return self.cohort.referred

    def __len__(self) -> int:
        return len(self.cohort.probability)


def read_cohort(
    database: Database, contract: Contract, query: CohortQuery, kinds: Mapping[str, str] | None = None
) -> Claims:
    """Read claims with the columns of ``kinds``, which maps each column to its kind of feature."""
    with database.transaction() as cursor:
        _, columns = read_claims(
            lambda text: copy_cohort(cursor, contract, query, text), _KINDS | dict(kinds or {})
        )
    outcome: npt.NDArray[np.float64] = columns[OUTCOME]
    sampled = columns[SAMPLED] > 0.0
    by_audit = np.isin(columns[SOURCE].astype(object), AUDIT_SOURCES)
    known = ~np.isnan(outcome)
    return Claims(
        cohort=Cohort(
            probability=columns[PROBABILITY],
            referred=columns[REFERRED] > 0.0,
            audited=chosen_by_chance(sampled, by_audit, known),
            outcome=outcome,
        ),
        other=columns[OTHER],
        columns={name: columns[name] for name in kinds or {}},
    )
