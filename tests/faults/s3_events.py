"""The events that S3 sends through EventBridge."""

from datetime import datetime
from typing import Any

from claimwatch.aws.objects import ObjectRef


def object_created(ref: ObjectRef, size: int, at: datetime, sequencer: str) -> dict[str, Any]:
    """Return the event of a new object version."""
    return _event("Object Created", ref, at, sequencer, {"size": size}, {"reason": "PutObject"})


def object_deleted(ref: ObjectRef, at: datetime, sequencer: str, *, permanent: bool) -> dict[str, Any]:
    """Return the event of a new delete marker, or of a permanently deleted version."""
    kind = "Permanently Deleted" if permanent else "Delete Marker Created"
    return _event("Object Deleted", ref, at, sequencer, {}, {"deletion-type": kind})


def _event(
    kind: str, ref: ObjectRef, at: datetime, sequencer: str, item: dict[str, Any], detail: dict[str, Any]
) -> dict[str, Any]:
    item = {"key": ref.key, "version-id": ref.version_id, "sequencer": sequencer} | item
    return {
        "source": "aws.s3",
        "detail-type": kind,
        "time": at.isoformat(),
        "detail": {"bucket": {"name": ref.bucket}, "object": item} | detail,
    }
