"""Processes that end when they should, and are told apart from others that later got the same pid."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

PROCESS_SUPERVISOR = Path(__file__).with_name("process_supervisor.py")


class StartupFailed(RuntimeError):
    """A server did not come up; the message ends with what it last said."""


def say(text: str) -> None:
    """A line of progress. Standard output is left to results."""
    print(text, file=sys.stderr, flush=True)


def free_port() -> int:
    """A loopback TCP port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(holds: Callable[[], bool], seconds: float, every: float = 0.05) -> bool:
    """Poll until it holds; False when the time is up."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def tail(path: Path, lines: int = 20) -> str:
    """The last lines of a log, or nothing when there is none."""
    with contextlib.suppress(OSError):
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    return ""


@dataclass(frozen=True)
class ProcessMark:
    """One process for good: its pid and when it started, in seconds since the epoch."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> "ProcessMark":
        """The mark of a running process; psutil.NoSuchProcess when there is none."""
        return cls(pid, psutil.Process(pid).create_time())

    def alive(self) -> bool:
        """Whether that very process still runs."""
        try:
            process = psutil.Process(self.pid)
            same: bool = abs(process.create_time() - self.started) < 0.5
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def send(self, number: signal.Signals) -> None:
        """Signal that very process, if it still runs."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


class GuardedProcess:
    """A server behind a lifeline: it cannot outlive this process, and its whole tree ends with it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str],
        cwd: Path,
        stop: signal.Signals = signal.SIGTERM,
        grace: float = 15.0,
        user: str | None = None,
    ) -> None:
        """Start it. `grace` is in seconds, from the stop signal to SIGKILL; `user` needs root."""
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        self._grace = grace
        guard = [sys.executable, "-I", "-S", str(PROCESS_SUPERVISOR), "--log", str(log)]
        guard += ["--stop", stop.name, "--grace", str(grace)]
        guard += ["--user", user] if user else []
        with log.open("ab") as errors:
            self._guard = subprocess.Popen(
                [*guard, "--", *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
            )
        assert self._guard.stdout is not None
        with self._guard.stdout as first_words:
            line = first_words.readline()
        if not line:
            self.stop()
            raise StartupFailed(f"{command[0]} could not be started\n{tail(log)}")
        self.pid = int(line)
        self.mark = ProcessMark.of(self._guard.pid)

    def running(self) -> bool:
        """Whether the server has not ended."""
        return self._guard.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Signal the server itself."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self, seconds: float) -> bool:
        """Wait for its end; False when the time is up."""
        try:
            self._guard.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """Let go of the lifeline and wait until the server and its descendants are gone."""
        if self._guard.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._guard.stdin.close()
        if not self.wait(self._grace + 15):
            self._guard.kill()
            self._guard.wait()
