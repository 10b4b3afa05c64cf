"""Warnings of a training: what a person has to judge before its model goes live. They refuse nothing."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingWarning:
    """Something found about a column; ``found`` is one sentence with figures and no personal value."""

    kind: str
    column: str
    found: str

    def __str__(self) -> str:
        return f"{self.column}: {self.found}"
