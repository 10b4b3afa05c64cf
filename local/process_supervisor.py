"""Runs one server and ends it, with all its descendants, when the process that asked for it is gone.

The parent holds the other end of this process's standard input: when that closes, by a normal stop or because
the parent died in whatever way, the server gets its stop signal, time to end, and then SIGKILL. Should this
process itself be killed, the kernel sends the server its stop signal. Runs alone (python -I -S): standard
library only.
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
    """Children of this process: orphans of the server are among them, as it reaps for its whole tree."""
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except OSError:
        return []


def main() -> int:
    """Start the command, print its pid, and stay until it ends or the parent lets go."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", required=True, help="file that the server's output is added to")
    parser.add_argument("--stop", default="SIGTERM", help="the signal that asks the server to end")
    parser.add_argument("--grace", type=float, default=15.0, help="seconds between that signal and SIGKILL")
    parser.add_argument("--user", help="system user to run as; only root can")
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
        asked_to_end = 0 in ready and not os.read(0, 1)
        if wake in ready:
            asked_to_end = asked_to_end or bool(set(os.read(wake, 64)) - {signal.SIGCHLD})
        if asked_to_end:
            server.send_signal(stop_signal)
            try:
                server.wait(options.grace)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()

    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    # PostgreSQL's backends have sessions of their own; they are this process's children by now.
    for _ in range(20):
        left = descendants()
        if not left:
            break
        for pid in left:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        time.sleep(0.01)
    return server.returncode if server.returncode >= 0 else 128 - server.returncode


if __name__ == "__main__":
    sys.exit(main())
