"""What every step of the demo uses: the stack, the console, and ways to drop files, wait and query."""

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
from local.processes import report_progress
from local.stack import LaptopStack

TIMEOUT = 300.0
"""Seconds to wait for one result; a cold start of every function takes about ten on two cores."""

POLL_INTERVAL = 0.25
"""Seconds."""

FINAL_STATUSES = ("committed", "refused", "failed", "parked")
PREFIXES = ("claims", "outcomes", "images")
"""The first segments of keys in the landing bucket."""

FILES = """
SELECT file_id, key, version_id, status, rows_read, rows_loaded, rows_quarantined,
       extract(epoch FROM committed_at - received_at), error
FROM claimwatch.file WHERE version_id = ANY(%s) ORDER BY received_at, file_id
"""


class DemoFailed(RuntimeError):
    """A result is not as expected; the message describes it."""


@dataclass(frozen=True)
class FileRow:
    """The ledger row of a file that the demo dropped."""

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
        """The first and the last segment of the key."""
        return f"{self.key.split('/', 1)[0]} {self.key.rsplit('/', 1)[-1]}"


@dataclass(frozen=True)
class DemoContext:
    """The running stack, and the console that shows results."""

    stack: LaptopStack
    out: Console

    @property
    def folder(self) -> Path:
        """The folder of the demo's own files."""
        return self.stack.folder / "demo"

    def prepare(self) -> None:
        """Stop the stack of an earlier demo; raises ``DemoFailed`` if the stack contains other files."""
        running = servers.recorded(self.stack.folder)
        if running is not None and running.alive():
            stored, dropped = _stored_versions(running.database_url), self._dropped_before()
            if stored - dropped:
                raise DemoFailed(
                    f"The running stack contains {len(stored - dropped):,} files that the demo did not drop."
                    "\n`make down` stops it and deletes them; then run `make demo` again."
                )
            if stored:
                report_progress("Stopping the stack of an earlier demo")
                self.stack.down()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def heading(self, title: str) -> None:
        """Print the heading of a step."""
        self.out.print()
        self.out.rule(f"[bold]{title}", align="left")

    def drop(self, paths: Sequence[Path], *, quiet: bool = False) -> list[str]:
        """Put files into the landing bucket, as an insurer's systems would; return their version ids."""
        s3, bucket = self.stack.client("s3"), self.stack.outputs["LandingBucket"]
        versions: list[str] = []
        for path in paths:
            key = _key_of(path)
            if not quiet:
                report_progress(f"Dropping s3://{bucket}/{key}")
            versions.append(s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())["VersionId"])
        return self.adopt(versions)

    def adopt(self, versions: list[str]) -> list[str]:
        """Count objects as dropped by the demo, such as those of a pull; return their version ids."""
        with self._dropped_versions.open("a") as dropped:
            dropped.writelines(f"{version}\n" for version in versions)
        return versions

    def wait_for_files(self, versions: list[str]) -> list[FileRow]:
        """Return the ledger rows when all files are processed; raises ``DemoFailed`` if one did not load."""
        files: list[FileRow] = []

        def all_processed() -> bool:
            files[:] = [FileRow(*row) for row in self.query(FILES, versions)]
            return len(files) == len(versions) and all(row.status in FINAL_STATUSES for row in files)

        self.wait(
            all_processed,
            lambda: ", ".join(f"{row.name} {row.status}" for row in files[:4]) or "Waiting for the pipeline",
        )
        for row in files:
            if row.status != "committed":
                raise DemoFailed(f"{row.key} is {row.status}: {row.error}")
            if row.rows_read != (row.rows_loaded or 0) + (row.rows_quarantined or 0):
                raise DemoFailed(f"{row.key}: rows were lost: {row}")
        return files

    def wait(
        self, condition: Callable[[], bool], activity: Callable[[], str], seconds: float = TIMEOUT
    ) -> None:
        """Wait for a condition and show the current activity; raises ``DemoFailed`` after the time limit."""
        deadline = time.monotonic() + seconds
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("", total=None)
            while not condition():
                progress.update(task, description=activity()[:80])
                if time.monotonic() > deadline:
                    raise DemoFailed(f"not finished after {seconds:.0f} s: {activity()}")
                time.sleep(POLL_INTERVAL)

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of one query, over its own connection."""
        with contextlib.closing(self.stack.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def command(self, *arguments: str) -> dict[str, Any]:
        """Run `claimwatch` and return its JSON output; raises ``DemoFailed`` with its error if it fails."""
        return self.command_with_progress(arguments, lambda: f"claimwatch {arguments[0]}")

    def command_with_progress(
        self, arguments: Sequence[str], activity: Callable[[], str], seconds: float = TIMEOUT
    ) -> dict[str, Any]:
        """Run a long `claimwatch` command like ``command``, and show ``activity`` meanwhile."""
        command = f"claimwatch {' '.join(_quoted(word) for word in arguments)}"
        report_progress(f"$ {command}")
        # Into files: a pipe would fill up, because it is not read before the command ends.
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            with subprocess.Popen(
                [str(Path(sys.executable).with_name("claimwatch")), *arguments, "--json"],
                cwd=self.stack.folder.parent,  # the command line finds the stack from here
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
            ) as process:
                try:
                    self.wait(lambda: process.poll() is not None, activity, seconds)
                finally:
                    process.terminate()
            output.seek(0)
            errors.seek(0)
            written, messages = output.read(), errors.read()
        try:
            result: dict[str, Any] = json.loads(written)
        except json.JSONDecodeError:
            result = {}
        if process.returncode or not result:
            reason = result.get("error") or result.get("missing") or messages.strip()
            raise DemoFailed(f"`{command}` ended with exit code {process.returncode}: {reason}")
        return result

    @property
    def _dropped_versions(self) -> Path:
        """The file with the version ids of all dropped objects, one per line."""
        return self.folder / "dropped"

    def _dropped_before(self) -> set[str]:
        return set(self._dropped_versions.read_text().split()) if self._dropped_versions.exists() else set()


def _stored_versions(database_url: str) -> set[str]:
    """Return the version ids of all files in a stack; none if it has no schema yet."""
    with contextlib.closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('claimwatch.file') IS NOT NULL")
        if cursor.fetchone() != (True,):
            return set()
        cursor.execute(
            "SELECT version_id FROM claimwatch.file UNION SELECT version_id FROM claimwatch.claim_image"
        )
        return {version for (version,) in cursor.fetchall()}


def _key_of(path: Path) -> str:
    """Return the key of a file: its path from the last of ``PREFIXES``."""
    start = max(place for place, word in enumerate(path.parts) if word in PREFIXES)
    return "/".join(path.parts[start:])


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word
