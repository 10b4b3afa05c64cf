"""MLflow's interface to the laptop's stack: on a loopback port, for as long as somebody looks."""

import contextlib
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg2

from local.emulator import PROJECT, aws_client, laptop_environment
from local.processes import GuardedProcess, StartupFailed, free_port, say, tail, wait_until
from training.job import tracking_in

PATIENCE = 120.0
"""Seconds; the import of MLflow takes most of them."""

THERE = "SELECT to_regclass('mlflow.experiments') IS NOT NULL"


class TrackingInterface:
    """MLflow's server behind a lifeline: it ends with this process. Usable as a context manager."""

    def __init__(self, environment: Mapping[str, str], *, log: Path, port: int | None = None) -> None:
        """Nothing starts yet; the environment says where runs and artifacts are, as ``tracking_in`` does."""
        self.log = log
        self.port = port or free_port()
        # The password goes by the environment: everybody on the machine can read a command line.
        self._environment = dict(environment) | {
            "MLFLOW_BACKEND_STORE_URI": environment["MLFLOW_TRACKING_URI"],
            "MLFLOW_DEFAULT_ARTIFACT_ROOT": environment["MLFLOW_ARTIFACT_ROOT"],
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        # A server's own client would ask itself.
        del self._environment["MLFLOW_TRACKING_URI"]
        self._process: GuardedProcess | None = None

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Start it and return when it answers."""
        command = [str(Path(sys.executable).with_name("mlflow")), "server"]
        command += ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        process = GuardedProcess(command, log=self.log, env=self._environment, cwd=PROJECT, grace=5)
        if not (
            wait_until(lambda: not process.running() or self.answers(), PATIENCE, every=0.2)
            and process.running()
        ):
            process.stop()
            raise StartupFailed(f"MLflow did not start; {self.log} ends with\n{tail(self.log)}")
        self._process = process
        return self

    def stop(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is not None:
            process.stop()

    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.running()

    def answers(self) -> bool:
        """Whether it says that it is well."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.url}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def __enter__(self) -> Self:
        """Start it."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()


def look(folder: Path, port: int | None = None) -> int:
    """Show what the stack below this folder has recorded, until Ctrl-C; 1 when there is nothing to show."""
    try:
        told: dict[str, Any] = json.loads((folder / "stack.json").read_text("utf-8"))
    except FileNotFoundError:
        say("Nothing is running. `make up` starts it.")
        return 1
    with contextlib.closing(psycopg2.connect(told["database_url"])) as connection:
        cursor = connection.cursor()
        cursor.execute(THERE)
        if cursor.fetchone() != (True,):
            say('No model was trained yet: `claimwatch train motor --why "..."` trains one.')
            return 1
    outputs = told["outputs"]
    secret = aws_client("secretsmanager", told["endpoint_url"]).get_secret_value(
        SecretId=outputs["DatabaseSecretArn"]
    )
    environment = laptop_environment(told["endpoint_url"]) | tracking_in(
        json.loads(secret["SecretString"]), outputs["ArtifactBucket"]
    )
    say("Starting MLflow's interface")
    with TrackingInterface(environment, log=folder / "logs" / "mlflow.log", port=port) as interface:
        print(f"MLflow       {interface.url}  (Ctrl-C ends it)", flush=True)
        while interface.running():
            time.sleep(1)
    say(f"MLflow has ended; its log is {interface.log}")
    return 1
