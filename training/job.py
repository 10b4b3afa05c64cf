"""A training job on its instance: read the data from the database, run the training, store the result.

`python -m training.job TRAINING_ID`, with the stack's resources in the environment. The run itself is a
separate process, so that a crash, a hang or a full disk ends the run, and this process reports it. Everything
that this process prints reaches the console of the instance, so it quotes no claim.
"""

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from claimwatch.aws.alerts import Alerts, SnsAlerts
from claimwatch.aws.clients import client
from claimwatch.aws.objects import ModelStore, S3Objects
from claimwatch.aws.parameters import read_login
from claimwatch.errors import ClaimwatchError, RefusedData, place_of
from claimwatch.models.trainings import End, end_training
from claimwatch.scoring.bundle import MANIFEST, Manifest
from claimwatch.scoring.bundle_store import download_bundle
from claimwatch.storage import contracts, models
from claimwatch.storage.connection import Database, parameters_of
from claimwatch.storage.models import LiveModel, NewVersion, Training
from training.settings import Settings
from training.take_snapshot import take_snapshot

SPARE_SECONDS = 300.0
"""The part of a training's time that is reserved for recording its end."""

SEED = 7
REFUSED, FAILED = "Refused: ", "Failed: "
"""The start of a run's last line if it refused the data or its own model, and if it crashed."""


class TrainingFailed(ClaimwatchError):
    """The run did not finish."""


@dataclass(frozen=True)
class JobDependencies:
    """Dependencies of ``work``; ``command`` starts a run."""

    database: Database
    objects: ModelStore
    alerts: Alerts
    bucket: str
    code_version: str
    environment: Mapping[str, str]
    search_minutes: str
    command: tuple[str, ...] = (sys.executable, "-m", "training")

    @classmethod
    def of_environment(cls) -> "JobDependencies":
        """Return the dependencies of the stack that started the instance."""
        environment = os.environ
        name = environment["DATABASE_PARAMETER"]
        return cls(
            database=Database(lambda: parameters_of(read_login(name))),
            objects=S3Objects(client("s3")),
            alerts=SnsAlerts(client("sns"), environment["ALERT_TOPIC_ARN"]),
            bucket=environment["ARTIFACT_BUCKET"],
            # The hash of the archive distinguishes it from another archive with the same version.
            code_version=f"{environment['CODE_VERSION']}+{environment['CODE_SHA256'][:12]}",
            environment=environment,
            search_minutes=environment["SEARCH_MINUTES"],
        )


def work(deps: JobDependencies, training_id: str) -> None:
    """Train, store the result, and record how the training ended in every case."""
    with deps.database.transaction() as cursor:
        training = models.find_training(cursor, training_id)
    if training is None or training.ended_at is not None:
        print(f"training {training_id} is unknown or has already ended", file=sys.stderr)
        return
    try:
        with tempfile.TemporaryDirectory(prefix="training-") as folder:
            refused_because = _train(deps, training, Path(folder))
    except RefusedData as refusal:
        end_training(deps.database, deps.alerts, training_id, "refused", str(refusal))
    except (ClaimwatchError, OSError) as failure:
        end_training(deps.database, deps.alerts, training_id, "failed", str(failure))
    except Exception as failure:  # noqa: BLE001 - its message may quote a claim; type and place do not
        why = f"unexpected error: {place_of(failure)}"
        print(why, file=sys.stderr)
        end_training(deps.database, deps.alerts, training_id, "failed", why)
    else:
        end: End = "refused" if refused_because else "registered"
        end_training(deps.database, deps.alerts, training_id, end, refused_because)


def _train(deps: JobDependencies, training: Training, folder: Path) -> str | None:
    """Run a training and register its model; return why the model is refused, or None."""
    with deps.database.transaction() as cursor:
        running = contracts.find_running(cursor, training.line)
        # A back-test is compared with the champion of its day: a later one has learnt from its test split.
        champion = models.live_models(cursor, training.line, training.as_of).get("champion")
        if running is None:
            raise RefusedData(f"line {training.line} has no contract")
        claimant = Settings.of_contract(running.contract).claimant_column
        snapshot = folder / "snapshot.parquet"
        sha256 = take_snapshot(cursor, running.contract, claimant, snapshot, training.as_of)
    _store(deps, f"snapshots/{training.line}/{sha256}.parquet", snapshot)
    contract = folder / "contract.yaml"
    contract.write_text(running.contract.text, "utf-8")
    made = folder / "model"
    if champion is not None:
        download_bundle(deps.objects, champion.bundle_uri, champion.bundle_sha256, folder / "champion")
    _run(deps, training, folder, champion)
    manifest = Manifest.from_bytes((made / MANIFEST).read_bytes())
    return _register(deps, training, manifest, made)


