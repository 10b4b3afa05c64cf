"""Records of requests as the API sends them."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from claimwatch.access.request_record import RequestRecord, rejected_entry, scored_entry

AT = datetime(2026, 3, 2, 8, 15, 30, 123456, tzinfo=UTC)
ACTOR = "arn:aws:sts::123456789012:assumed-role/claims-system/i-1"
REASON = {
    "feature": "amount",
    "value": 1e-320,
    "typical": 0.1 + 0.2,
    "text": "Größe \u2028 \U0001f697",
    "share": 1 / 3,
}


def scored(position: int, **changes: Any) -> dict[str, Any]:
    """The entry of a claim that was scored."""
    digest = hashlib.sha256(str(position).encode()).hexdigest()
    return (
        scored_entry(
            position,
            f"C-{position}",
            digest,
            probability=0.1 + 0.2,
            percentile=99.00000000000001,
            referred=True,
            reasons=[REASON],
        )
        | changes
    )


def answered(request_id: str = "r-1", number: int = 3, **changes: Any) -> RequestRecord:
    """The record of a request with claims of which the last breaks the contract."""
    entries = [scored(position) for position in range(number - 1)]
    entries.append(rejected_entry(number - 1, None, ["type amount", "required claim_id"]))
    given: dict[str, Any] = {
        "request_id": request_id,
        "at": AT,
        "actor": ACTOR,
        "action": "score",
        "purpose": "claim_handling",
        "line": "motor",
        "outcome": "answered",
        "problem": None,
        "code_version": "1.2.3",
        "model_version": "7",
        "model_sha256": "0" * 64,
        "contract_version": "1.0.0",
        "threshold": 0.123456789012345678,
        "claims": entries,
    }
    return RequestRecord(**(given | changes))


def refused(request_id: str = "r-2", problem: str = "purpose", **changes: Any) -> RequestRecord:
    """The record of a request that was refused as a whole."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("purpose", "model_version", "model_sha256", "contract_version", "threshold")
    )
    return answered(request_id, **nothing, outcome="refused", problem=problem, claims=(), **changes)
