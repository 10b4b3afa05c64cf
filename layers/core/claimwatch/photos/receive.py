"""Handles created and deleted photos: stores each as evidence, or records why it is refused."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.aws.events import CreatedObject, DeletedObject, sortable, storable_key
from claimwatch.aws.objects import ObjectMissing, ObjectStore
from claimwatch.domain.files.side_files import is_side_photo
from claimwatch.domain.photos.perceptual_hash import MATCH_DISTANCE
from claimwatch.domain.photos.photo import Photo
from claimwatch.domain.photos.same_picture import is_same
from claimwatch.domain.validation.identifier_text import clean_identifier
from claimwatch.errors import RefusedPhoto, TransientFault, place_of
from claimwatch.storage import images
from claimwatch.storage.connection import Database, DataRefused

PREFIX = "images/"

MAX_BYTES = 64 << 20
"""Size limit of a photo; the largest that phones write have a quarter of it."""

_CLOCK_ERROR = timedelta(days=1)
"""How much later than its receipt a photo may be taken: clocks are wrong, and zones up to 14 hours ahead."""

MAX_EVENT_ID = 200
"""Length limit of an event id, in characters."""


class PhotoDecoder(Protocol):
    """Decodes the bytes of a photo."""

    def examine(self, data: bytes) -> Photo:
        """Decode a photo; raises ``RefusedPhoto`` if it is not one or exceeds the decoder's limits."""

    def compare(self, thumbnail: bytes, others: Sequence[bytes]) -> list[int | None]:
        """Return in how many blocks each of the other pictures differs; None if it cannot be read."""


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of `receive`."""

    database: Database
    objects: ObjectStore
    decoder: PhotoDecoder


@dataclass(frozen=True)
class Outcome:
    """Result of receiving an object version.

    ``status`` is ``stored``, ``refused`` (with the reason), ``known`` (it was received before) or ``ignored``
    (its key is not a photo's). ``matches`` counts the similar photos of other events. ``fault`` is the
    unexpected error that a refused photo caused, without its message: an error in the code.
    """

    status: Literal["stored", "refused", "known", "ignored"]
    image_id: int | None = None
    reason: str | None = None
    matches: int = 0
    fault: str | None = None


def receive(deps: Dependencies, created: CreatedObject) -> Outcome:
    """Store the photo of an object version, or record why it is refused; repeated calls change nothing.

    A photo that causes an unexpected error is refused as well: a retry would not help, and people look for it
    among the refused photos, not in a dead-letter queue. Raises ``TransientFault`` if the same call may
    succeed later; then nothing is recorded.
    """
    key = created.ref.key
    if not key.startswith(PREFIX) or _is_folder_marker(created) or is_side_photo(key):
        return Outcome("ignored")
    version = _version(created)
    with deps.database.transaction() as cursor:
        known = images.find(cursor, version)
    if known.is_recorded:
        return Outcome("known", known.image_id, known.refusal)
    try:
        result: images.PhotoRecord | str = _examine(deps, created, version, deleted=known.deleted)
    except RefusedPhoto as refusal:
        result = str(refusal)
    except _Fault as fault:
        return _refuse_fault(deps, version, fault)
    try:
        return _record_with_retry(deps, version, result)
    except DataRefused as error:
        return _refuse_fault(deps, version, _Fault("its data cannot be stored", str(error)))


def withdraw(database: Database, deleted: DeletedObject) -> None:
    """Record that a photo was deleted; repeated calls change nothing.

    The views stop showing the photo, but its row stays as evidence. The deletion may arrive before the photo.
    """
    if not deleted.ref.key.startswith(PREFIX):
        return
    deletion = images.Deletion(
        bucket=deleted.ref.bucket,
        key=storable_key(deleted.ref.key),
        version_id=deleted.ref.version_id,
        sequencer=sortable(deleted.sequencer),
        deleted_at=deleted.deleted_at,
        permanent=deleted.permanent,
    )
    with database.transaction() as cursor:
        images.add_deletion(cursor, deletion)


# -- Examining -----------------------------------------------------------------------------------------------


def _is_folder_marker(created: CreatedObject) -> bool:
    return created.ref.key.endswith("/") and created.size_bytes == 0


def _version(created: CreatedObject) -> images.Version:
    return images.Version(
        event_id=event_id_of(created.ref.key),
        bucket=created.ref.bucket,
        key=storable_key(created.ref.key),
        version_id=created.ref.version_id,
        sequencer=sortable(created.sequencer),
        received_at=created.created_at,
    )


def event_id_of(key: str) -> str | None:
    """Return the event id in ``images/<event id>/<name>``; None if the key has no valid one.

    It is cleaned as the claims' ids are, so that a photo finds its claim.
    """
    written, _, name = key.removeprefix(PREFIX).partition("/")
    if not name or len(written) > MAX_EVENT_ID or any(control in written for control in "\t\n\r"):
        return None
    return clean_identifier(written) or None


def _examine(
    deps: Dependencies, created: CreatedObject, version: images.Version, *, deleted: bool
) -> images.PhotoRecord:
    """Read and decode the photo, outside of any transaction; raises ``RefusedPhoto``."""
    if version.event_id is None:
        raise RefusedPhoto(
            "the key contains no valid event id: drop photos under images/<event id>/<name>, with an event id"
            f" of 1 to {MAX_EVENT_ID} printable characters"
        )
    if created.size_bytes > MAX_BYTES:
        raise RefusedPhoto(_too_large(created.size_bytes))
    # The function may not list the bucket, so S3 answers "forbidden", not "missing", for a deleted object.
    data = None if deleted else _read(deps.objects, created)
    if data is None:
        raise RefusedPhoto("the object was deleted before it was read; drop the photo again if it is needed")
    if len(data) > MAX_BYTES:
        raise RefusedPhoto(_too_large(None))
    photo = _without_future_time(_decode(deps.decoder, data), created.created_at)
    return images.PhotoRecord(
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        phash=photo.phash,
        gradients=photo.gradients,
        format=photo.format,
        width=photo.width,
        height=photo.height,
        frames=photo.frames,
        taken_at=photo.taken_at,
        taken_at_local=photo.taken_at_local,
        latitude=photo.latitude,
        longitude=photo.longitude,
        display=photo.display,
        thumbnail=photo.thumbnail,
    )


def _without_future_time(photo: Photo, received_at: datetime) -> Photo:
    """Return the photo without the time of a clock that is wrong: it was taken before it was received."""
    latest = received_at + _CLOCK_ERROR
    local = photo.taken_at_local.replace(tzinfo=UTC) if photo.taken_at_local else latest
    if max(photo.taken_at or latest, local) <= latest:
        return photo
    return replace(photo, taken_at=None, taken_at_local=None)


class _Fault(Exception):
    """An unexpected error: what the photo does, and the error, both without any value of the photo."""

    def __init__(self, what: str, error: str) -> None:
        super().__init__(what)
        self.what = what
        self.error = error


def _decode(decoder: PhotoDecoder, data: bytes) -> Photo:
    """Decode the photo; raises ``_Fault`` for every error that the decoder does not announce."""
    try:
        return decoder.examine(data)
    except (RefusedPhoto, TransientFault):
        raise
    except Exception as error:
        raise _Fault("it breaks the reader of photos", place_of(error)) from error


def _too_large(size: int | None) -> str:
    problem = f"has {size:,} bytes" if size else "is too large"
    return f"the file {problem}; the limit is {MAX_BYTES:,} bytes: drop a smaller copy"


def _read(objects: ObjectStore, created: CreatedObject) -> bytes | None:
    """Read at most one byte more than the size limit; return None if the object was deleted."""
    try:
        return b"".join(objects.read(created.ref, 0, MAX_BYTES + 1))
    except ObjectMissing:
        return None


# -- Recording ----------------------------------------------------------------------------------------------


def _record_with_retry(
    deps: Dependencies, version: images.Version, result: images.PhotoRecord | str
) -> Outcome:
    """Call ``_record``, and once more after a fault: a retry by the queue would decode the photo again."""
    reuse = None
    if not isinstance(result, str) and result.phash is not None and version.event_id is not None:
        reuse = _Reuse(deps.decoder, version.event_id, result.phash, result)
    try:
        return _record(deps.database, version, result, reuse)
    except TransientFault:
        return _record(deps.database, version, result, reuse)


def _refuse_fault(deps: Dependencies, version: images.Version, fault: _Fault) -> Outcome:
    """Record that the photo caused an unexpected error."""
    reason = f"{fault.what} ({fault.error}); save the photo as a JPEG and send that"
    return replace(_record_with_retry(deps, version, reason), fault=fault.error)


def _record(
    database: Database,
    version: images.Version,
    result: images.PhotoRecord | str,
    reuse: "_Reuse | None",
) -> Outcome:
    """Record the photo with its matches, or the reason for its refusal, unless another call already has."""
    if reuse is not None:
        reuse.prepare(database)
    with database.transaction() as cursor:
        images.lock_photo(cursor, version)
        known = images.find(cursor, version)
        if known.is_recorded:
            return Outcome("known", known.image_id, known.refusal)
        if isinstance(result, str):
            images.reject(cursor, version, result)
            return Outcome("refused", reason=result)
        image_id = images.add(cursor, version, result)
        if reuse is None:
            return Outcome("stored", image_id)
        images.search_alone(cursor)
        matches = images.add_matches(cursor, image_id, reuse.event_id, reuse.matches(cursor))
        return Outcome("stored", image_id, matches=matches)


class _Reuse:
    """The search for earlier photos of other events that show the same picture.

    Similar hashes make a candidate; the comparison of the thumbnails decides. Each pair is compared once.
    """

    def __init__(self, decoder: PhotoDecoder, event_id: str, phash: int, photo: images.PhotoRecord) -> None:
        self.event_id = event_id
        self._decoder = decoder
        self._phash = phash
        self._photo = photo
        self._blocks: dict[int, int | None] = {}

    def prepare(self, database: Database) -> None:
        """Compare with the photos that are stored already, while other searches go on."""
        with database.transaction() as cursor:
            copies = self._uncompared(cursor, self._candidates(cursor))
        self._compare(copies)

    def matches(self, cursor: Cursor) -> list[tuple[images.Candidate, int]]:
        """Return the photos that show the same picture, each with the number of differing blocks."""
        candidates = self._candidates(cursor)
        self._compare(self._uncompared(cursor, candidates))
        blocks = [(candidate, self._blocks.get(candidate.image_id)) for candidate in candidates]
        return [(candidate, found) for candidate, found in blocks if found is not None and is_same(found)]

    def _candidates(self, cursor: Cursor) -> list[images.Candidate]:
        return images.candidates(cursor, self.event_id, self._phash, self._photo.gradients, MATCH_DISTANCE)

    def _uncompared(self, cursor: Cursor, candidates: Sequence[images.Candidate]) -> dict[int, bytes]:
        unknown = [one.image_id for one in candidates if one.image_id not in self._blocks]
        return images.thumbnails(cursor, unknown)

    def _compare(self, thumbnails: dict[int, bytes]) -> None:
        if thumbnails:
            found = self._decoder.compare(self._photo.thumbnail, list(thumbnails.values()))
            self._blocks.update(zip(thumbnails, found, strict=True))
