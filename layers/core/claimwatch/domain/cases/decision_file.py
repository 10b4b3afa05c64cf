"""Files of decisions, which are files of outcomes: NDJSON, with the columns of the contract of outcomes."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Outcome:
    """The outcome of a decision; ``decided_at`` is in ISO 8601 with an offset.

    ``source`` says why the claim was a case: ``referral``, or ``random_audit``, by which the weekly checks
    recognize claims that were drawn by chance.
    """

    claim_id: str
    is_fraud: bool
    decided_at: str
    decided_by: str
    source: str


def key_of(line: str, first: int, last: int) -> str:
    """Return the key of the file with the decisions of a line that have these numbers."""
    return f"outcomes/{line}/decisions/{first}-{last}.ndjson"


def content_of(outcomes: Iterable[Outcome]) -> bytes:
    """Return the bytes of a file; the same outcomes in the same order are the same bytes."""
    return b"".join(
        json.dumps(asdict(outcome), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        for outcome in outcomes
    )
