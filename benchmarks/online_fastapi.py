"""A peer: the pickled pipeline behind FastAPI, as most guides show it. It returns a probability, no reasons.

Served as ``uvicorn benchmarks.online_fastapi:app`` with the environment variables ``PIPELINE`` and ``KINDS``,
the kinds of the columns by name.
"""

import json
import os
import pickle
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from fastapi import FastAPI
from pydantic import create_model

KINDS: dict[str, str] = json.loads(os.environ["KINDS"])
_TYPES: dict[str, Any] = {"category": str, "number": float, "flag": float}

pipeline = pickle.loads(Path(os.environ["PIPELINE"]).read_bytes())  # noqa: S301 - the benchmark wrote it
_FIELDS: dict[str, Any] = {name: (_TYPES.get(kind, datetime) | None, None) for name, kind in KINDS.items()}
Claim: Any = create_model("Claim", **_FIELDS)
app = FastAPI()


@app.post("/predict")
async def predict(claim: Claim) -> dict[str, float]:
    """Return the probability of a claim."""
    frame = pd.DataFrame([claim.model_dump()])
    for name, kind in KINDS.items():
        if kind in ("number", "flag"):
            frame[name] = frame[name].astype(float)
        elif kind != "category":
            frame[name] = pd.to_datetime(frame[name])
    return {"probability": float(pipeline.predict_proba(frame)[0, 1])}
