"""The application on the laptop, built and deployed to the emulator with `sam build` and `sam deploy`."""

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg2

from local import servers
from local.archives import with_archives
from local.emulator import PROJECT, REGION, aws_client, laptop_environment
from local.people import User, create_users
from local.processes import StartupFailed, report_progress, tail, wait_until
from local.servers import STACK_NAME, RunningServers, Servers
from release.desk import MISSING as DESK_MISSING
from release.desk import build_desk
from release.tree import tree_sha256
from release.version import code_version

BUILT_TEMPLATE = PROJECT / ".aws-sam" / "build" / "template.yaml"
CALLBACK_URL = "http://localhost:8400/"
"""The default of parameter SignInCallbackUrls; `make desk` serves the desk for developers there."""
DEPLOYMENT_BUCKET = "claimwatch-deployments"


@dataclass(frozen=True)
class DeployedStack:
    """A stack by its name, whoever deployed it, on running servers."""

    name: str
    running: RunningServers

    def client(self, service: str, **overrides: Any) -> Any:
        """Return a boto3 client of this stack's AWS, with root credentials by default."""
        return aws_client(service, self.running.endpoint_url, **overrides)

    def connect(self) -> Any:
        """Open a psycopg2 connection to the stack's database, for its owner."""
        return psycopg2.connect(self.running.databases[self.name])

    def outputs(self) -> dict[str, str]:
        """Return the outputs of the stack as CloudFormation has them now."""
        described = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}

    def resource(self, logical_id: str) -> str:
        """Return the physical id of a resource."""
        found = self.client("cloudformation").describe_stack_resource(
            StackName=self.name, LogicalResourceId=logical_id
        )
        name: str = found["StackResourceDetail"]["PhysicalResourceId"]
        return name


