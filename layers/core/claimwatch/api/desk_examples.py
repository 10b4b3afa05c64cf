"""Examples of the desk for the OpenAPI document: line motor of the sample, without a value of a person."""

from typing import Any

from claimwatch.api.examples import REASON

CASE_ID = "6f1d3f0a-0c1e-4f6e-9a53-2b8f6f0f7c11"
DECISION_ID = "0b7c0f6e-5a57-4b67-8f0e-6a3f3f7d9b02"
CLAIM_ID = "MTR-00A1B2C3D4E5"
LEASE = {"holder": "ida", "mine": True, "until": "2026-03-02T10:15:00Z", "generation": 1}

ITEM = {
    "case_id": CASE_ID,
    "line": "motor",
    "claim_id": CLAIM_ID,
    "state": "open",
    "due_at": "2026-03-16T09:20:11Z",
    "opened_at": "2026-03-02T09:20:11Z",
    "amount": 4200.5,
    "holder": "me",
    "assigned_to": None,
    "snoozed_until": None,
}

CASE: dict[str, Any] = {
    "case_id": CASE_ID,
    "line": "motor",
    "claim_id": CLAIM_ID,
    "state": "open",
    "version": 3,
    "contract_version": "1.1.0",
    "lease": LEASE,
    "assigned_to": None,
    "snoozed_until": None,
    "opened_at": "2026-03-02T09:20:11Z",
    "due_at": "2026-03-16T09:20:11Z",
    "amount": 4200.5,
    "needs_second_look": False,
    "blinded": False,
    "origin": None,
    "score": {
        "probability": 0.3127,
        "percentile": 97.6,
        "model_version": "7",
        "scored_at": "2026-03-02T09:20:11Z",
        "reasons": [REASON],
    },
    "similar": {
        "reasons": ["claim_amount", "days_since_inception"],
        "decided": 214,
        "fraud": 131,
        "low": 0.5455,
        "high": 0.6751,
        "newest": [
            {
                "line": "motor",
                "claim_id": "MTR-00A1B2C3D4E7",
                "verdict": "fraud",
                "decided_at": "2026-02-20T13:00:00Z",
            }
        ],
    },
    "grounds": ["staged_event", "inflated_amount", "no_indication", "other"],
    "groups": [
        {
            "name": "Claim",
            "columns": [
                {
                    "name": "claim_amount",
                    "description": "The amount claimed",
                    "kind": "number",
                    "value": 4200.5,
                    "masked": False,
                    "what_if": True,
                    "valid_values": None,
                    "minimum": 0,
                    "maximum": None,
                },
                {
                    "name": "driver_name",
                    "description": "The driver",
                    "kind": "string",
                    "value": None,
                    "masked": True,
                    "what_if": False,
                    "valid_values": None,
                    "minimum": None,
                    "maximum": None,
                },
            ],
        }
    ],
    "masked": ["driver_name"],
    "decisions": [],
    "outcome": None,
    "events": [{"at": "2026-03-02T10:00:00Z", "actor": "ida", "action": "next", "reason": None}],
    "photos": 2,
    "linked": 3,
    "received_at": "2026-03-02T09:15:42Z",
}

DECISION_REQUEST = {
    "generation": 1,
    "verdict": "fraud",
    "grounds": ["inflated_amount"],
    "note": "The invoice is for another car.",
    "seconds": 95.2,
}

DECIDED = {
    "decision": {
        "decision_id": DECISION_ID,
        "verdict": "fraud",
        "grounds": ["inflated_amount"],
        "note": "The invoice is for another car.",
        "by": "ida",
        "at": "2026-03-02T10:02:00Z",
        "final": True,
        "second_of": None,
        "undone": False,
        "undo_until": "2026-03-02T10:02:15Z",
    },
    "state": "decided",
    "version": 4,
    "undo_until": "2026-03-02T10:02:15Z",
}

HELD = {"case_id": CASE_ID, "state": "open", "version": 4, "lease": None}

WHAT_IF = {
    "probability": 0.1022,
    "percentile": 81.3,
    "refer": False,
    "reasons": [REASON],
    "before": {"probability": 0.3127, "percentile": 97.6},
}

LINKS: dict[str, Any] = {
    "nodes": [
        {
            "line": "motor",
            "claim_id": CLAIM_ID,
            "case_id": CASE_ID,
            "state": "open",
            "verdict": None,
            "received_at": "2026-03-02T09:15:42Z",
            "hop": 0,
        },
        {
            "line": "motor",
            "claim_id": "MTR-00A1B2C3D4E7",
            "case_id": None,
            "state": None,
            "verdict": "fraud",
            "received_at": "2026-02-10T08:00:00Z",
            "hop": 1,
        },
    ],
    "edges": [{"from": f"motor/{CLAIM_ID}", "to": "motor/MTR-00A1B2C3D4E7", "kind": "photo", "distance": 2}],
    "hubs": [{"kind": "workshop", "claims": 412, "from": f"motor/{CLAIM_ID}"}],
    "elsewhere": 1,
    "truncated": False,
}

PHOTOS = {
    "photos": [
        {
            "image_id": 17,
            "name": "front.jpg",
            "width": 4032,
            "height": 3024,
            "format": "JPEG",
            "taken_at": "2026-03-01T17:04:00Z",
            "taken_at_local": "2026-03-01T18:04:00",
            "latitude": 52.52,
            "longitude": 13.4,
            "received_at": "2026-03-02T09:16:00Z",
            "thumbnail": "/9j/4AAQSkZJRg==",
            "evidence": ["used_elsewhere"],
            "also_used": [{"line": "motor", "claim_id": "MTR-00A1B2C3D4E7", "case_id": None, "distance": 2}],
        }
    ],
    "more": 0,
}

FOUND = {
    "claims": [{name: value for name, value in LINKS["nodes"][1].items() if name != "hop"}],
    "unsearchable": [],
}
