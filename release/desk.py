"""`python -m release desk`: builds the web application in ui/ into layers/desk/built, if its sources changed.

It needs Node.js. Where that is missing, everything else is deployed, and the page of the desk says so.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from release.errors import ReleaseRefused
from release.tree import deployed_files
from release.version import PROJECT

OLDEST_NODE = (20, 19)
"""The oldest Node.js that Vite runs on."""

INSTALL_NODE = "Install Node.js 20.19 or later with npm, and repeat the command."

MISSING = f"The desk is not built, and everything else is deployed without it. {INSTALL_NODE}"

UI = Path("ui")
BUILT = Path("layers", "desk", "built")


def desk(
    required: Annotated[
        bool, typer.Option("--required", help="Fail without Node.js instead of leaving the desk out.")
    ] = False,
) -> None:
    """Build the web application if its sources changed."""
    if not build_desk(PROJECT):
        if required:
            raise ReleaseRefused(f"The desk is not built, and a release needs it. {INSTALL_NODE}")
        print(MISSING, file=sys.stderr)


def check_desk() -> None:
    """Compare the types with openapi.json, check and test the web application; it needs Node.js."""
    if not node_is_there():
        raise ReleaseRefused(f"The desk is not checked. {INSTALL_NODE}")
    install_packages(PROJECT / UI)
    _npm(PROJECT / UI, "run", "check")
    _npm(PROJECT / UI, "test")


def build_desk(project: Path) -> bool:
    """Build the web application unless it is built; return False, and leave nothing built, without Node.js.

    Raises `ReleaseRefused` if the build fails.
    """
    built, sources = project / BUILT, ui_sha256(project)
    mark = built / "sources"
    if mark.exists() and mark.read_text() == sources:
        return True
    shutil.rmtree(built, ignore_errors=True)
    if not node_is_there():
        return False
    print("Building the desk (npm)", file=sys.stderr)
    install_packages(project / UI)
    site = built / "site"
    _npm(project / UI, "run", "build", "--", "--outDir", str(site), "--emptyOutDir")
    if not (site / "index.html").exists():
        raise ReleaseRefused("npm run build wrote no index.html")
    mark.write_text(sources)
    return True


def install_packages(folder: Path) -> None:
    """Install the packages of a folder, each verified by its hash, unless they are those of its lock file."""
    installed = folder / "node_modules" / ".claimwatch"
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    if installed.exists() and installed.read_text() == wanted:
        return
    _npm(folder, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    installed.write_text(wanted)


def node_is_there() -> bool:
    """Return whether Node.js is on PATH, with npm, and new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return False
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.(\d+)\.", answer)
    return version is not None and (int(version[1]), int(version[2])) >= OLDEST_NODE


def ui_sha256(project: Path) -> str:
    """Return the hash of the sources of the web application."""
    digest = hashlib.sha256()
    for path in deployed_files(project, UI.name):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(project).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _npm(folder: Path, *arguments: str) -> None:
    """Run npm in a folder; raises `ReleaseRefused` with the end of its output if it fails."""
    npm = shutil.which("npm") or "npm"
    # In CI, npm and its tools ask nothing and draw no progress.
    done = subprocess.run(
        [npm, *arguments],
        cwd=folder,
        env=os.environ | {"CI": "true", "NO_COLOR": "1", "NO_UPDATE_NOTIFIER": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
        lines = said if len(said) <= 20 else [*said[:10], "...", *said[-10:]]
        raise ReleaseRefused("\n".join([f"npm {arguments[0]} failed in {folder.name}/:", *lines]))
