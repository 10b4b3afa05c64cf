"""Runs the tools of .venv-analysis, which `make analysis` installs."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from release.errors import ReleaseRefused
from release.version import PROJECT

TOOLS = PROJECT / ".venv-analysis" / "bin"


def run_tool(
    name: str, arguments: Sequence[str], *, timeout: float, folder: Path = PROJECT
) -> subprocess.CompletedProcess[str]:
    """Run a tool and return what it printed; raises `ReleaseRefused` if it is not installed or hangs."""
    tool = TOOLS / name
    if not tool.exists():
        raise ReleaseRefused(f"{tool.relative_to(PROJECT)} is missing; `make analysis` installs it")
    try:
        return subprocess.run(
            [str(tool), *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"PYTHONWARNINGS": "ignore"},
        )
    except subprocess.TimeoutExpired:
        raise ReleaseRefused(f"{name} did not end within {timeout:.0f} s") from None


def run_program(command: Sequence[str], folder: Path, *, timeout: float = 120) -> str:
    """Return what a program of the machine printed, whatever its exit status; nothing if it hangs."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=timeout
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout
