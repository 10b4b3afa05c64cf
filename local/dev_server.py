"""The desk from its sources, for its developers: Vite's server, in front of the laptop's stack."""

import contextlib
import json
import shutil
import time
from pathlib import Path

from local import servers
from local.emulator import PROJECT, laptop_environment
from local.processes import GuardedProcess, report_progress, responds, tail, wait_until
from local.stack import CALLBACK_URL
from release.desk import INSTALL_NODE, UI, install_packages, node_is_there

PORT = 8400
"""The port of `CALLBACK_URL`, to which the sign-in page may return."""

STARTUP_TIMEOUT = 60.0


def serve_desk_until_interrupted(folder: Path) -> int:
    """Serve the desk until Ctrl-C; return 1 if there is no stack, no Node.js, or if the server ends."""
    running = servers.recorded(folder)
    if running is None or not running.alive() or not (folder / "stack.json").exists():
        report_progress("Nothing is running. `make up` starts it.")
        return 1
    npm = shutil.which("npm")
    if npm is None or not node_is_there():
        report_progress(f"The desk is not served. {INSTALL_NODE}")
        return 1
    install_packages(PROJECT / UI)
    log = folder / "logs" / "desk.log"
    log.unlink(missing_ok=True)
    command = [npm, "run", "dev", "--", "--host", "127.0.0.1", "--port", str(PORT), "--strictPort"]
    environment = laptop_environment(running.endpoint_url) | {"CLAIMWATCH_DESK": running.desk_url}
    report_progress("Starting Vite")
    server = GuardedProcess(command, log=log, env=environment, cwd=PROJECT / UI, grace=5)
    with contextlib.ExitStack() as at_the_end:
        at_the_end.callback(server.stop)
        wait_until(lambda: responds(CALLBACK_URL) or not server.running(), STARTUP_TIMEOUT, every=0.2)
        if server.running():
            print(f"Desk         {CALLBACK_URL}  (reloads when ui/ changes; Ctrl-C stops it)", flush=True)
            for user in json.loads((folder / "stack.json").read_text("utf-8"))["users"]:
                print(f"{user['name']:<12} {user['password']}  ({user['group']})", flush=True)
        while server.running():
            time.sleep(1)
    report_progress(f"Vite ended unexpectedly; {log} ends with\n{tail(log)}")
    return 1
