"""The servers of a stack, owned by this process or by a supervisor that `make up` leaves running.

`servers.json` in the stack's folder identifies the processes by pid and start time, so that any later process
can stop them.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import psutil

from local.emulator import PROJECT, Emulator, aws_client, laptop_environment
from local.postgres import PostgresServer
from local.processes import GuardedProcess, ProcessMark, StartupFailed, report_progress, tail, wait_until

STACK_NAME = "claimwatch"


@dataclass(frozen=True)
class RunningServers:
    """The addresses of the servers, the process that owns them, and their supervisors.

    `desk_url` is the address of the desk for browsers. `databases` maps the name of each stack to the libpq
    URL of its database, for its owner.
    """

    endpoint_url: str
    desk_url: str
    databases: Mapping[str, str]
    owner: ProcessMark
    guards: tuple[ProcessMark, ...]

    @property
    def database_url(self) -> str:
        """The libpq URL of the database of the first stack."""
        return next(iter(self.databases.values()))

    def alive(self) -> bool:
        """Return whether all of these processes still run."""
        return self.owner.alive() and all(guard.alive() for guard in self.guards)


class Servers:
    """PostgreSQL, the emulator and its instances, owned by this process; usable as a context manager.

    Each stack has a PostgreSQL server of its own, because the logins of tasks belong to a whole server.
    """

    def __init__(self, folder: Path, stacks: Sequence[str] = (STACK_NAME,)) -> None:
        """Prepare the servers without starting them. Logs go to `logs/` below the folder."""
        self.folder = folder.resolve()
        self.databases = {
            stack: PostgresServer(
                self.folder / "postgres" / stack,
                log=self.folder / "logs" / f"postgresql{stack.removeprefix(STACK_NAME)}.log",
            )
            for stack in stacks
        }
        self.emulator = Emulator(self.folder / "emulator", log=self.folder / "logs" / "emulator.log")
        self._instances: GuardedProcess | None = None

    @property
    def postgres(self) -> PostgresServer:
        """The database server of the first stack."""
        return next(iter(self.databases.values()))

    def start(self) -> RunningServers:
        """Start the servers with empty databases, because the state of the emulator is empty, too."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for server in self.databases.values():
            server.remove()
        for log in (self.emulator.log, *(server.log for server in self.databases.values())):
            log.unlink(missing_ok=True)
        try:
            for server in self.databases.values():
                server.start()
            self.emulator.start()
            self._instances = self._start_instances()
            guards = (*(server.guard for server in self.databases.values()), self.emulator.guard)
            running = RunningServers(
                self.emulator.endpoint_url,
                self.emulator.viewers_url,
                {stack: server.url for stack, server in self.databases.items()},
                ProcessMark.of(os.getpid()),
                (*(guard.mark for guard in guards), self._instances.mark),
            )
            write_atomically(self.folder / "servers.json", json.dumps(asdict(running), indent=2))
        except BaseException:
            self.stop()
            raise
        return running

    def stop(self) -> None:
        """Stop all servers and delete their data, which the next start would not use."""
        instances, self._instances = self._instances, None
        if instances is not None:
            instances.stop()
        shutil.rmtree(self.folder / "instances", ignore_errors=True)
        self.emulator.stop()
        for server in self.databases.values():
            server.remove()
        for name in ("servers.json", "stack.json"):
            (self.folder / name).unlink(missing_ok=True)

    def running(self) -> bool:
        """Return whether all servers run."""
        instances_run = self._instances is not None and self._instances.running()
        databases_run = all(server.running() for server in self.databases.values())
        return databases_run and self.emulator.running() and instances_run

    def _start_instances(self) -> GuardedProcess:
        folder = self.folder / "instances"
        shutil.rmtree(folder, ignore_errors=True)
        return GuardedProcess(
            [sys.executable, "-m", "local.instances", self.emulator.endpoint_url, str(folder)],
            log=self.folder / "logs" / "instances.log",
            env=laptop_environment(self.emulator.endpoint_url),
            cwd=PROJECT,
        )

    def __enter__(self) -> Self:
        """Start the servers."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the servers."""
        self.stop()


