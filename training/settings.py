"""Settings of a training run."""

from dataclasses import dataclass, fields
from typing import Any, Self

from claimwatch.domain.contract.contract import AUDIT_SOURCES, Contract, ReviewSettings


@dataclass(frozen=True)
class Settings:
    """Settings of one run; ``of_contract`` reads the review settings of the contract."""

    seed: int = 7
    budget_minutes: float = 3.0
    """The time for the search; it becomes a number of trials, independent of the clock."""
    capacity: float = ReviewSettings.capacity
    """The share of claims that the team can review."""
    review_cost: float | None = None
    """The cost of one review, in the unit of ``amount_column``; without an amount column, in frauds."""
    amount_column: str | None = None
    """The column of the amount that finding a fraud saves; without it, every fraud counts the same."""
    claimant_column: str | None = None
    audit_share: float = ReviewSettings.audit_share
    """The share of claims that are investigated whatever their score."""
    maturity_days: int = ReviewSettings.maturity_days
    """Days from a claim's event until its outcome is due."""
    audit_sources: tuple[str, ...] = AUDIT_SOURCES
    """The values of an outcome's source for claims that were selected at random."""
    trusted: tuple[str, ...] = ()
    """Columns that are kept although they look like a leak."""
    smallest_group: int = 50
    """The claims with an outcome below which a group is too small to be judged."""
    bias_limit: float = 1.25
    """How many times as often as all others a group's honest claims may be referred: 1 over four fifths."""
    parity_limit: float = 1e-6

    def __post_init__(self) -> None:
        if not 0.0 < self.capacity < 1.0:
            raise ValueError("the capacity must be a share of the claims above 0 and below 1")

    @property
    def cost(self) -> float:
        """The cost of one review."""
        if self.review_cost is not None:
            return self.review_cost
        return 0.1 if self.amount_column is None else 100.0

    @classmethod
    def of_contract(cls, contract: Contract, **given: Any) -> Self:
        """Return the contract's review settings, overridden by what is given and is not None."""
        review = contract.review
        read = {
            "capacity": review.capacity,
            "review_cost": review.cost,
            "amount_column": review.amount_column,
            "claimant_column": review.claimant_column,
            "audit_share": review.audit_share,
            "maturity_days": review.maturity_days,
        }
        known = {field.name for field in fields(cls)}
        return cls(
            **read | {name: value for name, value in given.items() if name in known and value is not None}
        )
