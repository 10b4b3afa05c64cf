"""Experiments and the model registry in MLflow: tables in PostgreSQL, artifacts in S3.

There is no server, and no pickle is logged: a registered version points to its bundle.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import isnan
from pathlib import Path

from training.evaluate import metrics_of
from training.evidence import Evidence, Family

# Read when MLflow is imported: no telemetry.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode

_LONGEST_PARAMETER = 500


@dataclass(frozen=True)
class Tracking:
    """Where MLflow stores runs (any of its store URIs) and artifacts (a folder, or s3://...)."""

    uri: str
    artifacts: str | None = None


@dataclass(frozen=True)
class Recorded:
    """The run, and the version's number in the registry; None for a refused model."""

    run_id: str
    registry_version: int | None


def record(found: Evidence, bundle: Path, bundle_uri: str, bundle_sha256: str, to: Tracking) -> Recorded:
    """Record a training: a run with its parameters, metrics and bundle, and a nested run for each family."""
    client = mlflow.MlflowClient(to.uri, to.uri)
    with _at(to.uri):
        run_id = _run(found, bundle, bundle_sha256, _experiment(client, found.line, to.artifacts))
    if found.refused_because is not None:
        return Recorded(run_id, None)
    try:
        client.create_registered_model(found.line, description=f"Models of line {found.line}.")
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
            raise
    version = client.create_model_version(
        found.line,
        source=bundle_uri,
        run_id=run_id,
        tags={"version": found.version, "bundle_sha256": bundle_sha256, "data_sha256": found.data_sha256},
    )
    return Recorded(run_id, int(version.version))


@contextmanager
def _at(uri: str) -> Iterator[None]:
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)


def _experiment(client: "mlflow.MlflowClient", line: str, artifacts: str | None) -> str:
    known = client.get_experiment_by_name(line)
    if known is not None:
        return str(known.experiment_id)
    return str(
        client.create_experiment(line, artifact_location=artifacts and f"{artifacts.rstrip('/')}/{line}")
    )


def _run(found: Evidence, bundle: Path, bundle_sha256: str, experiment: str) -> str:
    tags = {
        "line": found.line,
        "version": found.version,
        "status": "refused" if found.refused_because else "registered",
        "refused_because": found.refused_because or "",
        "warnings": "; ".join(map(str, found.warnings)),
        "data_sha256": found.data_sha256,
        "code_version": found.code_version,
        "contract_version": found.contract_version,
        "bundle_sha256": bundle_sha256,
        "mlflow.note.content": (bundle / "card.md").read_text(encoding="utf-8")[:8_000],
    }
    with mlflow.start_run(
        experiment_id=experiment, run_name=f"{found.line} {found.version}", tags=tags
    ) as run:
        settings = found.settings
        mlflow.log_params(
            {
                "family": found.choice.name,
                "seed": settings.seed,
                "capacity": settings.capacity,
                "budget_minutes": settings.budget_minutes,
                "maturity_days": settings.maturity_days,
                "as_of": found.as_of,
                **{name: str(value)[:_LONGEST_PARAMETER] for name, value in found.parameters.items()},
            }
        )
        measured = found.metrics | {"threshold": found.referral.threshold}
        measured |= {
            f"{name}_{end}": bound
            for name, finding in metrics_of(found.evaluation.book).items()
            for end, bound in (("low", finding.low), ("high", finding.high))
            if bound is not None
        }
        mlflow.log_metrics({name: value for name, value in measured.items() if not isnan(value)})
        for family in found.families:
            _child(found, family, experiment)
        mlflow.log_artifacts(str(bundle), "bundle")
        return str(run.info.run_id)


def _child(found: Evidence, family: Family, experiment: str) -> None:
    with mlflow.start_run(experiment_id=experiment, run_name=family.name, nested=True):
        mlflow.log_params(
            {"family": family.name, "size": family.size, "trials": family.trials, **family.parameters}
        )
        for step, loss in enumerate(family.losses):
            mlflow.log_metric("log_loss", loss, step=step)
        mlflow.log_metrics(
            {"best_log_loss": family.loss, "value_at_capacity": found.choice.values[family.name].value}
        )
