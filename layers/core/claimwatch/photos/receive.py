"""A photo has come or was deleted: it becomes evidence, or a row that says why not."""

import hashlib
import unicodedata
from dataclasses import dataclass
from typing import Literal, Protocol

from claimwatch.aws.events import CreatedObject, DeletedObject, sortable
from claimwatch.aws.objects import ObjectMissing, ObjectStore
from claimwatch.domain.photos.perceptual_hash import MATCH_DISTANCE
from claimwatch.domain.photos.photo import Photo
from claimwatch.errors import RefusedPhoto, TransientFault
from claimwatch.storage import images
from claimwatch.storage.connection import Database

PREFIX = "images/"

MAX_BYTES = 64 << 20
"""Of a photo; the largest that telephones write have a quarter of it."""

MAX_EVENT_ID = 200
"""Characters."""


class Examiner(Protocol):
    """What looks into the bytes of a photo."""

    def examine(self, data: bytes) -> Photo:
        """The photo; ``RefusedPhoto`` if it is none or cannot be decoded within the limits."""


@dataclass(frozen=True)
class Dependencies:
    """What receiving photos works with."""

    database: Database
    objects: ObjectStore
    decoder: Examiner


@dataclass(frozen=True)
class Outcome:
    """What became of an object version.

    ``status`` is ``stored``, ``refused`` with the reason, ``known`` (it had come before) or ``ignored`` (it
    is no photo's place). ``matches`` counts the photos of other events that it is like.
    """

    status: Literal["stored", "refused", "known", "ignored"]
    image_id: int | None = None
    reason: str | None = None
    matches: int = 0


def receive(deps: Dependencies, created: CreatedObject) -> Outcome:
    """Store the photo of an object version or record why it is refused, once however often it is asked for.

    Raises ``TransientFault`` where the same call may succeed later; nothing is recorded then.
    """
    if not created.ref.key.startswith(PREFIX) or _is_folder_marker(created):
        return Outcome("ignored")
    version = _version(created)
    known = _find(deps.database, version)
    if known.image_id is not None or known.refused_because is not None:
        return Outcome("known", known.image_id, known.refused_because)
    try:
        found: images.Copies | str = _examined(deps, created, version, gone=known.gone)
    except RefusedPhoto as refusal:
        found = str(refusal)
    return _settle_with_retry(deps.database, version, found)


def withdraw(database: Database, deleted: DeletedObject) -> None:
    """Record that a photo was deleted, once however often it is asked for; the views follow, evidence stays.

    It may be asked for before the photo itself comes.
    """
    if not deleted.ref.key.startswith(PREFIX):
        return
    deletion = images.Deletion(
        bucket=deleted.ref.bucket,
        key=_storable(deleted.ref.key),
        version_id=deleted.ref.version_id,
        sequencer=sortable(deleted.sequencer),
        deleted_at=deleted.deleted_at,
        permanent=deleted.permanent,
    )
    with database.transaction() as cursor:
        images.add_deletion(cursor, deletion)


# -- What it is ----------------------------------------------------------------------------------------------


def _is_folder_marker(created: CreatedObject) -> bool:
    return created.ref.key.endswith("/") and created.size_bytes == 0


def _version(created: CreatedObject) -> images.Version:
    return images.Version(
        event_id=event_id_of(created.ref.key),
        bucket=created.ref.bucket,
        key=_storable(created.ref.key),
        version_id=created.ref.version_id,
        sequencer=sortable(created.sequencer),
        received_at=created.created_at,
    )


def event_id_of(key: str) -> str | None:
    """The event id in ``images/<event id>/<name>``; None if the key names none that could be a claim's."""
    event_id, _, name = key.removeprefix(PREFIX).partition("/")
    if not name or not 0 < len(event_id) <= MAX_EVENT_ID:
        return None
    return None if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in event_id) else event_id


def _storable(key: str) -> str:
    """The key as PostgreSQL takes it: S3 allows the sign zero in it."""
    return key.replace("\0", "\ufffd")


def _examined(
    deps: Dependencies, created: CreatedObject, version: images.Version, *, gone: bool
) -> images.Copies:
    """The photo and its facts; no transaction is open while it is read and decoded."""
    if version.event_id is None:
        raise RefusedPhoto(
            "the key names no event: drop photos under images/<event id>/<name>, the event id with "
            f"1 to {MAX_EVENT_ID} characters that can be printed"
        )
    if created.size_bytes > MAX_BYTES:
        raise RefusedPhoto(_too_large(created.size_bytes))
    # Who may not list the bucket is told "forbidden" of what is gone; the event of the deletion says so.
    data = None if gone else _read(deps.objects, created)
    if data is None:
        raise RefusedPhoto("the object was deleted before it was read; drop the photo again if it is needed")
    if len(data) > MAX_BYTES:
        raise RefusedPhoto(_too_large(None))
    photo = deps.decoder.examine(data)
    return images.Copies(
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        phash=photo.phash,
        format=photo.format,
        width=photo.width,
        height=photo.height,
        frames=photo.frames,
        taken_at=photo.taken_at,
        latitude=photo.latitude,
        longitude=photo.longitude,
        display=photo.display,
        thumbnail=photo.thumbnail,
    )


def _too_large(size: int | None) -> str:
    told = f"has {size:,} bytes" if size else "is too large"
    return f"the file {told}, and {MAX_BYTES:,} are the most: drop a smaller copy"


def _read(objects: ObjectStore, created: CreatedObject) -> bytes | None:
    """The object's bytes, one more than allowed at most; None if it is gone."""
    try:
        return b"".join(objects.read(created.ref, 0, MAX_BYTES + 1))
    except ObjectMissing:
        return None


# -- What is recorded ----------------------------------------------------------------------------------------


def _find(database: Database, version: images.Version) -> images.Known:
    with database.transaction() as cursor:
        return images.find(cursor, version)


def _settle_with_retry(database: Database, version: images.Version, found: images.Copies | str) -> Outcome:
    """As ``_settle``. Where the connection breaks it is tried once more: the queue would wait for long, and
    decode the photo again."""
    try:
        return _settle(database, version, found)
    except TransientFault:
        return _settle(database, version, found)


def _settle(database: Database, version: images.Version, found: images.Copies | str) -> Outcome:
    """Record the photo or the reason, unless somebody did meanwhile; in one transaction with its matches."""
    with database.transaction() as cursor:
        images.lock_photo(cursor, version)
        known = images.find(cursor, version)
        if known.image_id is not None or known.refused_because is not None:
            return Outcome("known", known.image_id, known.refused_because)
        if isinstance(found, str):
            images.reject(cursor, version, found)
            return Outcome("refused", reason=found)
        image_id = images.add(cursor, version, found)
        if found.phash is None or version.event_id is None:
            return Outcome("stored", image_id)
        matches = images.add_matches(cursor, image_id, version.event_id, found.phash, MATCH_DISTANCE)
        return Outcome("stored", image_id, matches=matches)
