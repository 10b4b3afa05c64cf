"""The second act: photos of damage, one of them used for two claims and one broken."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from local.demo.book import MotorBook
from local.demo.context import Stage
from local.processes import say

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
class Photos:
    """What became of the photos."""

    stored: list[tuple[Any, ...]]
    refused: list[tuple[Any, ...]]

    def __len__(self) -> int:
        return len(self.stored) + len(self.refused)


def play(stage: Stage, book: MotorBook) -> None:
    """Drop the photos, wait for them and print what became of each."""
    stage.act("2. Photos of damage come in")
    pictures = book.photos()
    say(f"Dropping {len(pictures)} photos under s3://{stage.stack.outputs['LandingBucket']}/images/")
    versions = stage.drop(pictures, quiet=True)
    found = Photos([], [])

    def all_taken() -> bool:
        nonlocal found
        found = Photos(stage.query(STORED, versions), stage.query(REFUSED, versions))
        return len(found) == len(versions)

    stage.wait(all_taken, lambda: f"{len(found)} of {len(versions)} photos taken")
    ((joined,),) = stage.query(JOINED, [row[0] for row in found.stored])
    stage.out.print(summary(found))
    stage.out.print(
        f"Every photo is either stored or refused; {joined} of {len(found.stored)} stored are joined with a"
        " claim."
    )


def summary(photos: Photos) -> Table:
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
