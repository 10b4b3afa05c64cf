"""Runs one server, and stops it with all its descendants when the parent process stops or dies.

The parent holds the other end of this process's standard input. When that end is closed, by a normal stop or
by the death of the parent, the server gets its stop signal, time to end, and then SIGKILL. If this process
itself is killed, the kernel sends the stop signal to the server. It runs isolated (`python -I -S`) and uses
the standard library only.
"""

import argparse
import contextlib
import ctypes
import os
import pwd
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def descendants() -> list[int]:
    """Return the children of this process, including orphans of the server, which it adopts as subreaper."""
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except OSError:
        return []


def main() -> int:
    """Start the command, print its pid, and wait until it ends or the parent closes standard input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", required=True, help="file to which the server's output is appended")
    parser.add_argument("--stop", default="SIGTERM", help="signal that asks the server to stop")
    parser.add_argument("--grace", type=float, default=15.0, help="seconds between that signal and SIGKILL")
    parser.add_argument("--user", help="system user to run as; requires root")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    stop_signal = signal.Signals[options.stop]

    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    wake, woken = os.pipe()
    for end in (wake, woken):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(woken)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)

    account = pwd.getpwnam(options.user) if options.user else None
    with open(options.log, "ab", buffering=0) as log:
        server = subprocess.Popen(
            options.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, int(stop_signal)),  # noqa: PLW1509 no threads here
        )
    print(server.pid, flush=True)

    while server.poll() is None:
        ready, _, _ = select.select([0, wake], [], [])
        stop_requested = 0 in ready and not os.read(0, 1)
        if wake in ready:
            stop_requested = stop_requested or bool(set(os.read(wake, 64)) - {signal.SIGCHLD})
        if stop_requested:
            server.send_signal(stop_signal)
            try:
                server.wait(options.grace)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()

    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    # PostgreSQL's backends have their own sessions; at this point they are children of this process.
    for _ in range(20):
        remaining = descendants()
        if not remaining:
            break
        for pid in remaining:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        time.sleep(0.01)
    return server.returncode if server.returncode >= 0 else 128 - server.returncode


if __name__ == "__main__":
    sys.exit(main())
