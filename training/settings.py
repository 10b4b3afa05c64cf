"""What a training run is told, beside the claims and their contract."""

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Self

from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.contract.strict_yaml import Block, read_yaml


@dataclass(frozen=True)
class Settings:
    """One run. What the contract can say is read from its custom properties by ``of_contract``."""

    seed: int = 7
    budget_minutes: float = 3.0
    """What the search may take. It becomes a number of trials by the number of claims, not by the clock."""
    capacity: float = 0.05
    """The share of claims that the team can review."""
    review_cost: float | None = None
    """What one review costs, in the unit of ``amount_column``; without one, in frauds found."""
    amount_column: str | None = None
    """What a fraud that is found saves; without one, every fraud counts the same."""
    claimant_column: str | None = None
    audit_share: float = 0.005
    """The share of claims that are looked at whatever their score."""
    maturity_days: int = 60
    """How long after its event a claim's outcome is due."""
    audit_sources: tuple[str, ...] = ("random_audit",)
    """Values of an outcome's source that mean: chosen by chance."""
    trusted: tuple[str, ...] = ()
    """Columns that are kept though they look like a leak."""
    confidence: float = 0.95
    resamples: int = 300
    smallest_group: int = 50
    """Of fewer claims with an outcome, a group or slice is too small to be judged."""
    bias_limit: float = 1.25
    """How many times as often as others' a group's honest claims may be referred: four fifths, reversed."""
    parity_limit: float = 1e-6

    def __post_init__(self) -> None:
        if not 0.0 < self.capacity < 1.0:
            raise ValueError("the capacity is a share of the claims, above 0 and below 1")

    @property
    def cost(self) -> float:
        """Of one review."""
        if self.review_cost is not None:
            return self.review_cost
        return 0.1 if self.amount_column is None else 100.0

    @classmethod
    def of_contract(cls, contract: Contract, **given: Any) -> Self:
        """What the contract says, and over it what is given and is not None."""
        said = _custom_properties(contract.text)
        read = {
            "capacity": _number(said.get("reviewCapacity")),
            "review_cost": _number(said.get("reviewCost")),
            "amount_column": said.get("amountColumn"),
            "claimant_column": said.get("claimantColumn"),
            "audit_share": _number(said.get("auditShare")),
            "maturity_days": _number(said.get("maturityDays")),
        }
        known = {field.name for field in fields(cls)}
        chosen = read | {name: value for name, value in given.items() if name in known and value is not None}
        settings: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
        return cls(**settings)


def _custom_properties(text: str) -> dict[str, Any]:
    contract = read_yaml(text) if text else None
    listed = contract.get("customProperties") if isinstance(contract, Block) else None
    return {
        str(entry.get("property")): entry.get("value")
        for entry in (listed if isinstance(listed, list) else [])
        if isinstance(entry, Block)
    }


def _number(value: Any) -> float | int | None:
    if value is None:
        return None
    number = Decimal(str(value))
    return int(number) if number == number.to_integral_value() else float(number)
