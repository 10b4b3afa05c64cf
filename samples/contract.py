"""The columns of the motor contract, with the limits that the generator breaks in bad rows.

This module does not use the application's contract parser, so that an error in one of them becomes visible.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

MOTOR = Path(__file__).resolve().parent.parent / "contracts" / "motor.yaml"


@dataclass(frozen=True)
class Field:
    """One column of the contract."""

    name: str
    type: str
    required: bool
    minimum: Any
    maximum: Any
    pattern: str | None
    categories: Sequence[str]


@cache
def motor_fields() -> tuple[Field, ...]:
    """Return the columns in the order of the contract."""
    (table,) = yaml.safe_load(MOTOR.read_text(encoding="utf-8"))["schema"]
    return tuple(_field(column) for column in table["properties"])


def _field(column: dict[str, Any]) -> Field:
    options = column.get("logicalTypeOptions", {})
    (categories,) = [rule["arguments"]["validValues"] for rule in column.get("quality", [])] or [()]
    return Field(
        name=column["name"],
        type=column["logicalType"],
        required=column["required"],
        minimum=options.get("minimum", options.get("exclusiveMinimum")),
        maximum=options.get("maximum"),
        pattern=options.get("pattern"),
        categories=categories,
    )