def recorded(folder: Path) -> RunningServers | None:
    """Return the servers recorded in servers.json, running or not; None if there is no record."""
    try:
        record = json.loads((folder / "servers.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    marks = [ProcessMark(**mark) for mark in [record["owner"], *record["guards"]]]
    return RunningServers(
        record["endpoint_url"], record.get("desk_url", ""), record["databases"], marks[0], tuple(marks[1:])
    )


def start_detached(folder: Path) -> RunningServers:
    """Return servers that outlive this process: the recorded ones if they run, otherwise new ones."""
    running = recorded(folder)
    if running is not None and running.alive():
        report_progress("PostgreSQL and the emulator are already running")
        return running
    stop_recorded(folder)
    log = folder / "logs" / "supervisor.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    report_progress("Starting PostgreSQL and the AWS emulator")
    with log.open("wb") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "local.servers", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=PROJECT,
            start_new_session=True,
        )

    def started() -> bool:
        now = recorded(folder)
        return now is not None and now.alive()

    wait_until(lambda: started() or supervisor.poll() is not None, seconds=120)
    running = recorded(folder)
    if running is None or not running.alive():
        supervisor.terminate()
        supervisor.wait()
        raise StartupFailed(f"the servers did not start; {log} ends with\n{tail(log)}")
    return running


def stop_recorded(folder: Path) -> bool:
    """Stop the servers recorded in servers.json; return False if none was running."""
    running = recorded(folder)
    if running is None:
        return False
    marks = [running.owner, *running.guards]
    found = any(mark.alive() for mark in marks)
    if running.owner.pid != os.getpid():
        running.owner.send(signal.SIGTERM)
        if not wait_until(lambda: not running.owner.alive(), seconds=45):
            running.owner.send(signal.SIGKILL)
    # If the owner was killed, its supervisors are stopping their servers now.
    if not wait_until(lambda: not any(guard.alive() for guard in running.guards), seconds=30):
        for guard in running.guards:
            guard.send(signal.SIGTERM)
        wait_until(lambda: not any(guard.alive() for guard in running.guards), seconds=20)
    # An orphaned owner stays a zombie until init reaps it.
    wait_until(lambda: not psutil.pid_exists(running.owner.pid), seconds=5)
    for name in ("servers.json", "stack.json"):
        (folder / name).unlink(missing_ok=True)
    return found


def publish_database_secret(running: RunningServers, stack: str = STACK_NAME) -> str:
    """Store the credentials of a stack's database in the secret that its functions read; return its ARN."""
    name, url = f"{stack}-laptop-database", urlsplit(running.databases[stack])
    value = json.dumps(
        {
            "host": url.hostname,
            "port": url.port,
            "dbname": url.path.lstrip("/"),
            "username": url.username,
            "password": url.password,
            "sslmode": "disable",  # this build of PostgreSQL has no TLS; the default would be "require"
        }
    )
    secrets = aws_client("secretsmanager", running.endpoint_url)
    try:
        arn: str = secrets.create_secret(Name=name, SecretString=value)["ARN"]
    except secrets.exceptions.ResourceExistsException:
        arn = secrets.put_secret_value(SecretId=name, SecretString=value)["ARN"]
    return arn


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Lock the stack's folder, so that `up` and `down` of the same stack do not overlap."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_atomically(path: Path, text: str) -> None:
    """Write a file completely or not at all, readable by its owner only."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
    new.replace(path)


def supervise(folder: Path) -> int:
    """Run the servers until SIGTERM or SIGINT, or until one of them ends unexpectedly."""
    stop_requested = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop_requested.set())
    with Servers(folder) as servers:
        while not stop_requested.wait(1.0):
            if not servers.running():
                report_progress("a server ended unexpectedly: see the other logs in this folder")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(supervise(Path(sys.argv[1])))
