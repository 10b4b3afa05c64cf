"""The application on the laptop: the real `sam build` and `sam deploy`, against the emulator."""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg2

from local import servers
from local.emulator import PROJECT, REGION, aws_client, laptop_environment
from local.processes import StartupFailed, say, tail, wait_until
from local.servers import Running, Servers

BUILT_TEMPLATE = PROJECT / ".aws-sam" / "build" / "template.yaml"
STACK_NAME = "claimwatch"
DEPLOYMENT_BUCKET = "claimwatch-deployments"


class LaptopStack:
    """Servers and a deployed stack below one folder. Usable as a context manager.

    Its servers end with this process, unless `detached`: then they stay until `down`.
    """

    def __init__(self, folder: Path, *, detached: bool = False) -> None:
        """Nothing starts yet."""
        self.folder = folder.resolve()
        self.servers = Servers(self.folder)
        self.outputs: dict[str, str] = {}
        self.region = REGION
        self._detached = detached
        self._running: Running | None = None

    def up(self, *, build: bool = True, **parameters: str) -> Self:
        """Start the servers, build (unless told that it is built) and deploy; safe to repeat.

        `parameters` go to the template, for instance SampleLine="". StartupFailed when it does not come up.
        """
        started = time.monotonic()
        with servers.exclusively(self.folder):
            self._running = servers.detach(self.folder) if self._detached else self._keep()
            try:
                secret = servers.publish_database_secret(self.endpoint_url, self.database_url)
                if build or not BUILT_TEMPLATE.exists():
                    say("Building functions and layers (sam build)")
                    self._sam("build", "build.log")
                say("Deploying the stack (sam deploy)")
                self._make_deployment_bucket()
                overrides = {"DatabaseSecretArn": secret, "CodeVersion": code_version()} | parameters
                self._sam(
                    "deploy",
                    "deploy.log",
                    *("--template-file", str(BUILT_TEMPLATE), "--region", REGION, "--parameter-overrides"),
                    # In quotation marks, or sam would take a value for ended where its first blank is.
                    *(f'{name}="{value}"' for name, value in overrides.items()),
                )
                self.outputs = self._outputs()
                sample = parameters.get("SampleLine", "motor")
                if sample:
                    self._wait_for_contract(sample)
                self._write_stack()
            except BaseException:
                if not self._detached:
                    self.servers.stop()
                raise
        say(f"Up after {time.monotonic() - started:.0f} s; logs are in {self.folder / 'logs'}")
        return self

    def down(self) -> None:
        """End every process of the stack; safe to repeat."""
        with servers.exclusively(self.folder):
            if self._detached:
                found = servers.end(self.folder)
                say("Stopped." if found else "Nothing was running.")
            else:
                self.servers.stop()
        self._running = None

    # -- what a test needs ---------------------------------------------------------------------------------

    @property
    def endpoint_url(self) -> str:
        """Where every AWS service answers."""
        return self._require_running().endpoint_url

    @property
    def database_url(self) -> str:
        """libpq URL of the stack's database, as its owner."""
        return self._require_running().database_url

    def client(self, service: str, **overrides: Any) -> Any:
        """A boto3 client of this stack's AWS, as its root unless credentials are given."""
        return aws_client(service, self.endpoint_url, **overrides)

    def connect(self) -> Any:
        """A psycopg2 connection to the stack's database."""
        return psycopg2.connect(self.database_url)

    def __enter__(self) -> Self:
        """Bring it up, building what changed."""
        return self.up()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self.down()

    # -- how -----------------------------------------------------------------------------------------------

    def _require_running(self) -> Running:
        if self._running is None:
            raise RuntimeError("the stack is not up")
        return self._running

    def _keep(self) -> Running:
        if self._running is not None and self.servers.running():
            return self._running
        say("Starting PostgreSQL and the AWS emulator")
        return self.servers.start()

    def _sam(self, command: str, log_name: str, *arguments: str) -> None:
        """Run one sam command as [local] of samconfig.toml says; its output goes to a log."""
        log = self.folder / "logs" / log_name
        log.parent.mkdir(parents=True, exist_ok=True)
        environment = laptop_environment(self.endpoint_url) | {"SAM_CLI_POLL_DELAY": "0.5"}
        config = ("--config-file", str(PROJECT / "samconfig.toml"), "--config-env", "local")
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        with log.open("w") as output:
            done = subprocess.run(
                [str(Path(sys.executable).with_name("sam")), command, *config, *arguments],
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.DEVNULL,
                check=False,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        if done.returncode:
            failures = [line for line in log.read_text(errors="replace").splitlines() if "FAILED" in line]
            told = "\n".join([*failures, tail(log, 12), tail(self.folder / "logs" / "emulator.log", 3)])
            raise StartupFailed(f"sam {command} failed, see {log}\n{told}")

    def _make_deployment_bucket(self) -> None:
        """The bucket that samconfig.toml names under [local]: sam would wait long for a stack of its own."""
        self.client("s3").create_bucket(Bucket=DEPLOYMENT_BUCKET)

    def _outputs(self) -> dict[str, str]:
        described = self.client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}

    def _wait_for_contract(self, line: str) -> None:
        """The deployment puts the contract in place; an event takes it from there to its table."""

        def applied() -> bool:
            with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"claimwatch.claim_{line}"])
                row = cursor.fetchone()
                return bool(row and row[0])

        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('claimwatch.file')")
            if cursor.fetchone() == (None,):
                say("The schema has no ledger yet, so no contract is waited for")
                return
        say(f"Waiting for the contract of line {line}")
        if not wait_until(applied, seconds=60, every=0.25):
            raise StartupFailed(f"the contract of line {line} was not applied: see {self.folder / 'logs'}")

    def _write_stack(self) -> None:
        told = {
            "endpoint_url": self.endpoint_url,
            "region": REGION,
            "database_url": self.database_url,
            "outputs": self.outputs,
        }
        servers.write_atomically(self.folder / "stack.json", json.dumps(told, indent=2))


def code_version() -> str:
    """What git calls this tree, or "unversioned" outside of one."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return "unversioned"
    return described.stdout.strip() or "unversioned"
