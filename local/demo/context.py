"""What every act works with: the stack, a screen, and ways to drop files, to wait and to ask."""

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from local import servers
from local.processes import say
from local.stack import LaptopStack

PATIENCE = 300.0
"""Seconds that anything may take; a cold start of every function takes about ten on two cores."""

EVERY = 0.25
"""Seconds between looks."""

ENDED = ("committed", "refused", "failed", "parked")
PARTS = ("claims", "outcomes", "images")
"""What a key begins with."""

FILES = """
SELECT file_id, key, version_id, status, rows_read, rows_loaded, rows_quarantined,
       extract(epoch FROM committed_at - received_at), error
FROM claimwatch.file WHERE version_id = ANY(%s) ORDER BY received_at, file_id
"""


class DemoFailed(RuntimeError):
    """Something is not as it should be; the message says what."""


@dataclass(frozen=True)
class FileRow:
    """A file of the demo as the ledger has it."""

    file_id: int
    key: str
    version_id: str
    status: str
    rows_read: int | None
    rows_loaded: int | None
    rows_quarantined: int | None
    seconds: float | None
    error: str | None

    @property
    def name(self) -> str:
        """The last part of its key, with what it holds."""
        return f"{self.key.split('/', 1)[0]} {self.key.rsplit('/', 1)[-1]}"


@dataclass(frozen=True)
class Stage:
    """The running stack, and where people look."""

    stack: LaptopStack
    out: Console

    @property
    def folder(self) -> Path:
        """Where the demo writes."""
        return self.stack.folder / "demo"

    def clear(self) -> None:
        """Begin anew: end a stack that has a demo of before, but none that holds somebody's own files."""
        running = servers.recorded(self.stack.folder)
        if running is not None and running.alive():
            held, known = _dropped_into(running.database_url), self._dropped_before()
            if held - known:
                raise DemoFailed(
                    f"The stack that runs holds {len(held - known):,} files that the demo did not drop there."
                    "\n`make down` ends it, and forgets them; then `make demo` begins anew."
                )
            if held:
                say("A demo was shown here before: ending its stack, to begin anew")
                self.stack.down()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def act(self, title: str) -> None:
        """A line before each act."""
        self.out.print()
        self.out.rule(f"[bold]{title}", align="left")

    def drop(self, paths: Sequence[Path], *, quiet: bool = False) -> list[str]:
        """Put files into the landing bucket as an insurer's systems would; their versions."""
        s3, bucket = self.stack.client("s3"), self.stack.outputs["LandingBucket"]
        versions: list[str] = []
        for path in paths:
            key = _key_of(path)
            if not quiet:
                say(f"Dropping s3://{bucket}/{key}")
            versions.append(s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())["VersionId"])
        with self._notebook.open("a") as notebook:
            notebook.writelines(f"{version}\n" for version in versions)
        return versions

    def ended(self, versions: list[str]) -> list[FileRow]:
        """The files when the ledger says that all have ended; raises ``DemoFailed`` when one did not load."""
        files: list[FileRow] = []

        def all_ended() -> bool:
            files[:] = [FileRow(*row) for row in self.query(FILES, versions)]
            return len(files) == len(versions) and all(row.status in ENDED for row in files)

        self.wait(
            all_ended,
            lambda: ", ".join(f"{row.name} {row.status}" for row in files[:4]) or "Waiting for the pipeline",
        )
        for row in files:
            if row.status != "committed":
                raise DemoFailed(f"{row.key} is {row.status}: {row.error}")
            if row.rows_read != (row.rows_loaded or 0) + (row.rows_quarantined or 0):
                raise DemoFailed(f"{row.key}: rows were lost: {row}")
        return files

    def wait(self, holds: Callable[[], bool], doing: Callable[[], str], seconds: float = PATIENCE) -> None:
        """Wait until it holds, and say what is being done; raises ``DemoFailed`` when patience ends."""
        deadline = time.monotonic() + seconds
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("", total=None)
            while not holds():
                progress.update(task, description=doing()[:80])
                if time.monotonic() > deadline:
                    raise DemoFailed(f"after {seconds:.0f} s still: {doing()}")
                time.sleep(EVERY)

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of one query, on a connection of its own."""
        with contextlib.closing(self.stack.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def command(self, *arguments: str) -> dict[str, Any]:
        """What `claimwatch` answers; raises ``DemoFailed`` with what it says where it does not end well."""
        return self.watched(arguments, lambda: f"claimwatch {arguments[0]}")

    def watched(
        self, arguments: Sequence[str], doing: Callable[[], str], seconds: float = PATIENCE
    ) -> dict[str, Any]:
        """The same of a command that takes its time; ``doing`` says how far it is."""
        command = f"claimwatch {' '.join(_quoted(word) for word in arguments)}"
        say(f"$ {command}")
        # Into files: what a pipe holds would fill up, for nobody reads before the end.
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            with subprocess.Popen(
                [str(Path(sys.executable).with_name("claimwatch")), *arguments, "--json"],
                cwd=self.stack.folder.parent,  # where somebody would call it: the stack is found from there
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
            ) as process:
                try:
                    self.wait(lambda: process.poll() is not None, doing, seconds)
                finally:
                    process.terminate()
            output.seek(0)
            errors.seek(0)
            said, complained = output.read(), errors.read()
        try:
            told: dict[str, Any] = json.loads(said)
        except json.JSONDecodeError:
            told = {}
        if process.returncode or not told:
            why = told.get("error") or told.get("missing") or complained.strip()
            raise DemoFailed(f"`{command}` ended with {process.returncode}: {why}")
        return told

    @property
    def _notebook(self) -> Path:
        """The versions of all that was dropped, one a line."""
        return self.folder / "dropped"

    def _dropped_before(self) -> set[str]:
        return set(self._notebook.read_text().split()) if self._notebook.exists() else set()


def _dropped_into(database_url: str) -> set[str]:
    """The versions of all files that a stack has taken; none, if it has no schema yet."""
    with contextlib.closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('claimwatch.file') IS NOT NULL")
        if cursor.fetchone() != (True,):
            return set()
        cursor.execute(
            "SELECT version_id FROM claimwatch.file UNION SELECT version_id FROM claimwatch.claim_image"
        )
        return {version for (version,) in cursor.fetchall()}


def _key_of(path: Path) -> str:
    """Where a file of the demo goes: its path from the last of ``PARTS`` on."""
    start = max(place for place, word in enumerate(path.parts) if word in PARTS)
    return "/".join(path.parts[start:])


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word