def _run(deps: JobDependencies, training: Training, folder: Path, champion: LiveModel | None) -> None:
    """Run the training in a separate process.

    Its standard output has its own lines, which quote no claim; standard error may, and is discarded. Raises
    ``TrainingFailed`` or ``RefusedData``.
    """
    with deps.database.transaction() as cursor:
        seconds = models.seconds_left(cursor, training.training_id) - SPARE_SECONDS
    command = [*deps.command, "--line", training.line, "--version", training.version]
    command += ["--snapshot", str(folder / "snapshot.parquet"), "--contract", str(folder / "contract.yaml")]
    command += ["--out", str(folder / "model"), "--seed", str(SEED), "--code-version", deps.code_version]
    command += ["--bundle-uri", f"s3://{deps.bucket}/{_prefix(training)}/"]
    command += ["--budget-minutes", deps.search_minutes]
    if champion is not None:
        command += ["--champion", str(folder / "champion"), "--champion-sha256", champion.bundle_sha256]
    if training.as_of is not None:
        command += ["--as-of", str(training.as_of)]
    for column in training.trusted:
        command.append(f"--trust={column}")  # in one word, because a name may begin with a dash
    last = ""
    with subprocess.Popen(
        ["timeout", "--kill-after=30", f"{max(seconds, 1.0):.0f}", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(deps.environment),
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
    if process.returncode == 1 and last.startswith(REFUSED):
        if (folder / "model" / MANIFEST).exists():
            return  # the model is registered, with the reason in its manifest
        raise RefusedData(last.removeprefix(REFUSED))
    if process.returncode in (124, 137):
        raise TrainingFailed("the run did not end in time")
    if process.returncode < 0:
        name = signal.Signals(-process.returncode).name
        hint = " (possibly out of memory)" if name == "SIGKILL" else ""
        raise TrainingFailed(f"the run was ended by {name}{hint}")
    if process.returncode:
        crash = f": {last.removeprefix(FAILED)}" if last.startswith(FAILED) else ""
        raise TrainingFailed(f"the run ended with exit code {process.returncode}{crash}")


def _register(deps: JobDependencies, training: Training, manifest: Manifest, made: Path) -> str | None:
    """Store the bundle and register the model; the manifest is last, because it implies all other parts."""
    prefix = _prefix(training)
    for name in manifest.parts:
        _store(deps, f"{prefix}/{name}", made / name)
    _store(deps, f"{prefix}/{MANIFEST}", made / MANIFEST)
    new = NewVersion(
        line=training.line,
        version=training.version,
        metrics=dict(manifest.metrics),
        data_sha256=manifest.data_sha256,
        code_version=manifest.code_version,
        contract_version=manifest.contract_version,
        bundle_uri=f"s3://{deps.bucket}/{prefix}/",
        bundle_sha256=hashlib.sha256((made / MANIFEST).read_bytes()).hexdigest(),
        refused_because=manifest.details.get("refused_because"),
        as_of=training.as_of,
        warnings=manifest.details.get("warnings", []),
        failed_gates=manifest.details.get("failed_gates"),
        served_sha256=manifest.served_sha256,
        refused_columns=manifest.details.get("refused_columns", {}),
    )
    with deps.database.transaction() as cursor:
        models.add_version(cursor, new)
        models.grant_registry(cursor)
    return new.refused_because


def _prefix(training: Training) -> str:
    return f"models/{training.line}/{training.version}"


def _store(deps: JobDependencies, key: str, path: Path) -> None:
    def blocks() -> Iterator[bytes]:
        with path.open("rb") as file:
            while block := file.read(8 << 20):
                yield block

    deps.objects.create(deps.bucket, key, blocks())


def tracking_now(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for MLflow with the login of this moment, because a deployment renews it."""
    return tracking_in(read_login(environment["DATABASE_PARAMETER"]), environment["ARTIFACT_BUCKET"])


def tracking_in(credentials: Mapping[str, Any], bucket: str) -> dict[str, str]:
    """Return the environment for MLflow: a schema of the stack's database, artifacts in its bucket."""
    parameters = parameters_of(credentials)
    user, password, host, port, name = (
        quote(str(parameters.pop(key)), safe="") for key in ("user", "password", "host", "port", "dbname")
    )
    options = urlencode({"options": "-csearch_path=mlflow"} | parameters, quote_via=quote)
    return {
        "MLFLOW_TRACKING_URI": f"postgresql+psycopg2://{user}:{password}@{host}:{port}/{name}?{options}",
        "MLFLOW_ARTIFACT_ROOT": f"s3://{bucket}/mlflow",
    }


if __name__ == "__main__":
    work(JobDependencies.of_environment(), sys.argv[1])
