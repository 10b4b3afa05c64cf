"""Step 2: photos of damage arrive; one of them is used for two claims, and one is broken."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from local.demo.book import MotorBook
from local.demo.context import DemoContext
from local.processes import report_progress

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
    """The database rows of the dropped photos."""

    stored: list[tuple[Any, ...]]
    refused: list[tuple[Any, ...]]

    def __len__(self) -> int:
        return len(self.stored) + len(self.refused)


def run(demo: DemoContext, book: MotorBook) -> None:
    """Drop the photos, wait for them and print which were stored, refused and reused."""
    demo.heading("2. Photos of damage arrive")
    paths = book.photos()
    report_progress(f"Dropping {len(paths)} photos under s3://{demo.stack.outputs['LandingBucket']}/images/")
    versions = demo.drop(paths, quiet=True)
    photos = Photos([], [])

    def all_processed() -> bool:
        nonlocal photos
        photos = Photos(demo.query(STORED, versions), demo.query(REFUSED, versions))
        return len(photos) == len(versions)

    demo.wait(all_processed, lambda: f"{len(photos)} of {len(versions)} photos processed")
    ((joined,),) = demo.query(JOINED, [row[0] for row in photos.stored])
    demo.out.print(summary(photos))
    demo.out.print(
        f"Every photo is either stored or refused; {joined} of {len(photos.stored)} stored photos are joined"
        " with a claim."
    )


def summary(photos: Photos) -> Table:
    """Return a table of stored, refused and reused photos."""
    formats = Counter(row[2] for row in photos.stored)
    reused = [row for row in photos.stored if row[3]]
    table = Table(title="Photos", title_justify="left")
    table.add_column("", overflow="fold")
    table.add_column("photos", justify="right")
    table.add_column("details", overflow="fold")
    table.add_row(
        "stored",
        str(len(photos.stored)),
        ", ".join(f"{count} {name}" for name, count in sorted(formats.items())),
    )
    table.add_row(
        "refused", str(len(photos.refused)), "\n".join(f"{key}: {reason}" for key, reason in photos.refused)
    )
    table.add_row(
        "reused",
        str(len(reused)),
        "\n".join(f"{row[1]} resembles a photo of {', '.join(row[3])}" for row in reused),
    )
    return table
