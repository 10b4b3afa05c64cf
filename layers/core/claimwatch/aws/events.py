"""What S3 says through EventBridge when an object is created or deleted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from claimwatch.aws.objects import ObjectRef

_SEQUENCER_DIGITS = 32


@dataclass(frozen=True)
class CreatedObject:
    """An object version that has come. ``sequencer``, hexadecimal, orders the versions of one key."""

    ref: ObjectRef
    size_bytes: int
    sequencer: str
    created_at: datetime


@dataclass(frozen=True)
class DeletedObject:
    """A deletion: of the version itself if ``permanent``, else ``ref`` is the delete marker.

    A delete marker hides the older versions of its key.
    """

    ref: ObjectRef
    sequencer: str
    deleted_at: datetime
    permanent: bool


def created_object(event: Mapping[str, Any]) -> CreatedObject | None:
    """The object of an "Object Created" event; None for any other message, such as a deletion or a test.

    EventBridge gives keys as they are; decoding them, as S3's direct notifications need, would break ``a+b``.
    """
    if event.get("source") != "aws.s3" or event.get("detail-type") != "Object Created":
        return None
    item = event["detail"]["object"]
    return CreatedObject(
        ref=_ref(event),
        size_bytes=item.get("size", 0),
        sequencer=item.get("sequencer", ""),
        created_at=datetime.fromisoformat(event["time"]),
    )


def deleted_object(event: Mapping[str, Any]) -> DeletedObject | None:
    """The object of an "Object Deleted" event, by a call or a lifecycle rule; None for any other message."""
    if event.get("source") != "aws.s3" or event.get("detail-type") != "Object Deleted":
        return None
    detail = event["detail"]
    return DeletedObject(
        ref=_ref(event),
        sequencer=detail["object"].get("sequencer", ""),
        deleted_at=datetime.fromisoformat(event["time"]),
        permanent=detail.get("deletion-type") == "Permanently Deleted",
    )


def sortable(sequencer: str) -> str:
    """A sequencer as long as any, so that text sorts as the number does."""
    return sequencer.rjust(_SEQUENCER_DIGITS, "0")


def _ref(event: Mapping[str, Any]) -> ObjectRef:
    item = event["detail"]["object"]
    return ObjectRef(event["detail"]["bucket"]["name"], item["key"], item.get("version-id", "null"))
