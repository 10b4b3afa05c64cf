"""The invariants of photos: after a schedule, and for what people see at every moment of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from tests.faults.invariants import Invariants
from tests.faults.photos.model import (
    GONE,
    NO_EVENT,
    STORED,
    Name,
    Pair,
    current,
    fates,
    name,
    pairs,
    results,
    row,
)
from tests.faults.photos.schedule import BUCKET, Entry, Erasure
from tests.faults.watcher import Watcher

COLUMNS = """
    event_id, key, version_id, sequencer, received_at, sha256, size_bytes, phash, format, width, height,
    frames, taken_at, latitude, longitude, encode(sha256(display), 'hex'), encode(sha256(thumbnail), 'hex')
"""

LOOK = """
    SELECT (SELECT coalesce(json_agg(json_build_array(key, version_id, event_id, image_id)), '[]')
            FROM claimwatch.claim_image),
           (SELECT coalesce(json_agg(json_build_array(key, version_id)), '[]')
            FROM claimwatch.image_rejected),
           (SELECT coalesce(json_agg(json_build_array(key, version_id, permanent)), '[]')
            FROM claimwatch.image_deletion),
           (SELECT coalesce(json_agg(json_build_array(key, version_id)), '[]')
            FROM claimwatch.current_claim_image),
           (SELECT coalesce(json_agg(json_build_array(
                       image_id, other_image_id, event_id, other_event_id, distance)), '[]')
            FROM claimwatch.image_match)
"""
"""A single statement, so that it reads one snapshot."""


class PhotosInvariants(Invariants):
    """Compares photos, rejections, deletions and matches with the objects and deletions of the schedule."""

    def __init__(self, cursor: Cursor, entries: Sequence[Entry], erasures: Sequence[Erasure] = ()) -> None:
        super().__init__(cursor)
        self._entries, self._erasures = entries, erasures
        self._entry_of = {name(entry): entry for entry in entries}

    def check(self) -> None:
        """Check everything when nothing runs any more."""
        self._check_fates()
        self._check_rows()
        self._check_deletions()
        self.check_moment()

    def _check_fates(self) -> None:
        """Every object version occurs once: stored, or rejected for the expected reason."""
        rows = self.rows(
            "SELECT bucket, key, version_id, %s, event_id, received_at FROM claimwatch.claim_image UNION ALL"
            " SELECT bucket, key, version_id, reason, event_id, received_at FROM claimwatch.image_rejected",
            STORED,
        )
        possible = fates(self._entries, self._erasures)
        self.compare(
            "versions", Counter((key, version) for _, key, version, *_ in rows), Counter([*possible])
        )
        for bucket, key, version, reason, event, at in rows:
            if (entry := self._entry_of.get((key, version))) is None:
                continue
            fate = next((known for known in (GONE, NO_EVENT) if reason.startswith(known)), reason)
            if fate not in possible[key, version]:
                self.lost += STORED in possible[key, version]  # a valid photo was rejected
                self.problems.append(
                    f"{key} {version} is {reason or 'stored'!r}, not {possible[key, version]}"
                )
            self.expect(f"event of {key}", (bucket, event, at), (BUCKET, entry.event_id, entry.at))

    def _check_rows(self) -> None:
        """Every stored photo, also if replaced or deleted, has the values of its picture."""
        for found in self.rows(f"SELECT {COLUMNS} FROM claimwatch.claim_image"):
            if (entry := self._entry_of.get(found[1:3])) is not None:
                self.expect(f"the photo {found[1:3]}", found, row(entry))

    def _check_deletions(self) -> None:
        """Every deletion is recorded once."""
        found = self.rows(
            "SELECT bucket, key, version_id, sequencer, deleted_at, permanent FROM claimwatch.image_deletion"
        )
        wanted = [(entry, entry.at, entry.sequencer, False) for entry in self._entries if not entry.picture]
        wanted += [(erasure.of, erasure.at, erasure.sequencer, True) for erasure in self._erasures]
        self.compare(
            "deletions",
            Counter(found),
            Counter(
                (BUCKET, *name(entry), sequencer.zfill(32), at, permanent)
                for entry, at, sequencer, permanent in wanted
            ),
        )

    def check_moment(self) -> None:
        """Check what holds at every moment: photos have all matches, and the newest photo is current."""
        [(stored, rejected, deleted, shown, matches)] = self.rows(LOOK)
        names: dict[int, Name] = {image_id: (key, version) for key, version, _, image_id in stored}
        events: dict[int, str] = {image_id: event for _, _, event, image_id in stored}
        both = set(names.values()) & {(key, version) for key, version in rejected}
        self.compare("versions that are both stored and rejected", Counter(both), Counter())
        gone = {(key, version) for key, version, permanent in deleted if permanent}
        marked = {(key, version) for key, version, permanent in deleted if not permanent}
        self.compare(
            "current photos",
            Counter((key, version) for key, version in shown),
            Counter(current(self._entries, set(names.values()), marked, gone)),
        )
        photos = results(self._entries)
        alike = pairs([(names[number], events[number], photos.get(names[number])) for number in names])
        self.compare("matches", Counter(_pair(names, events, match) for match in matches), Counter(alike))


def _pair(names: Mapping[int, Name], events: Mapping[int, str], match: Sequence[Any]) -> Pair | None:
    """Return a match by the names of its photos; None if it has the wrong events."""
    image_id, other_image_id, event, other_event, bits = match
    if (events.get(image_id), events.get(other_image_id)) != (event, other_event):
        return None
    one, other = sorted((names[image_id], names[other_image_id]))
    return one, other, bits


class PhotosWatcher(Watcher):
    """Expects each photo with all its matches or not at all, and the newest photo of each key."""

    def __init__(self, url: str, entries: Sequence[Entry]) -> None:
        super().__init__(url)
        self._entries = entries

    def look(self, cursor: Cursor) -> list[str]:
        """Compare current photos and matches with the photos that are stored at this moment."""
        invariants = PhotosInvariants(cursor, self._entries)
        invariants.check_moment()
        return invariants.problems
