"""An access event as it is sealed: every column is part of its canonical form, whose hash is a leaf."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""The zero of PostgreSQL's clock; times of events are whole microseconds since then, as it stores them."""

LEAF = b"\x00"
"""First byte of what a leaf hashes; the first byte of an inner node differs (RFC 6962)."""

_MISSING = b"\xff\xff\xff\xff"
_MICROSECOND = timedelta(microseconds=1)


class RawEvent(NamedTuple):
    """A row of ``claimwatch.access_event`` with every column exactly as PostgreSQL stores it.

    ``at`` is in microseconds since ``EPOCH``, so that no value of PostgreSQL is out of range. What is not
    allowed, such as a missing actor, is possible here: somebody may have changed the table.
    """

    seq: int
    at: int | None
    actor: str | None
    via: str | None
    action: str | None
    line: str | None
    object: str | None
    purpose: str | None
    reason: str | None
    request_id: str | None
    outcome: str | None
    model_version: str | None


def canonical(event: RawEvent) -> bytes:
    """Return the bytes that stand for an event: equal for equal events only.

    The columns follow each other in the order of ``RawEvent``. Each is its length in four bytes and its
    bytes: integers in eight bytes, signed, texts in UTF-8. The length of a missing value is 0xFFFFFFFF.
    """
    seq, at, *texts = event
    parts = [b"\x00\x00\x00\x08", seq.to_bytes(8, signed=True)]
    parts += [_MISSING] if at is None else [b"\x00\x00\x00\x08", at.to_bytes(8, signed=True)]
    for text in texts:
        if text is None:
            parts.append(_MISSING)
        else:
            content = text.encode("utf-8", "surrogatepass")
            parts += (len(content).to_bytes(4), content)
    return b"".join(parts)


def leaf(event: RawEvent) -> bytes:
    """Return the hash of an event."""
    return hashlib.sha256(LEAF + canonical(event)).digest()


def moment(at: int) -> datetime | None:
    """Return the time of an event; None if it is infinite or far outside of the calendar."""
    try:
        return EPOCH + at * _MICROSECOND
    except OverflowError:
        return None


def microseconds(at: datetime) -> int:
    """Return a time as events have it."""
    return (at - EPOCH) // _MICROSECOND
