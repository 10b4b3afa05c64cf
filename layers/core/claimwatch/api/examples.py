"""Examples of the OpenAPI document: line motor of the sample, without a value of a person."""

CLAIM = {
    "claim_id": "MTR-00A1B2C3D4E5",
    "reported_at": "2026-03-02T09:15:00",
    "claim_amount": 4200.5,
    "vehicle_make": "volvo",
}
"""A part of a claim: which columns are required is in the contract of the line."""

REASON = {
    "feature": "claim_amount",
    "value": 4200.5,
    "typical": 1350.0,
    "fraud_ratio": 2.6,
    "text": "claim_amount is 4,200.50; half of all claims are below 1,350.00",
    "contribution": 0.8123,
    "share": 0.41,
}

SCORE_REQUEST = {"claims": [CLAIM]}

SCORED = {
    "position": 0,
    "claim_id": "MTR-00A1B2C3D4E5",
    "status": "scored",
    "probability": 0.3127,
    "percentile": 97.6,
    "refer": True,
    "reasons": [REASON],
    "model_version": "7",
}

REJECTED = {
    "position": 1,
    "claim_id": "MTR-00A1B2C3D4E6",
    "status": "rejected",
    "problems": [
        {
            "column": "claim_amount",
            "rule": "type",
            "message": "the value is not a number; write digits with '.' as decimal separator",
        }
    ],
}

REQUEST_ID = "Yd3m2hXkFiAEMJw="

SCORE_ANSWER = {
    "request_id": REQUEST_ID,
    "line": "motor",
    "model_version": "7",
    "contract_version": "1.0.0",
    "results": [SCORED, REJECTED],
}
