"""An environment in which tests drop, receive and delete photos, with a fake decoder."""

import json
from collections.abc import Iterator, Sequence
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
from tests.cluster import ClonedDatabase

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
BUCKET = "landing"


def picture(phash: int | None = 0, **properties: Any) -> bytes:
    """Return bytes that `FakeDecoder` decodes to a photo with this hash and these properties.

    Photos show the same unless they have different ``shows``.
    """
    return json.dumps({"phash": phash, **properties}).encode()


@dataclass
class FakeDecoder:
    """Decodes JSON to a photo and refuses anything else; raises ``fault`` once if it is set."""

    calls: int = 0
    compared: list[int] = field(default_factory=list)
    fault: Exception | None = None
    taken_at: datetime | None = None
    taken_at_local: datetime | None = None

    def examine(self, data: bytes) -> Photo:
        self.calls += 1
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        try:
            properties = json.loads(data)
        except ValueError as error:
            raise RefusedPhoto("it is not a photo") from error
        defaults: dict[str, Any] = {
            "format": "JPEG",
            "width": 4000,
            "height": 3000,
            "frames": 1,
            "gradients": 0,
            "taken_at": self.taken_at,
            "taken_at_local": self.taken_at_local,
            "latitude": None,
            "longitude": None,
            "display": b"display of " + data,
            "thumbnail": b"thumbnail of " + data,
        }
        return Photo(**defaults | {name: value for name, value in properties.items() if name != "shows"})

    def compare(self, thumbnail: bytes, others: Sequence[bytes]) -> list[int | None]:
        """Return 0 for pictures that show the same, else 99."""
        self.compared.append(len(others))
        return [0 if _shows(thumbnail) == _shows(other) else 99 for other in others]


def _shows(thumbnail: bytes) -> Any:
    return json.loads(thumbnail.removeprefix(b"thumbnail of ")).get("shows")


class CountingObjectStore(FilesystemObjectStore):
    """Objects in a folder, with the number of reads and the end of the last one."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.reads = 0
        self.last_end: int | None = None

    def read(self, ref: ObjectRef, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        self.reads += 1
        self.last_end = end
        return super().read(ref, start, end)


@dataclass
class PhotoEnvironment:
    """Receives photos with a real database, objects in a folder and a fake decoder."""

    database: ClonedDatabase
    folder: Path
    decoder: FakeDecoder = field(default_factory=FakeDecoder)

    def __post_init__(self) -> None:
        self.objects = CountingObjectStore(self.folder)

    def drop(
        self, key: str, data: bytes | None = None, *, second: int = 0, sequencer: str = "0A"
    ) -> CreatedObject:
        """Drop an object and return the event that S3 would send."""
        body = picture() if data is None else data
        ref = self.objects.write(BUCKET, key, [body])
        return CreatedObject(ref, len(body), sequencer, NOON + timedelta(seconds=second))

    def receive(self, created: CreatedObject, database: Database | None = None) -> Outcome:
        return receive(
            Dependencies(database or self.database.as_task("photos"), self.objects, self.decoder), created
        )

    def store(self, key: str, data: bytes | None = None, **when: Any) -> Outcome:
        """Drop and receive an object that must be stored."""
        outcome = self.receive(self.drop(key, data, **when))
        assert outcome.status == "stored", outcome
        return outcome

    def withdraw(
        self, ref: ObjectRef, *, permanent: bool, second: int = 0, sequencer: str = "0A"
    ) -> DeletedObject:
        deleted = DeletedObject(ref, sequencer, NOON + timedelta(seconds=second), permanent)
        withdraw(self.database.as_task("photos"), deleted)
        return deleted

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.database.transaction() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def current(self) -> list[tuple[Any, ...]]:
        """Return key and version of the photos in `current_claim_image`."""
        return self.rows("SELECT key, version_id FROM current_claim_image ORDER BY 1, 2")

    def refused(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT event_id, reason FROM image_rejected")

    def matches(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT event_id, other_event_id, distance FROM image_match ORDER BY 1, 2")
