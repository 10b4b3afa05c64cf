"""What S3 says through EventBridge when an object is created."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from claimwatch.aws.objects import ObjectRef


@dataclass(frozen=True)
class CreatedObject:
    """An object version that has come. ``sequencer``, hexadecimal, orders the versions of one key."""

    ref: ObjectRef
    size_bytes: int
    sequencer: str
    created_at: datetime


def created_object(event: Mapping[str, Any]) -> CreatedObject | None:
    """The object of an "Object Created" event; None for any other message, such as a deletion or a test.

    EventBridge gives keys as they are; decoding them, as S3's direct notifications need, would break ``a+b``.
    """
    if event.get("source") != "aws.s3" or event.get("detail-type") != "Object Created":
        return None
    detail = event["detail"]
    item = detail["object"]
    return CreatedObject(
        ref=ObjectRef(detail["bucket"]["name"], item["key"], item.get("version-id", "null")),
        size_bytes=item.get("size", 0),
        sequencer=item.get("sequencer", ""),
        created_at=datetime.fromisoformat(event["time"]),
    )
