"""A model of line motor for tests that need no training: fitted in a second to the true labels of a book."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.scoring_model import typed
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.model.calibration import Calibration, probability
from claimwatch.domain.model.features import FeatureSpec, encode
from claimwatch.domain.model.model import margin, to_bytes
from claimwatch.domain.model.profile import reference_of
from claimwatch.domain.model.ranking_metrics import capacity_threshold
from claimwatch.scoring.bundle import MANIFEST, Manifest, Part
from claimwatch.storage.models import NewVersion
from tests.cluster import MOTOR
from training.convert import of_histogram_boosting
from training.graph import onnx_of

CAPACITY, AUDITED = 0.05, 0.02
"""As many referrals are blinded as claims are audited: with fewer audits, some referrals show their score."""
CALIBRATION = Calibration(1.0, 0.0)


@dataclass(frozen=True)
class MotorModel:
    """A bundle with the properties that a training would register."""

    files: dict[str, bytes]
    version: str

    @property
    def sha256(self) -> str:
        """The hash of the manifest."""
        return hashlib.sha256(self.files[MANIFEST]).hexdigest()

    def registered(self, bucket: str) -> NewVersion:
        """Return the registry entry of the model in a bucket."""
        return NewVersion(
            line="motor",
            version=self.version,
            metrics={"roc_auc": 0.8},
            data_sha256="d" * 64,
            code_version="test",
            contract_version="1.0.0",
            bundle_uri=f"s3://{bucket}/models/motor/{self.version}/",
            bundle_sha256=self.sha256,
        )

    def keys(self) -> dict[str, bytes]:
        """Return the files by key in the bucket."""
        return {f"models/motor/{self.version}/{name}": content for name, content in self.files.items()}


def grow(folder: Path, weeks: Sequence[str], version: str = "1", seed: int = 7) -> MotorModel:
    """Fit a model to claims and true labels of some weeks of a book in a folder."""
    contract = parse_contract(MOTOR.read_text("utf-8"), "motor")
    claims = typed(_table(folder / "claims" / "motor", weeks), contract)
    truth = _table(folder / "truth" / "motor", weeks).set_index("claim_id")["is_fraud"]
    fraud = (truth.loc[claims["claim_id"]] == "true").to_numpy()
    columns = {column.name: claims[column.name].to_numpy() for column in contract.columns}
    spec = FeatureSpec.fit(contract, columns)
    matrix = encode(spec, columns)
    classifier = HistGradientBoostingClassifier(
        max_iter=60, max_leaf_nodes=6, learning_rate=0.1, random_state=seed
    )
    model = of_histogram_boosting(classifier.fit(matrix, fraud))
    scores = probability(CALIBRATION, model.link, margin(model, matrix)).astype(np.float32)
    files = {
        "model.onnx": onnx_of(model, CALIBRATION),
        "explainer.npz": to_bytes(model),
        "features.json": spec.to_json().encode(),
        "profiles.json": reference_of(spec, columns, scores).to_json().encode(),
        "card.html": b"<p>A model of a test.</p>",
    }
    manifest = Manifest(
        line="motor",
        version=version,
        contract_version=contract.version,
        code_version="test",
        data_sha256="d" * 64,
        seed=seed,
        created_at="2026-01-01T00:00:00Z",
        capacity=CAPACITY,
        threshold=capacity_threshold(scores, CAPACITY),
        audit_share=AUDITED,
        calibration={"slope": CALIBRATION.slope, "offset": CALIBRATION.offset},
        metrics={"roc_auc": 0.8},
        parts={name: Part.of(content) for name, content in files.items()},
    )
    return MotorModel(files | {MANIFEST: manifest.to_bytes()}, version)


def _table(folder: Path, weeks: Sequence[str]) -> pd.DataFrame:
    """Read the files of some weeks as text."""
    absent = ["", "?", "NA", "N/A"]
    read = [
        pd.read_csv(folder / f"{week}.csv", dtype="str", keep_default_na=False, na_values=absent)
        for week in weeks
    ]
    return pd.concat(read, ignore_index=True)
