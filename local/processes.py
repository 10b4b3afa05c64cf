"""Supervised processes, and identification of processes that is safe against reused pids."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

PROCESS_SUPERVISOR = Path(__file__).with_name("process_supervisor.py")


class StartupFailed(RuntimeError):
    """A server did not start; the message ends with the last lines of its log."""


def report_progress(text: str) -> None:
    """Print a line of progress to standard error; standard output is for results."""
    print(text, file=sys.stderr, flush=True)


def free_port() -> int:
    """Return a loopback TCP port that is currently free."""
    [port] = free_ports(1)
    return port


def free_ports(count: int) -> list[int]:
    """Return different loopback TCP ports that are currently free."""
    with contextlib.ExitStack() as open_probes:
        probes = [open_probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def wait_until(condition: Callable[[], bool], seconds: float, every: float = 0.05) -> bool:
    """Poll a condition until it is true; return False after the time limit."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def responds(url: str) -> bool:
    """Return whether a server on this machine answers with status 200."""
    # Connect directly, even if the environment names a proxy.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def tail(path: Path, lines: int = 20) -> str:
    """Return the last lines of a log, or an empty string if it does not exist."""
    with contextlib.suppress(OSError):
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    return ""


@dataclass(frozen=True)
class ProcessMark:
    """Identity of one process: its pid, and its start time in seconds since the epoch."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> "ProcessMark":
        """Return the mark of a running process; raises `psutil.NoSuchProcess` if there is none."""
        return cls(pid, psutil.Process(pid).create_time())

    def alive(self) -> bool:
        """Return whether exactly this process still runs."""
        try:
            process = psutil.Process(self.pid)
            same: bool = abs(process.create_time() - self.started) < 0.5
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def send(self, number: signal.Signals) -> None:
        """Send a signal to exactly this process, if it still runs."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


class GuardedProcess:
    """A supervised server: it cannot outlive this process, and all its descendants end with it."""

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
        """Start the server. `grace` is the time from the stop signal to SIGKILL; `user` requires root."""
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
        with self._guard.stdout as supervisor_output:
            pid_line = supervisor_output.readline()
        if not pid_line:
            self.stop()
            raise StartupFailed(f"{command[0]} could not be started\n{tail(log)}")
        self.pid = int(pid_line)
        self.mark = ProcessMark.of(self._guard.pid)

    def running(self) -> bool:
        """Return whether the server runs."""
        return self._guard.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the server itself."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self, seconds: float) -> bool:
        """Wait for the end of the server; return False after the time limit."""
        try:
            self._guard.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """Stop the server and its descendants, and wait until they have ended."""
        if self._guard.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._guard.stdin.close()
        if not self.wait(self._grace + 15):
            self._guard.kill()
            self._guard.wait()
