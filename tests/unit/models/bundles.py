"""A small bundle like those of a training, in a dictionary."""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.calibration import Calibration, probability
from claimwatch.domain.model.features import Columns, Feature, FeatureSpec, encode
from claimwatch.domain.model.model import Model, margin, to_bytes
from claimwatch.domain.model.profile import reference_of
from claimwatch.domain.model.ranking_metrics import capacity_threshold
from claimwatch.scoring.bundle import MANIFEST, Manifest, Part
from tests.unit.models.forests import draw_forest
from training.graph import onnx_of

SPEC = FeatureSpec(
    (
        Feature("amount", "number", "amount", meaning="What is claimed"),
        Feature("known", "flag", "known"),
        Feature("animal", "category", "animal", ("cat", "dog", "fish")),
        Feature("bought_on.days", "days", "bought_on"),
        Feature("reported_at.hour", "hour", "reported_at"),
    ),
    "reported_at",
)
CALIBRATION = Calibration(1.3, -0.4)
CAPACITY, AUDITED = 0.05, 0.02


def draw_columns(seed: int, rows: int) -> dict[str, npt.NDArray[Any]]:
    drawn = np.random.default_rng(seed)
    start = np.datetime64("2026-01-05T00:00:00", "us")
    reported = start + drawn.integers(0, 10**13, rows).astype("timedelta64[us]")
    amount = drawn.normal(0, 2, rows)
    amount[drawn.random(rows) < 0.1] = np.nan
    return {
        "amount": amount,
        "known": np.array([None, True, False], dtype=object)[drawn.integers(0, 3, rows)],
        "animal": np.array([None, "cat", "dog", "fish", "newt"], dtype=object)[drawn.integers(0, 5, rows)],
        "bought_on": reported - drawn.integers(-3, 4, rows).astype("timedelta64[D]"),
        "reported_at": reported,
    }


def make_bundle(model: Model | None = None, columns: Columns | None = None) -> tuple[dict[str, bytes], str]:
    """Return the files, and the hash of the bundle."""
    model = model or draw_forest(6, trees=40, depth=5, features=len(SPEC.features))
    columns = columns or draw_columns(1, 4000)
    found = probability(CALIBRATION, model.link, margin(model, encode(SPEC, columns)))
    files = {
        "model.onnx": onnx_of(model, CALIBRATION),
        "explainer.npz": to_bytes(model),
        "features.json": SPEC.to_json().encode(),
        "profiles.json": reference_of(SPEC, columns, found).to_json().encode(),
        "card.html": b"<p>A model</p>",
    }
    manifest = Manifest(
        line="pets",
        version="v1",
        contract_version="1.0.0",
        code_version="abc1234",
        data_sha256="0" * 64,
        seed=7,
        created_at="2026-11-24T00:00:00Z",
        capacity=CAPACITY,
        threshold=capacity_threshold(found.astype(np.float32), CAPACITY),
        audit_share=AUDITED,
        calibration={"slope": CALIBRATION.slope, "offset": CALIBRATION.offset},
        metrics={"roc_auc": 0.9},
        parts={name: Part.of(content) for name, content in files.items()},
    )
    files[MANIFEST] = manifest.to_bytes()
    return files, hashlib.sha256(files[MANIFEST]).hexdigest()