class LaptopStack:
    """Servers and a deployed stack below one folder, usable as a context manager.

    The servers end with this process, unless the stack is `detached`: then they run until `down`.
    """

    def __init__(self, folder: Path, *, detached: bool = False) -> None:
        """Prepare a stack without starting it."""
        self.folder = folder.resolve()
        self.servers = Servers(self.folder)
        self.outputs: dict[str, str] = {}
        self.users: list[User] = []
        self.region = REGION
        self._detached = detached
        self._running: RunningServers | None = None

    def up(self, *, build: bool = True, **parameters: str) -> Self:
        """Start the servers, build (unless `build` is False) and deploy; safe to repeat.

        `parameters` are template parameters, for example `SampleLine=""`. Raises `StartupFailed` if a server
        or the deployment fails.
        """
        started = time.monotonic()
        with servers.folder_lock(self.folder):
            self._running = servers.start_detached(self.folder) if self._detached else self._start_attached()
            try:
                secret = servers.publish_database_secret(self._require_running())
                if build or not BUILT_TEMPLATE.exists():
                    report_progress("Building functions, layers and the desk (sam build)")
                    if not build_desk(PROJECT):
                        report_progress(DESK_MISSING)
                    self._sam("build", "build.log")
                report_progress("Deploying the stack (sam deploy)")
                self._make_deployment_bucket()
                overrides = {
                    "DatabaseSecretArn": secret,
                    "CodeVersion": code_version(),
                    "TreeSha256": tree_sha256(PROJECT),
                    "EvaluationConcurrency": "4",  # a laptop has no memory for ten checks at once
                    "SignInMfa": "off",  # demo users have no phone
                    "PublicationDelaySeconds": "5",  # nobody waits a quarter of an hour for an outcome
                    "StreamingIngestion": "true",
                    "SignInOrigin": self.endpoint_url,
                    "SignInCallbackUrls": f"{CALLBACK_URL},{self.desk_url}",
                } | parameters
                self._sam(
                    "deploy",
                    "deploy.log",
                    *("--template-file", str(with_archives(BUILT_TEMPLATE)), "--region", REGION),
                    "--parameter-overrides",
                    # Quoted, because sam would end a value at its first blank.
                    *(f'{name}="{value}"' for name, value in overrides.items()),
                )
                self.outputs = self._deployed.outputs()
                self.users = create_users(self.client("cognito-idp"), self.outputs["UserPoolId"])
                sample = parameters.get("SampleLine", "motor")
                if sample:
                    self._wait_for_contract(sample)
                self._write_stack()
            except BaseException:
                if not self._detached:
                    self.servers.stop()
                raise
        report_progress(
            f"The stack is up after {time.monotonic() - started:.0f} s; logs are in {self.folder / 'logs'}"
        )
        return self

    def down(self) -> None:
        """Stop every process of the stack; safe to repeat."""
        with servers.folder_lock(self.folder):
            if self._detached:
                found = servers.stop_recorded(self.folder)
                report_progress("Stopped." if found else "Nothing was running.")
            else:
                self.servers.stop()
        self._running = None

    # -- access --------------------------------------------------------------------------------------------

    @property
    def endpoint_url(self) -> str:
        """The endpoint URL of every AWS service."""
        return self._require_running().endpoint_url

    @property
    def desk_url(self) -> str:
        """The address of the desk for browsers on this machine."""
        return self._require_running().desk_url

    @property
    def database_url(self) -> str:
        """The libpq URL of the stack's database, for its owner."""
        return self._require_running().database_url

    def client(self, service: str, **overrides: Any) -> Any:
        """Return a boto3 client of this stack's AWS, with root credentials by default."""
        return self._deployed.client(service, **overrides)

    def connect(self) -> Any:
        """Open a psycopg2 connection to the stack's database."""
        return self._deployed.connect()

    def __enter__(self) -> Self:
        """Bring the stack up, and build what changed."""
        return self.up()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the stack."""
        self.down()

    # -- steps ---------------------------------------------------------------------------------------------

    @property
    def _deployed(self) -> DeployedStack:
        return DeployedStack(STACK_NAME, self._require_running())

    def _require_running(self) -> RunningServers:
        if self._running is None:
            raise RuntimeError("the stack is not up")
        return self._running

    def _start_attached(self) -> RunningServers:
        if self._running is not None and self.servers.running():
            return self._running
        report_progress("Starting PostgreSQL and the AWS emulator")
        return self.servers.start()

    def _sam(self, command: str, log_name: str, *arguments: str) -> None:
        """Run one sam command with [local] of samconfig.toml; its output goes to a log."""
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
            details = "\n".join([*failures, tail(log, 12), tail(self.folder / "logs" / "emulator.log", 3)])
            raise StartupFailed(f"sam {command} failed, see {log}\n{details}")

    def _make_deployment_bucket(self) -> None:
        """Create the bucket named in [local] of samconfig.toml; sam would take long to create its own."""
        self.client("s3").create_bucket(Bucket=DEPLOYMENT_BUCKET)

    def _wait_for_contract(self, line: str) -> None:
        """Wait until the contract that the deployment uploaded has created its table."""

        def applied() -> bool:
            with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"claimwatch.claim_{line}"])
                row = cursor.fetchone()
                return bool(row and row[0])

        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('claimwatch.file')")
            if cursor.fetchone() == (None,):
                report_progress("Not waiting for a contract: the schema has no ledger")
                return
        report_progress(f"Waiting for the contract of line {line}")
        if not wait_until(applied, seconds=60, every=0.25):
            raise StartupFailed(f"the contract of line {line} was not applied: see {self.folder / 'logs'}")

    def _write_stack(self) -> None:
        details = {
            "endpoint_url": self.endpoint_url,
            "region": REGION,
            "database_url": self.database_url,
            "desk_url": self.desk_url,
            "outputs": self.outputs,
            "users": [asdict(user) for user in self.users],
        }
        servers.write_atomically(self.folder / "stack.json", json.dumps(details, indent=2))
