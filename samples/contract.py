"""The motor contract as the generator needs it: the order of the columns, and what would break each of them.

Read on its own, and not by the application's reader, so that an error in one shows against the other.
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
    """One column."""

    name: str
    type: str
    required: bool
    minimum: Any
    maximum: Any
    pattern: str | None
    categories: Sequence[str]


@cache
def motor_fields() -> tuple[Field, ...]:
    """The columns in the order of the contract."""
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
