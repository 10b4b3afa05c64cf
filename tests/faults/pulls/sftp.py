"""The source in an OpenSSH server: files that grow, are replaced and are deleted while they are pulled."""

import atexit
import itertools
import os
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from tests.faults.pulls.schedule import WRITERS, SftpSchedule
from tests.sshd import SftpServer

_NUMBERS = itertools.count(1)
STALLED = 0.7
"""Seconds without growth after which a file may rightly count as settled, which takes a second."""


@cache
def _server() -> SftpServer:
    """Start the server of all schedules of this process; it ends with the process."""
    folder = tempfile.TemporaryDirectory(prefix="claimwatch-sftp-")
    server = SftpServer(Path(folder.name)).start()
    atexit.register(folder.cleanup)
    atexit.register(server.stop)
    return server


class SftpOrigin:
    """A folder of a server."""

    def __init__(self) -> None:
        self._server = _server()
        self._name = f"s{os.getpid()}-{next(_NUMBERS)}"
        self.folder = self._server.files / self._name
        self.folder.mkdir(mode=0o755)
        self.files = f"{self._name}/*.csv"
        self.secret = {**self._server.secret}
        self.host_keys = self._server.host_keys

    def terminate_readers(self) -> None:
        """Break all connections off."""
        self._server.restart()

    def restart(self, mode: str) -> None:  # noqa: ARG002 - it has one way to stop
        """Restart the server."""
        self._server.restart()

    def mark(self) -> int:
        """Return a mark of this moment."""
        return 0

    def reached(self, position: object, mark: int) -> bool:  # noqa: ARG002 - files have no position
        """Return whether everything was pulled."""
        return True

    def drop(self) -> None:
        """Remove the files."""
        for path in self.folder.iterdir():
            path.unlink()
        self.folder.rmdir()

    def contents(self) -> dict[str, bytes]:
        """Return the files as they are."""
        return {f"{self._name}/{path.name}": path.read_bytes() for path in self.folder.glob("*.csv")}


@dataclass(frozen=True)
class _Upload:
    name: str
    content: bytes


class FileWriters:
    """Threads that upload files piece by piece, replace and delete them."""

    def __init__(self, schedule: SftpSchedule, origin: SftpOrigin) -> None:
        self.done: Counter[str] = Counter()
        self.problems: list[str] = []
        self.complete: dict[str, set[bytes]] = {}
        """By path: all contents that a writer has finished."""
        self.stalled: set[str] = set()
        """Paths whose growth paused for so long that they may rightly count as settled."""
        self._schedule, self._origin = schedule, origin
        self._revisions = itertools.count(1)
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(WRITERS)]

    def fill(self) -> None:
        """Store the first files."""
        draw = self._schedule.random("first files")
        for number in range(draw.choice((0, 2, 5))):
            self._upload(draw, f"first-{number}.csv", at_once=True)

    def start(self) -> None:
        """Start to write."""
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait for the last upload."""
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        draw = self._schedule.random("writer", number)
        names: list[str] = []
        try:
            for count in range(draw.randint(3, 5)):
                time.sleep(draw.uniform(0, 0.15))
                kind = draw.choice(("new", "new", "replace", "delete")) if names else "new"
                if kind == "delete":
                    self._delete(names.pop())
                else:
                    name = draw.choice(names) if kind == "replace" else f"w{number} {count}.csv"
                    names = [*{*names, name}]
                    self._upload(draw, name, at_once=draw.random() < 0.3)
                self.done[kind] += 1
        except Exception as error:  # noqa: BLE001 - a thread has nobody who would see it
            self.problems.append(f"a writer failed: {type(error).__name__}: {error}"[:300])

    def _upload(self, draw: Random, name: str, *, at_once: bool) -> None:
        path = self._origin.folder / name
        content = self._content(draw)
        key = f"{self._origin.folder.name}/{name}"
        with suppress(FileNotFoundError):
            self._marker(path).unlink()
        if at_once:
            part = path.with_suffix(".part")
            part.write_bytes(content)
            self.complete.setdefault(key, set()).add(content)
            part.rename(path)
        else:
            size = max(1, len(content) // draw.randint(2, 5))
            self.complete.setdefault(key, set()).add(content)
            with path.open("wb") as file:
                last = time.monotonic()
                for at in range(0, len(content), size):
                    time.sleep(draw.uniform(0, 0.12))
                    file.write(content[at : at + size])
                    file.flush()
                    now = time.monotonic()
                    if now - last > STALLED:
                        self.stalled.add(key)
                    last = now
        if self._schedule.marker:
            self._marker(path).touch()

    def _delete(self, name: str) -> None:
        path = self._origin.folder / name
        with suppress(FileNotFoundError):
            self._marker(path).unlink()
        path.unlink()

    def _content(self, draw: Random) -> bytes:
        """Return a content of a new length: a change of the same size in one second is not visible."""
        revision = next(self._revisions)
        rows = "".join(f"C-{revision}-{row},{row}\n" for row in range(draw.randint(5, 120)))
        return f"claim_id,amount\n{rows}X-{revision},{'9' * revision}\n".encode()

    def _marker(self, path: Path) -> Path:
        return path.with_name(f"{path.name}.done")


class NaiveFiles:
    """The control: takes each file with a newer time than the newest so far, as it is at that moment."""

    def __init__(self, origin: SftpOrigin) -> None:
        self._origin, self._last = origin, 0
        self._pulled: dict[str, bytes] = {}

    def pull(self) -> None:
        """Take what is newer."""
        newest = self._last
        for path in self._origin.folder.glob("*.csv"):
            with suppress(FileNotFoundError):
                modified = int(path.stat().st_mtime)
                if modified > self._last:
                    self._pulled[f"{self._origin.folder.name}/{path.name}"] = path.read_bytes()
                    newest = max(newest, modified)
        self._last = newest

    def missed(self) -> int:
        """Return how many files it does not have as they are now."""
        return sum(self._pulled.get(path) != content for path, content in self._origin.contents().items())
