"""Events of S3, delivered through EventBridge when an object version is created or deleted."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from claimwatch.aws.event_fields import Fields
from claimwatch.aws.objects import ObjectRef
from claimwatch.errors import MalformedEvent

_SEQUENCER_DIGITS = 32


@dataclass(frozen=True)
class CreatedObject:
    """A new object version. ``sequencer``, hexadecimal, orders the versions of one key."""

    ref: ObjectRef
    size_bytes: int
    sequencer: str
    created_at: datetime


@dataclass(frozen=True)
class DeletedObject:
    """A deletion. If ``permanent``, the version is gone; otherwise ``ref`` is the delete marker.

    A delete marker hides the older versions of its key.
    """

    ref: ObjectRef
    sequencer: str
    deleted_at: datetime
    permanent: bool


def parse_object_event(event: object) -> CreatedObject | DeletedObject | None:
    """Parse an "Object Created" or "Object Deleted" event; return None for any other event of S3.

    EventBridge delivers keys as they are. Decoding them, as S3's direct notifications need, would break
    ``a+b``. Raises ``MalformedEvent``.
    """
    fields = Fields(event, "S3 event")
    kind = fields.optional_text("detail-type")
    if fields.optional_text("source") != "aws.s3" or kind not in ("Object Created", "Object Deleted"):
        return None
    time, detail = fields.moment("time"), fields.object("detail")
    item = detail.object("object")
    ref = ObjectRef(
        detail.object("bucket").text("name"), item.text("key"), item.optional_text("version-id") or "null"
    )
    sequencer = item.optional_text("sequencer") or ""
    if kind == "Object Deleted":
        permanent = detail.optional_text("deletion-type") == "Permanently Deleted"
        return DeletedObject(ref, sequencer, time, permanent)
    return CreatedObject(ref, item.integer("size") if item.has("size") else 0, sequencer, time)


def object_created_event(ref: ObjectRef, created_at: datetime) -> dict[str, Any]:
    """Return the event of a new object version in S3's form, to be parsed by ``parse_object_event``."""
    return {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": created_at.isoformat(),
        "detail": {
            "bucket": {"name": ref.bucket},
            "object": {"key": ref.key, "version-id": ref.version_id},
        },
    }


def object_event_of(message: str) -> CreatedObject | DeletedObject | None:
    """Parse the body of a message; return None for any text that is not a well-formed event of an object."""
    try:
        return parse_object_event(json.loads(message))
    except (ValueError, MalformedEvent):
        return None


def sortable(sequencer: str) -> str:
    """Pad a sequencer to a fixed length, so that the order of texts is the order of numbers."""
    return sequencer.rjust(_SEQUENCER_DIGITS, "0")


def storable_key(key: str) -> str:
    """Return the key without NUL characters, which S3 allows and PostgreSQL does not."""
    return key.replace("\0", "\ufffd")
