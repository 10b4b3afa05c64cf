"""A place where photos are dropped, received and deleted, with a decoder that reads what a test wrote."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from claimwatch.aws.events import CreatedObject, DeletedObject
from claimwatch.aws.objects import ObjectRef
from claimwatch.domain.photos.photo import Photo
from claimwatch.errors import RefusedPhoto
from claimwatch.photos.receive import Dependencies, Outcome, receive, withdraw
from claimwatch.storage.connection import Database
from local.filesystem_object_store import FilesystemObjectStore

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
BUCKET = "landing"


def picture(phash: int | None = 0, **facts: Any) -> bytes:
    """What the decoder of the tests takes for a photo with this hash."""
    return json.dumps({"phash": phash, **facts}).encode()


@dataclass
class ReadingDecoder:
    """Takes JSON for a photo and anything else for none."""

    examined: int = 0
    fault: Exception | None = None

    def examine(self, data: bytes) -> Photo:
        self.examined += 1
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        try:
            facts = json.loads(data)
        except ValueError as error:
            raise RefusedPhoto("it is no photo") from error
        plain: dict[str, Any] = {
            "format": "JPEG",
            "width": 4000,
            "height": 3000,
            "frames": 1,
            "taken_at": None,
            "latitude": None,
            "longitude": None,
            "display": b"display of " + data,
            "thumbnail": b"thumbnail of " + data,
        }
        return Photo(**plain | facts)


class CountedObjects(FilesystemObjectStore):
    """Objects in a folder, and how often one was read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.reads = 0
        self.asked_to: int | None = None

    def read(self, ref: ObjectRef, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        self.reads += 1
        self.asked_to = end
        return super().read(ref, start, end)


@dataclass
class Studio:
    """Receives photos on a database, with everything else in memory or in a folder."""

    database: Database
    folder: Path
    decoder: ReadingDecoder = field(default_factory=ReadingDecoder)

    def __post_init__(self) -> None:
        self.objects = CountedObjects(self.folder)

    def drop(
        self, key: str, data: bytes | None = None, *, second: int = 0, sequencer: str = "0A"
    ) -> CreatedObject:
        """Drop an object; gives the event that S3 would send."""
        body = picture() if data is None else data
        ref = self.objects.write(BUCKET, key, [body])
        return CreatedObject(ref, len(body), sequencer, NOON + timedelta(seconds=second))

    def receive(self, created: CreatedObject, database: Database | None = None) -> Outcome:
        return receive(Dependencies(database or self.database, self.objects, self.decoder), created)

    def stored(self, key: str, data: bytes | None = None, **when: Any) -> Outcome:
        """Drop an object and receive it."""
        outcome = self.receive(self.drop(key, data, **when))
        assert outcome.status == "stored", outcome
        return outcome

    def withdraw(
        self, ref: ObjectRef, *, permanent: bool, second: int = 0, sequencer: str = "0A"
    ) -> DeletedObject:
        deleted = DeletedObject(ref, sequencer, NOON + timedelta(seconds=second), permanent)
        withdraw(self.database, deleted)
        return deleted

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.database.transaction() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def current(self) -> list[tuple[str, str]]:
        """Key and version of the photos that are shown."""
        return [
            (key, version)
            for key, version in self.rows("SELECT key, version_id FROM current_claim_image ORDER BY 1, 2")
        ]

    def refused(self) -> list[tuple[str | None, str]]:
        return [
            (event_id, reason)
            for event_id, reason in self.rows("SELECT event_id, reason FROM image_rejected")
        ]

    def matches(self) -> list[tuple[str, str, int]]:
        return [
            (event, other, distance)
            for event, other, distance in self.rows(
                "SELECT event_id, other_event_id, distance FROM image_match ORDER BY 1, 2"
            )
        ]
