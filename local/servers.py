"""The servers of a stack: kept by this process, or by a supervisor that `make up` leaves behind.

`servers.json` in the stack's folder says what runs, by pid and start time; whoever finds it can end it all.
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
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import psutil

from local.emulator import PROJECT, Emulator, aws_client, laptop_environment
from local.postgres import PostgresServer
from local.processes import GuardedProcess, ProcessMark, StartupFailed, say, tail, wait_until

SECRET_NAME = "claimwatch-laptop-database"


@dataclass(frozen=True)
class Running:
    """What a stack's servers are reached by, and the processes that keep them."""

    endpoint_url: str
    database_url: str
    keeper: ProcessMark
    guards: tuple[ProcessMark, ...]

    def alive(self) -> bool:
        """Whether every one of these processes still runs."""
        return self.keeper.alive() and all(guard.alive() for guard in self.guards)


class Servers:
    """PostgreSQL, the emulator and its instances, kept by this process. Usable as a context manager."""

    def __init__(self, folder: Path) -> None:
        """Nothing starts yet. Logs go to logs/ below the folder."""
        self.folder = folder.resolve()
        self.postgres = PostgresServer(self.folder / "postgres", log=self.folder / "logs" / "postgresql.log")
        self.emulator = Emulator(self.folder / "emulator", log=self.folder / "logs" / "emulator.log")
        self._instances: GuardedProcess | None = None

    def start(self) -> Running:
        """Start them, empty: the emulator remembers nothing, so the database must not remember more."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.postgres.remove()
        for log in (self.postgres.log, self.emulator.log):
            log.unlink(missing_ok=True)
        try:
            self.postgres.start()
            self.emulator.start()
            self._instances = self._look_after_instances()
            running = Running(
                self.emulator.endpoint_url,
                self.postgres.url,
                ProcessMark.of(os.getpid()),
                (self.postgres.guard.mark, self.emulator.guard.mark, self._instances.mark),
            )
            write_atomically(self.folder / "servers.json", json.dumps(asdict(running), indent=2))
        except BaseException:
            self.stop()
            raise
        return running

    def stop(self) -> None:
        """Stop all, with every worker, and forget them and their data: the next start is empty anyway."""
        instances, self._instances = self._instances, None
        if instances is not None:
            instances.stop()
        shutil.rmtree(self.folder / "instances", ignore_errors=True)
        self.emulator.stop()
        self.postgres.remove()
        for name in ("servers.json", "stack.json"):
            (self.folder / name).unlink(missing_ok=True)

    def running(self) -> bool:
        """Whether they still run."""
        looked_after = self._instances is not None and self._instances.running()
        return self.postgres.running() and self.emulator.running() and looked_after

    def _look_after_instances(self) -> GuardedProcess:
        folder = self.folder / "instances"
        shutil.rmtree(folder, ignore_errors=True)
        return GuardedProcess(
            [sys.executable, "-m", "local.instances", self.emulator.endpoint_url, str(folder)],
            log=self.folder / "logs" / "instances.log",
            env=laptop_environment(self.emulator.endpoint_url),
            cwd=PROJECT,
        )

    def __enter__(self) -> Self:
        """Start both."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop both."""
        self.stop()


def recorded(folder: Path) -> Running | None:
    """What servers.json tells of, running or not; None when there is none."""
    try:
        told = json.loads((folder / "servers.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    marks = [ProcessMark(**mark) for mark in [told["keeper"], *told["guards"]]]
    return Running(told["endpoint_url"], told["database_url"], marks[0], tuple(marks[1:]))


def detach(folder: Path) -> Running:
    """Servers that stay when this process ends: those that run already, or new ones under a supervisor."""
    running = recorded(folder)
    if running is not None and running.alive():
        say("PostgreSQL and the emulator run already")
        return running
    end(folder)
    log = folder / "logs" / "supervisor.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    say("Starting PostgreSQL and the AWS emulator")
    with log.open("wb") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "local.servers", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=PROJECT,
            start_new_session=True,
        )

    def came_up() -> bool:
        now = recorded(folder)
        return now is not None and now.alive()

    wait_until(lambda: came_up() or supervisor.poll() is not None, seconds=120)
    running = recorded(folder)
    if running is None or not running.alive():
        supervisor.terminate()
        supervisor.wait()
        raise StartupFailed(f"the servers did not start; {log} ends with\n{tail(log)}")
    return running


def end(folder: Path) -> bool:
    """End what servers.json tells of, however it was started; False when there was nothing."""
    running = recorded(folder)
    if running is None:
        return False
    marks = [running.keeper, *running.guards]
    found = any(mark.alive() for mark in marks)
    if running.keeper.pid != os.getpid():
        running.keeper.send(signal.SIGTERM)
        if not wait_until(lambda: not running.keeper.alive(), seconds=45):
            running.keeper.send(signal.SIGKILL)
    # A keeper that was killed has let go of its lifelines, and they are ending their servers now.
    if not wait_until(lambda: not any(guard.alive() for guard in running.guards), seconds=30):
        for guard in running.guards:
            guard.send(signal.SIGTERM)
        wait_until(lambda: not any(guard.alive() for guard in running.guards), seconds=20)
    # Its parent is gone, so it stays a zombie until init looks; then nothing at all is left of it.
    wait_until(lambda: not psutil.pid_exists(running.keeper.pid), seconds=5)
    for name in ("servers.json", "stack.json"):
        (folder / name).unlink(missing_ok=True)
    return found


def publish_database_secret(endpoint_url: str, database_url: str) -> str:
    """Put the database's credentials where functions look for them; the secret's ARN."""
    url = urlsplit(database_url)
    value = json.dumps(
        {
            "host": url.hostname,
            "port": url.port,
            "dbname": url.path.lstrip("/"),
            "username": url.username,
            "password": url.password,
            "sslmode": "disable",  # this build of PostgreSQL knows no TLS; without a word it is "require"
        }
    )
    secrets = aws_client("secretsmanager", endpoint_url)
    try:
        arn: str = secrets.create_secret(Name=SECRET_NAME, SecretString=value)["ARN"]
    except secrets.exceptions.ResourceExistsException:
        arn = secrets.put_secret_value(SecretId=SECRET_NAME, SecretString=value)["ARN"]
    return arn


@contextlib.contextmanager
def exclusively(folder: Path) -> Iterator[None]:
    """Hold the stack's folder, so that `up` and `down` of the same stack take turns."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_atomically(path: Path, text: str) -> None:
    """Write a file that only we can read, whole or not at all."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
    new.replace(path)


def supervise(folder: Path) -> int:
    """Keep both servers until told to end, or until one of them ends by itself."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    with Servers(folder) as servers:
        while not asked.wait(1.0):
            if not servers.running():
                say("a server ended by itself: see the other logs in this folder")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(supervise(Path(sys.argv[1])))
