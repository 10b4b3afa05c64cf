"""Verification of the newest access events by their seals, within one request."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from claimwatch.aws.seal_store import SealObject, SealStore
from claimwatch.domain.audit.raw_event import RawEvent
from claimwatch.domain.audit.seal import hash_of
from claimwatch.domain.audit.verification import Anchor, SealRow, StoredSeal, Verification, verify

MOST_NEWER = 10
"""Seals without a row that are looked for: the database may have lost its newest rows."""

MOST_FINDINGS = 20
"""Findings that the answer has; all are counted."""


def verify_newest(document: Mapping[str, Any], seals: SealStore) -> dict[str, Any]:
    """Compare the newest events with their seals in S3, and the seals with their rows.

    ``document`` is what ``api_verification`` answers: the rows of the seals from number ``first`` on, and the
    events from the first event of that seal on. A seal that follows a restore is a gap, not a difference:
    people were alerted of it.
    """
    rows = {number: _row(number, *fields) for number, *fields in document["rows"]}
    first = document["first"] or 1
    listed = _listed(seals, first, max(rows, default=0))
    contents = {number: seals.read(stored) for number, stored in listed.items()}

    def read(number: int) -> StoredSeal:
        return StoredSeal(number, contents[number], listed[number].touched)

    found = verify(
        listed, read, rows, (RawEvent(*event) for event in document["events"]), _anchor(seals, first, rows)
    )
    return _described(found, rows)


def _row(number: int, first_seq: int, last_seq: int, events: int, *hashes: str) -> SealRow:
    return SealRow(number, first_seq, last_seq, events, *map(bytes.fromhex, hashes))


def _listed(seals: SealStore, first: int, last: int) -> dict[int, SealObject]:
    """Return the stored seals of a range of numbers, and those that follow it without a row."""
    listed: dict[int, SealObject] = {}
    for number in range(first, last + MOST_NEWER + 1):
        stored = seals.find(number)
        if stored is not None:
            listed[number] = stored
        elif number > last:
            break
    return listed


def _anchor(seals: SealStore, first: int, rows: Mapping[int, SealRow]) -> Anchor:
    """Return what the first seal continues, by the seal in S3: the row in the database may be forged."""
    if first == 1:
        return Anchor()
    before = seals.find(first - 1)
    last_seq = min(row.first_seq for row in rows.values()) - 1
    return Anchor(first - 1, last_seq, None if before is None else hash_of(seals.read(before)))


def _described(found: Verification, rows: Mapping[int, SealRow]) -> dict[str, Any]:
    differing = [finding for finding in found.findings if finding.kind != "restored"]
    return {
        "first_seal": min(rows, default=None),
        "last_seal": max(rows, default=None),
        "first_seq": min((row.first_seq for row in rows.values()), default=None),
        "last_seq": max((row.last_seq for row in rows.values()), default=None),
        "events": found.events,
        "verified": found.verified,
        "unsealed": found.unsealed,
        "unverified": found.unverified,
        "seals": found.seals,
        "newest_seal_sha256": found.head.hex(),
        "intact": not differing,
        "first_wrong": asdict(differing[0]) if differing else None,
        "findings": [finding.sentence for finding in found.findings[:MOST_FINDINGS]],
        "differences": sum(found.counts.values()) - found.counts["restored"],
    }
