"""The AWS emulator with IAM enforced: one loopback port and one folder for each instance."""

import os
import shutil
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config

from local.processes import GuardedProcess, StartupFailed, free_ports, responds, tail, wait_until

REGION = "us-east-1"
ROOT_KEY = ROOT_SECRET = "test"  # the emulator's root account, reachable through the loopback interface only
PROJECT = Path(__file__).resolve().parent.parent


class Emulator:
    """A supervised ministack process, usable as a context manager. Its state is in memory."""

    def __init__(self, folder: Path, *, log: Path | None = None) -> None:
        """Prepare an emulator without starting it."""
        self.folder = folder.resolve()
        self.log = (log or self.folder / "emulator.log").resolve()
        self.port = self.viewers_port = 0
        self._process: GuardedProcess | None = None

    @property
    def endpoint_url(self) -> str:
        """The endpoint URL of every AWS service."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def viewers_url(self) -> str:
        """The address of CloudFront's distribution, as browsers on this machine reach it."""
        return f"http://localhost:{self.viewers_port}/"

    @property
    def guard(self) -> GuardedProcess:
        """The supervised process."""
        assert self._process is not None, "the emulator is not running"
        return self._process

    def start(self) -> Self:
        """Start the emulator and return when it responds."""
        if self.running():
            return self
        for _ in range(5):
            self.port, self.viewers_port = free_ports(2)
            # Functions and their layers are unpacked here for each warm worker.
            scratch = self.folder / "tmp"
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(parents=True)
            self._process = process = GuardedProcess(
                [sys.executable, "-m", "local.emulator_server"],
                log=self.log,
                env=self._environment(scratch),
                cwd=PROJECT,
                grace=5,
            )
            if self._started(process):
                return self
            process.stop()
        self._process = None
        raise StartupFailed(f"the emulator did not start; {self.log} ends with\n{tail(self.log)}")

    def stop(self) -> None:
        """Stop the emulator and the workers of all functions."""
        process, self._process = self._process, None
        if process is not None:
            process.stop()
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)

    def running(self) -> bool:
        """Return whether the process runs."""
        return self._process is not None and self._process.running()

    def client(self, service: str, **overrides: Any) -> Any:
        """Return a boto3 client of this emulator, with root credentials by default."""
        return aws_client(service, self.endpoint_url, **overrides)

    def __enter__(self) -> Self:
        """Start the emulator."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the emulator."""
        self.stop()

    def _started(self, process: GuardedProcess) -> bool:
        health = f"{self.endpoint_url}/_ministack/health"
        return wait_until(lambda: not process.running() or responds(health), 60) and process.running()

    def _environment(self, scratch: Path) -> dict[str, str]:
        """Return the environment of the emulator, which the workers of all functions inherit."""
        return laptop_environment(self.endpoint_url) | {
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "VIEWERS_PORT": str(self.viewers_port),
            "MINISTACK_REGION": REGION,
            "TMPDIR": str(scratch),
            # These listeners use fixed ports, so two stacks would conflict.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "INFO",
        }


def aws_client(service: str, endpoint_url: str, **overrides: Any) -> Any:
    """Return a boto3 client of the emulator at `endpoint_url`, with root credentials by default."""
    settings: dict[str, Any] = {
        "endpoint_url": endpoint_url,
        "region_name": REGION,
        "aws_access_key_id": ROOT_KEY,
        "aws_secret_access_key": ROOT_SECRET,
        "config": Config(retries={"max_attempts": 3, "mode": "standard"}, proxies={}),
    }
    session: Any = boto3.Session()  # the stubs accept only literal service names
    return session.client(service, **(settings | overrides))


def laptop_environment(endpoint_url: str) -> dict[str, str]:
    """Return this process's environment, with AWS settings for the emulator instead of a real account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    local_only = ",".join(filter(None, [kept.get("NO_PROXY") or kept.get("no_proxy"), "127.0.0.1,localhost"]))
    return kept | {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": ROOT_KEY,
        "AWS_SECRET_ACCESS_KEY": ROOT_SECRET,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": local_only,
        "no_proxy": local_only,
        "SAM_CLI_TELEMETRY": "0",
    }
