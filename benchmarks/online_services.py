"""The contestants as servers on the first core, and the stand-in for AWS on another one."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import mlflow.sklearn
import pandas as pd
import psutil
from mlflow.models import infer_signature

from benchmarks.online_claimwatch import DROPPED, LINE
from benchmarks.scoring_model import Served
from claimwatch.domain.contract.compiled import to_json
from claimwatch.domain.contract.contract import Contract

_PREFIX = "/claimwatch/benchmark"
_KEY = "00" * 32
_ROOT = Path(__file__).resolve().parent.parent
_STARTED_IN = 120.0
"""Seconds until a server must answer; MLflow takes longest."""


def cores() -> tuple[list[int], list[int]]:
    """Return the cores of the contestant, and those of the client and the stand-in."""
    known = psutil.Process().cpu_affinity() or [0]
    return known[:1], known[1:] or known[:1]


def publish(folder: Path, served: Served, contract: Contract) -> None:
    """Write the objects and parameters of the stand-in: bundle, contract, pointers, and the key of draws."""
    bundle = folder / "artifacts" / "models"
    bundle.mkdir(parents=True, exist_ok=True)
    for path in served.bundle.iterdir():
        (bundle / path.name).write_bytes(path.read_bytes())
    compiled = to_json(contract).encode()
    sha256 = hashlib.sha256(compiled).hexdigest()
    (folder / "artifacts" / "contract.json").write_bytes(compiled)
    pointers = {
        f"{_PREFIX}/contracts/{LINE}": (contract.version, "s3://artifacts/contract.json", sha256),
        f"{_PREFIX}/live/{LINE}": ("1", "s3://artifacts/models", served.sha256),
    }
    values = {
        name: json.dumps({"line": LINE, "version": version, "uri": uri, "sha256": digest})
        for name, (version, uri, digest) in pointers.items()
    }
    (folder / "parameters.json").write_text(json.dumps(values | {f"{_PREFIX}/draw-key": _KEY}), "utf-8")


def environment(port: int) -> dict[str, str]:
    """Return the environment of the function while the stand-in is at a port."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_EC2_METADATA_DISABLED": "true",
        "BOTO_DISABLE_CRT": "true",  # the layers do not have it, and it signs more slowly
        "PUBLISHED_PARAMETERS": _PREFIX,
        "SCORE_RECORDS_QUEUE_URL": f"http://127.0.0.1:{port}/123456789012/records",
        "CODE_VERSION": "benchmark",
        "SCORING_WARMTH": "none",
        "POWERTOOLS_SERVICE_NAME": "claimwatch",
        "OMP_NUM_THREADS": "1",
    }


@contextmanager
def stand_in(folder: Path) -> Iterator[int]:
    """Run the stand-in, and yield its port."""
    with _process(
        [sys.executable, "-m", "benchmarks.online_stand_in", str(folder)], cores()[1], {}
    ) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())


@contextmanager
def claimwatch_server(port_of_stand_in: int, *, records: bool) -> Iterator[int]:
    """Serve the function, which sends the records of requests or drops them."""
    variables = environment(port_of_stand_in) | ({} if records else {DROPPED: "true"})
    with _uvicorn("benchmarks.online_claimwatch:app", variables) as port:
        yield port


@contextmanager
def fastapi_server(served: Served) -> Iterator[int]:
    """Serve the pickled pipeline by FastAPI."""
    kinds = {"PIPELINE": str(served.pickled), "KINDS": json.dumps(served.spec.kinds)}
    with _uvicorn("benchmarks.online_fastapi:app", kinds) as port:
        yield port


@contextmanager
def mlflow_server(served: Served, frame: pd.DataFrame, folder: Path) -> Iterator[int]:
    """Serve the pipeline by ``mlflow models serve``, with a signature, so that it reads dates from JSON."""
    model = folder / "mlflow-model"
    if not model.exists():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the pickle, which is what is measured
            mlflow.sklearn.save_model(
                served.pipeline,
                str(model),
                serialization_format="cloudpickle",
                pyfunc_predict_fn="predict_proba",
                signature=infer_signature(frame[:100]),
            )
    port = _free_port()
    command = [str(Path(sys.executable).with_name("mlflow")), "models", "serve", "--model-uri", str(model)]
    command += ["--port", str(port), "--workers", "1", "--env-manager", "local"]
    with _process(command, cores()[0], {"MLFLOW_DISABLE_TELEMETRY": "true"}):
        _wait_for(port)
        yield port


@contextmanager
def _uvicorn(application: str, variables: dict[str, str]) -> Iterator[int]:
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", application, "--port", str(port), "--log-level", "error"]
    with _process(command, cores()[0], variables):
        _wait_for(port)
        yield port


@contextmanager
def _process(
    command: Sequence[str], pinned: list[int], variables: dict[str, str]
) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        command,
        cwd=_ROOT,
        stdout=subprocess.PIPE if "stand_in" in command[-2] else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | variables,
        preexec_fn=lambda: psutil.Process().cpu_affinity(pinned),  # noqa: PLW1509 - no thread runs yet
    )
    try:
        yield started
    finally:
        children = psutil.Process(started.pid).children(recursive=True)
        for process in (*children, started):
            process.terminate()
        started.wait(30)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < _STARTED_IN:
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("a server did not start")
