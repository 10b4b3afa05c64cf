"""One model in three forms: Claimwatch's bundle, a pickled pipeline, and MLflow's pyfunc of the pipeline."""

import hashlib
import pickle
import shutil
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mlflow.sklearn
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.scoring_pipeline import pipeline_of
from claimwatch.domain.contract.contract import Contract, LogicalType
from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.model.calibration import Calibration, probability
from claimwatch.domain.model.features import Columns, FeatureSpec, encode
from claimwatch.domain.model.model import margin, to_bytes
from claimwatch.domain.model.profile import reference_of
from claimwatch.domain.model.ranking_metrics import capacity_threshold
from claimwatch.scoring.bundle import MANIFEST, Manifest, Part
from samples import Book, BookConfig, write_claims
from training.convert import of_histogram_boosting
from training.fraud_rates import fraud_rates_of
from training.graph import onnx_of

TRAINED_ON, SEED, CAPACITY = 40_000, 11, 0.05
CALIBRATION = Calibration(1.1, -0.05)
"""An arbitrary calibration: speed does not depend on it, and the peers do not apply it."""

VERSION = "1"


@dataclass(frozen=True)
class Served:
    """The model's files for each contestant, and its features."""

    bundle: Path
    sha256: str
    pickled: Path
    pyfunc: Path
    pipeline: Any
    spec: FeatureSpec
    features: int


def claims_frame(folder: Path, contract: Contract, rows: int, seed: int) -> pd.DataFrame:
    """Return sample claims as a typed DataFrame with every column of the contract."""
    path = folder / f"claims-{rows}-{seed}.csv"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_claims(path, rows, seed=seed)
    frame = pd.read_csv(path, dtype="str", keep_default_na=False, na_values=["", "?", "NA", "N/A"])
    return typed(frame, contract)


def typed(frame: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """Convert columns of text to the contract's types."""
    for column in contract.columns:
        if column.name not in frame:
            continue
        text = frame[column.name]
        if column.logical_type in (LogicalType.INTEGER, LogicalType.NUMBER):
            frame[column.name] = pd.to_numeric(text).astype(np.float64)
        elif column.logical_type is LogicalType.BOOLEAN:
            frame[column.name] = text.map({"true": 1.0, "false": 0.0}).astype(np.float64)
        elif column.logical_type in (LogicalType.DATE, LogicalType.TIMESTAMP):
            frame[column.name] = (
                pd.to_datetime(text, format="ISO8601").dt.tz_localize(None).astype("datetime64[us]")
            )
        else:
            frame[column.name] = text.astype(object)
    return frame


def columns_of(frame: pd.DataFrame, spec: FeatureSpec) -> Columns:
    """Return the claims as the columns that Claimwatch scores."""
    return {name: frame[name].to_numpy() for name in spec.kinds}


def serve(folder: Path, contract: Contract) -> Served:
    """Train the model, and write its files for each contestant."""
    frame = claims_frame(folder, contract, TRAINED_ON, SEED)
    book = Book(BookConfig(seed=SEED, claims_per_week=TRAINED_ON))
    fraud = np.concatenate([book.claims(0, numbers).is_fraud for numbers in book.blocks(0, 8192)])
    contract_columns = [column.name for column in contract.columns]
    fitted = FeatureSpec.fit(contract, {column: frame[column].to_numpy() for column in contract_columns})
    # Categories first, as the pipeline's transformer puts them.
    ordered = sorted(fitted.features, key=lambda feature: feature.kind != "category")
    spec = FeatureSpec(tuple(ordered), fitted.event_time)
    columns = columns_of(frame, spec)
    matrix = encode(spec, columns)
    classifier = HistGradientBoostingClassifier(
        max_iter=250,
        learning_rate=0.04,
        max_leaf_nodes=6,
        min_samples_leaf=40,
        l2_regularization=5.0,
        random_state=7,
    )
    categories = {feature.column: feature.categories for feature in ordered if feature.kind == "category"}
    pipeline = pipeline_of(
        classifier,
        categories,
        [feature.column for feature in ordered if feature.kind == "days"],
        spec.event_time or "",
        [feature.name for feature in ordered if feature.kind != "category"],
    )
    pipeline.fit(frame[list(spec.kinds)], fraud)
    assert np.array_equal(pipeline[:-1].transform(frame[list(spec.kinds)]), matrix, equal_nan=True)
    model = of_histogram_boosting(classifier)
    found = probability(CALIBRATION, model.link, margin(model, matrix)).astype(np.float32)
    nobody = np.zeros(len(fraud), dtype=np.bool_)
    cohort = Cohort(found.astype(np.float64), nobody, nobody, fraud.astype(np.float64))
    reference = replace(reference_of(spec, columns, found), fraud_rates=fraud_rates_of(spec, matrix, cohort))
    files = {
        "model.onnx": onnx_of(model, CALIBRATION),
        "explainer.npz": to_bytes(model),
        "features.json": spec.to_json().encode(),
        "profiles.json": reference.to_json().encode(),
    }
    manifest = Manifest(
        line=contract.line,
        version=VERSION,
        contract_version=contract.version,
        code_version="benchmark",
        data_sha256="0" * 64,
        seed=7,
        created_at="2026-01-01T00:00:00Z",
        capacity=CAPACITY,
        threshold=capacity_threshold(found, CAPACITY),
        audit_share=0.005,
        calibration={"slope": CALIBRATION.slope, "offset": CALIBRATION.offset},
        metrics={},
        parts={name: Part.of(content) for name, content in files.items()},
    )
    files[MANIFEST] = manifest.to_bytes()
    bundle, pickled, pyfunc = folder / "bundle", folder / "pipeline.pickle", folder / "pyfunc"
    bundle.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (bundle / name).write_bytes(content)
    pickled.write_bytes(pickle.dumps(pipeline))
    shutil.rmtree(pyfunc, ignore_errors=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the pickle, which is what is measured
        mlflow.sklearn.save_model(
            pipeline, str(pyfunc), serialization_format="cloudpickle", pyfunc_predict_fn="predict_proba"
        )
    sha256 = hashlib.sha256(files[MANIFEST]).hexdigest()
    return Served(bundle, sha256, pickled, pyfunc, pipeline, spec, len(ordered))
