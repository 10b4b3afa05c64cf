"""The processes of the contestants."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.images_worker import CONTESTANTS, LONGEST, QUALITY

SHARP = Path(__file__).with_name("sharp")
NAMES = (*CONTESTANTS, "sharp")


class Missing(Exception):
    """A requirement of a contestant is not installed."""


class Contestant:
    """One warm single-threaded process."""

    def __init__(self, name: str, folder: Path) -> None:
        command = (
            _sharp(folder) if name == "sharp" else [sys.executable, "-m", "benchmarks.images_worker", name]
        )
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"VIPS_CONCURRENCY": "1"},
        )
        self.versions: dict[str, str] = self._ask("versions")
        """Versions of software outside this Python environment."""

    def shrink(self, photos: list[Path]) -> float:
        """Shrink all photos and return the seconds."""
        return float(self._ask("shrink", [str(photo) for photo in photos])["seconds"])

    def display(self, photo: Path, to: Path) -> Path:
        """Write a photo's display copy to a file and return its path."""
        self._ask("display", str(photo), str(to))
        return to

    def peak(self) -> int:
        """Return the peak memory of the process in bytes."""
        status = Path(f"/proc/{self._process.pid}/status").read_text("ascii")
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024

    def _ask(self, *request: Any) -> Any:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{request[0]} failed; see the output above")
        return json.loads(answer)

    def close(self) -> None:
        """End the process."""
        with self._process as process:
            if process.stdin is not None:
                process.stdin.close()


@contextmanager
def contestants(
    names: list[str], folder: Path, say: Callable[[str], None]
) -> Iterator[dict[str, Contestant]]:
    """Start a process for each contestant; omit and report contestants that cannot run here."""
    found: dict[str, Contestant] = {}
    try:
        for name in names:
            try:
                found[name] = Contestant(name, folder)
            except Missing as missing:
                say(f"{name} is omitted: {missing}")
        yield found
    finally:
        for contestant in found.values():
            contestant.close()


def _sharp(folder: Path) -> list[str]:
    """Install the packages of the lock file with npm and return the command of sharp's process."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        raise Missing("node and npm are not on PATH")
    own = folder / "sharp"
    own.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "contestant.js"):
        shutil.copyfile(SHARP / name, own / name)
    done = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund"], cwd=own, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Missing(f"npm ci failed: {done.stderr.strip().splitlines()[-1:]}")
    return [node, str(own / "contestant.js"), str(LONGEST), str(QUALITY)]
