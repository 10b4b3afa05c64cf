"""A week of sample claims through the whole pipeline, and what became of every row."""

import contextlib
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from claimwatch.storage import quarantine
from local.emulator import PROJECT
from local.processes import StartupFailed, say
from local.stack import LaptopStack

# A usual week, a bit dirtier: 1 in 50 rows is bad, some claims come twice, and the file is sent again.
WEEK = ("--weeks", "1", "--rows", "5000", "--dirt", "0.02", "--duplicates", "0.002", "--repeat", "0")
ENDED = ("committed", "refused", "failed", "parked")
PATIENCE = 300.0  # seconds; a cold start of every function takes about ten on two cores

FILES = """
SELECT file_id, key, version_id, status, rows_read, rows_loaded, rows_quarantined,
       extract(epoch FROM committed_at - received_at), error
FROM claimwatch.file WHERE version_id = ANY(%s) ORDER BY received_at, file_id
"""


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


def show(stack: LaptopStack) -> int:
    """Bring the stack up, drop the week, wait for it and print what became of it; 1 if a file failed."""
    out = Console()
    stack.up()
    versions = drop(stack, write_week(stack.folder / "demo"))
    files = wait_for(stack, versions)
    out.print()
    out.print(summary(files))
    reasons = reasons_of(stack, files)
    if reasons.row_count:
        out.print(reasons)
    lost = [row for row in files if row.rows_read != (row.rows_loaded or 0) + (row.rows_quarantined or 0)]
    if len(files) == len(versions) and not lost:
        out.print("Every row that was read is either loaded or in quarantine.\n")
    dirty = next((row.file_id for row in files if row.rows_quarantined), files[0].file_id if files else 1)
    out.print(
        f"""It goes on running; its logs are in {stack.folder / "logs"}. Try next:
  .venv/bin/claimwatch files                              the ledger
  .venv/bin/claimwatch quarantine {dirty:<6}                  each refused row, with every reason
  .venv/bin/claimwatch quarantine {dirty} --export fixed.csv   mend the file and drop it again
  .venv/bin/claimwatch infer FILE                         a draft contract for a file of yours
  make down                                               end it all""",
        highlight=False,
        soft_wrap=True,
    )
    return 0 if len(files) == len(versions) and all(row.status == "committed" for row in files) else 1


def write_week(folder: Path) -> list[Path]:
    """The generator's files, in the order in which they are sent."""
    say("Writing a week of sample claims")
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "samples", "book", *WEEK, "--out", str(folder)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StartupFailed(f"the sample generator failed:\n{done.stderr}")
    sent = [path for part in ("claims", "outcomes") for path in (folder / part).rglob("*") if path.is_file()]
    return sorted(sent, key=lambda path: (path.stat().st_mtime_ns, path.name))


def drop(stack: LaptopStack, paths: list[Path]) -> list[str]:
    """Put files into the landing bucket as an insurer's systems would; their versions."""
    s3 = stack.client("s3")
    versions = []
    for path in paths:
        key = path.relative_to(stack.folder / "demo").as_posix()
        say(f"Dropping s3://{stack.outputs['LandingBucket']}/{key}")
        answer = s3.put_object(Bucket=stack.outputs["LandingBucket"], Key=key, Body=path.read_bytes())
        versions.append(answer["VersionId"])
    return versions


def wait_for(stack: LaptopStack, versions: list[str]) -> list[FileRow]:
    """Watch the ledger until every file has ended, or patience has."""
    deadline = time.monotonic() + PATIENCE
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Waiting for the pipeline", total=None)
        while True:
            files = [FileRow(*row) for row in query(stack, FILES, [versions])]
            ended = [row for row in files if row.status in ENDED]
            started = [f"{row.key.rsplit('/', 1)[-1]} {row.status}" for row in files]
            progress.update(task, description=", ".join(started) or "Waiting for the pipeline")
            if len(ended) == len(versions) or time.monotonic() > deadline:
                return files
            time.sleep(0.25)


def summary(files: list[FileRow]) -> Table:
    """What became of each file."""
    table = Table(title="What became of the week", title_justify="left")
    table.add_column("file", justify="right")
    table.add_column("key", overflow="fold")
    table.add_column("status")
    for name in ("read", "loaded", "quarantined", "seconds"):
        table.add_column(name, justify="right")
    for row in files:
        counts = (row.rows_read, row.rows_loaded, row.rows_quarantined)
        table.add_row(
            str(row.file_id),
            row.key,
            row.status,
            *("" if count is None else f"{count:,}" for count in counts),
            "" if row.seconds is None else f"{row.seconds:.1f}",
        )
        if row.error:
            table.add_row("", row.error)
    return table


def reasons_of(stack: LaptopStack, files: list[FileRow]) -> Table:
    """Why rows were refused, the most frequent reasons of each file first."""
    table = Table(title="Why rows are in quarantine", title_justify="left")
    table.add_column("file", justify="right")
    table.add_column("rows", justify="right")
    table.add_column("column")
    table.add_column("reason", overflow="fold")
    with contextlib.closing(stack.connect()) as connection, connection.cursor() as cursor:
        for row in files:
            for reason in quarantine.most_frequent_reasons(cursor, row.file_id):
                table.add_row(
                    str(row.file_id), str(reason["rows"]), reason["column_name"] or "", reason["example"]
                )
    return table


def query(stack: LaptopStack, sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    """Rows of one query, on a connection of its own."""
    with contextlib.closing(stack.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
