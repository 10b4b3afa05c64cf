"""A week of sample claims and photos through the whole application, and what became of each row and photo."""

import contextlib
import shutil
import subprocess
import sys
import time
from collections import Counter
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
PHOTOS = ("--events", "8", "--longest", "1600")
ENDED = ("committed", "refused", "failed", "parked")
PATIENCE = 300.0  # seconds; a cold start of every function takes about ten on two cores

FILES = """
SELECT file_id, key, version_id, status, rows_read, rows_loaded, rows_quarantined,
       extract(epoch FROM committed_at - received_at), error
FROM claimwatch.file WHERE version_id = ANY(%s) ORDER BY received_at, file_id
"""

STORED = """
SELECT image_id, key, format, ARRAY(
    SELECT DISTINCT other_event_id FROM claimwatch.image_match AS m WHERE m.image_id = i.image_id ORDER BY 1
)
FROM claimwatch.claim_image AS i WHERE version_id = ANY(%s) ORDER BY key
"""
REFUSED = """
SELECT key, reason FROM claimwatch.image_rejected WHERE version_id = ANY(%s) ORDER BY key
"""
JOINED = """
SELECT count(*) FROM claimwatch.image_of_claim_motor WHERE image_id = ANY(%s)
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


@dataclass(frozen=True)
class Photos:
    """What became of the demo's photos."""

    stored: list[tuple[Any, ...]]
    refused: list[tuple[Any, ...]]
    joined: int
    """Of those stored, how many are joined with their claims."""

    def __len__(self) -> int:
        return len(self.stored) + len(self.refused)


def show(stack: LaptopStack) -> int:
    """Bring the stack up, drop the week, wait for it and print what became of it; 1 if something failed."""
    out = Console()
    stack.up()
    week, pictures = write_week(stack.folder / "demo"), write_photos(stack.folder / "demo")
    versions = drop(stack, week)
    say(f"Dropping {len(pictures)} photos under s3://{stack.outputs['LandingBucket']}/images/")
    photo_versions = put(stack, pictures)
    files = wait_for(stack, versions)
    photos = wait_for_photos(stack, photo_versions)
    out.print()
    out.print(summary(files))
    reasons = reasons_of(stack, files)
    if reasons.row_count:
        out.print(reasons)
    lost = [row for row in files if row.rows_read != (row.rows_loaded or 0) + (row.rows_quarantined or 0)]
    if len(files) == len(versions) and not lost:
        out.print("Every row that was read is either loaded or in quarantine.\n")
    out.print(photo_summary(photos))
    if len(photos) == len(photo_versions):
        out.print(
            f"Every photo is either stored or refused; {photos.joined} of {len(photos.stored)} stored are"
            " joined with a claim.\n"
        )
    dirty = next((row.file_id for row in files if row.rows_quarantined), files[0].file_id if files else 1)
    out.print(
        f"""It goes on running; its logs are in {stack.folder / "logs"}. Try next:
  .venv/bin/claimwatch files                              the ledger
  .venv/bin/claimwatch quarantine {dirty:<6}                  each refused row, with every reason
  .venv/bin/claimwatch quarantine {dirty} --export fixed.csv   mend the file and drop it again
  .venv/bin/claimwatch infer FILE                         a draft contract for a file of yours
  .venv/bin/claimwatch images                             photos: stored, refused, used again
  make down                                               end it all""",
        highlight=False,
        soft_wrap=True,
    )
    loaded = len(files) == len(versions) and all(row.status == "committed" for row in files)
    return 0 if loaded and len(photos) == len(photo_versions) else 1


def write_week(folder: Path) -> list[Path]:
    """The generator's files, in the order in which they are sent."""
    say("Writing a week of sample claims")
    shutil.rmtree(folder, ignore_errors=True)
    generate("book", *WEEK, "--out", str(folder))
    sent = [path for part in ("claims", "outcomes") for path in (folder / part).rglob("*") if path.is_file()]
    return sorted(sent, key=lambda path: (path.stat().st_mtime_ns, path.name))


def write_photos(folder: Path) -> list[Path]:
    """Photos of some of the week's claims, one of them used twice and one broken."""
    say("Drawing photos of damage")
    generate("photos", *PHOTOS, "--out", str(folder))
    return sorted(path for path in (folder / "images").rglob("*") if path.is_file())


def generate(*arguments: str) -> None:
    """Have the sample generator write something."""
    command = [sys.executable, "-m", "samples", *arguments]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StartupFailed(f"the sample generator failed:\n{done.stderr}")


def drop(stack: LaptopStack, paths: list[Path]) -> list[str]:
    """Put files into the landing bucket as an insurer's systems would; their versions."""
    for path in paths:
        say(f"Dropping s3://{stack.outputs['LandingBucket']}/{key_of(stack, path)}")
    return put(stack, paths)


def put(stack: LaptopStack, paths: list[Path]) -> list[str]:
    """Put files into the landing bucket; their versions."""
    s3, bucket = stack.client("s3"), stack.outputs["LandingBucket"]
    return [
        s3.put_object(Bucket=bucket, Key=key_of(stack, path), Body=path.read_bytes())["VersionId"]
        for path in paths
    ]


def key_of(stack: LaptopStack, path: Path) -> str:
    """Where a file of the demo's folder goes."""
    return path.relative_to(stack.folder / "demo").as_posix()


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


def wait_for_photos(stack: LaptopStack, versions: list[str]) -> Photos:
    """Wait until every photo is stored or refused, or patience has ended."""
    deadline = time.monotonic() + PATIENCE
    while True:
        stored, refused = query(stack, STORED, [versions]), query(stack, REFUSED, [versions])
        ended = len(stored) + len(refused) >= len(versions)
        if ended or time.monotonic() > deadline:
            ((joined,),) = query(stack, JOINED, [[row[0] for row in stored]])
            return Photos(stored, refused, joined)
        time.sleep(0.25)


def photo_summary(photos: Photos) -> Table:
    """How many were stored; what was refused and what is used again, one by one."""
    formats = Counter(row[2] for row in photos.stored)
    again = [row for row in photos.stored if row[3]]
    table = Table(title="What became of the photos", title_justify="left")
    table.add_column("", overflow="fold")
    table.add_column("photos", justify="right")
    table.add_column("which", overflow="fold")
    table.add_row(
        "stored",
        str(len(photos.stored)),
        ", ".join(f"{count} {name}" for name, count in sorted(formats.items())),
    )
    table.add_row(
        "refused", str(len(photos.refused)), "\n".join(f"{key}: {reason}" for key, reason in photos.refused)
    )
    table.add_row(
        "used again",
        str(len(again)),
        "\n".join(f"{row[1]} is like a photo of {', '.join(row[3])}" for row in again),
    )
    return table


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
