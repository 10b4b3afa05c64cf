"""The claims of a run: a file of line ``smoke`` without a value of a person."""

import csv
import io
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

LINE = "smoke"

VALID_ROWS = 20
"""Rows of the file that the contract accepts; two more break it."""

_KINDS = ("glass", "theft", "hail")


def contract_text() -> str:
    """Return the contract of the line, in YAML."""
    return files("smoke").joinpath("contract.yaml").read_text("utf-8")


def contract_version(text: str) -> str:
    """Return the version of a contract; only its own top level has such a line."""
    (version,) = (line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("version:"))
    return version


@dataclass(frozen=True)
class ClaimFile:
    """The file of a run, which is named by eight hexadecimal digits, and the ids of its claims."""

    run: str
    begun: datetime

    @property
    def key(self) -> str:
        """The key of the object in the landing bucket, which no other run has."""
        return f"claims/{LINE}/smoke-{self.run}.csv"

    @property
    def valid(self) -> tuple[str, ...]:
        """The ids of the claims that must be loaded."""
        return tuple(self._id(number) for number in range(VALID_ROWS))

    @property
    def broken(self) -> tuple[str, ...]:
        """The ids of the claims that must be quarantined."""
        return tuple(self._id(VALID_ROWS + number) for number in range(len(self._broken_values())))

    def content(self) -> bytes:
        """Return the file as CSV."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(("claim_id", "reported_at", "amount", "kind"))
        at = self.begun.isoformat()
        for number, claim_id in enumerate(self.valid):
            writer.writerow((claim_id, at, 100 + number, _KINDS[number % len(_KINDS)]))
        for claim_id, values in zip(self.broken, self._broken_values(), strict=True):
            writer.writerow((claim_id, at, *values))
        return text.getvalue().encode()

    def _id(self, number: int) -> str:
        return f"SMK-{self.run.upper()}-{number:02}"

    @staticmethod
    def _broken_values() -> tuple[tuple[str, str], ...]:
        """Return amount and kind of the rows that break the contract: below the minimum, and no number."""
        return ("-1", "glass"), ("many", "hail")
