"""A store of pointers in a folder, in place of Parameter Store."""

import json
import os
import threading
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from claimwatch.aws.published import Pointer


class PointerFiles:
    """One file for each line; a write replaces the whole file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, line: str) -> Pointer | None:
        """Return the pointer of a line; None if there is none."""
        path = self._path(line)
        return Pointer.parse(path.read_text("utf-8"), line) if path.exists() else None

    def put(self, pointer: Pointer) -> None:
        written = self._folder / f"unfinished-{os.getpid()}-{threading.get_ident()}"
        written.write_text(json.dumps(asdict(pointer)), "utf-8")
        written.replace(self._path(pointer.line))

    def delete(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._path(line).unlink(missing_ok=True)

    def lines(self) -> set[str]:
        return {path.stem for path in self._folder.glob("*.json")}

    def _path(self, line: str) -> Path:
        return self._folder / f"{line}.json"
