"""MLflow's interface to the laptop's stack, served on a loopback port until Ctrl-C."""

import contextlib
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg2

from local.emulator import PROJECT, aws_client, laptop_environment
from local.processes import (
    GuardedProcess,
    StartupFailed,
    free_port,
    report_progress,
    responds,
    tail,
    wait_until,
)
from training.job import tracking_in

STARTUP_TIMEOUT = 120.0
"""Seconds; importing MLflow takes most of the time."""

SCHEMA_EXISTS = "SELECT to_regclass('mlflow.experiments') IS NOT NULL"


class TrackingInterface:
    """A supervised MLflow server, which ends with this process; usable as a context manager."""

    def __init__(self, environment: Mapping[str, str], *, log: Path, port: int | None = None) -> None:
        """Prepare a server without starting it; ``tracking_in`` returns the environment that it needs."""
        self.log = log
        self.port = port or free_port()
        # The password is in the environment, because every user of the machine can read a command line.
        self._environment = dict(environment) | {
            "MLFLOW_BACKEND_STORE_URI": environment["MLFLOW_TRACKING_URI"],
            "MLFLOW_DEFAULT_ARTIFACT_ROOT": environment["MLFLOW_ARTIFACT_ROOT"],
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        # With this variable, the server's own client would call the server itself.
        del self._environment["MLFLOW_TRACKING_URI"]
        self._process: GuardedProcess | None = None

    @property
    def url(self) -> str:
        """The URL for a browser."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Start the server and return when it responds."""
        command = [str(Path(sys.executable).with_name("mlflow")), "server"]
        command += ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        process = GuardedProcess(command, log=self.log, env=self._environment, cwd=PROJECT, grace=5)
        if not (
            wait_until(lambda: not process.running() or self.responds(), STARTUP_TIMEOUT, every=0.2)
            and process.running()
        ):
            process.stop()
            raise StartupFailed(f"MLflow did not start; {self.log} ends with\n{tail(self.log)}")
        self._process = process
        return self

    def stop(self) -> None:
        """Stop the server."""
        process, self._process = self._process, None
        if process is not None:
            process.stop()

    def running(self) -> bool:
        """Return whether the server runs."""
        return self._process is not None and self._process.running()

    def responds(self) -> bool:
        """Return whether the health endpoint responds."""
        return responds(f"{self.url}/health")

    def __enter__(self) -> Self:
        """Start the server."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        self.stop()


def serve_until_interrupted(folder: Path, port: int | None = None) -> int:
    """Serve MLflow's interface until Ctrl-C; return 1 if there is no stack or no training."""
    try:
        stack: dict[str, Any] = json.loads((folder / "stack.json").read_text("utf-8"))
    except FileNotFoundError:
        report_progress("Nothing is running. `make up` starts it.")
        return 1
    with contextlib.closing(psycopg2.connect(stack["database_url"])) as connection:
        cursor = connection.cursor()
        cursor.execute(SCHEMA_EXISTS)
        if cursor.fetchone() != (True,):
            report_progress(
                'No model has been trained yet. Train one with `claimwatch train motor --why "..."`.'
            )
            return 1
    outputs = stack["outputs"]
    login = aws_client("ssm", stack["endpoint_url"]).get_parameter(
        Name=f"{outputs['DatabaseParameters']}/read", WithDecryption=True
    )
    environment = laptop_environment(stack["endpoint_url"]) | tracking_in(
        json.loads(login["Parameter"]["Value"]), outputs["ArtifactBucket"]
    )
    report_progress("Starting MLflow's interface")
    with TrackingInterface(environment, log=folder / "logs" / "mlflow.log", port=port) as interface:
        print(f"MLflow       {interface.url}  (Ctrl-C stops it)", flush=True)
        while interface.running():
            time.sleep(1)
    report_progress(f"MLflow ended unexpectedly; its log is {interface.log}")
    return 1
