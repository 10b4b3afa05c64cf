"""After a schedule, and at every moment of it: are the photos exactly those that must be there?"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import psycopg2
from psycopg2.extensions import connection as PgConnection  # noqa: N812 - it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from tests.faults.photos.model import (
    GONE,
    NO_EVENT,
    STORED,
    Name,
    Pair,
    current,
    fates,
    hashes,
    name,
    pairs,
    row,
)
from tests.faults.photos.schedule import BUCKET, Entry, Erasure
from tests.faults.verdict import Verdict
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
"""One statement, so that all of it is seen at one moment."""


class PhotosWatcher(Watcher):
    """Must see each photo with all its matches or not at all, and the newest of its key."""

    def __init__(self, url: str, entries: Sequence[Entry]) -> None:
        super().__init__(url)
        self._entries = entries

    def look(self, connection: PgConnection) -> list[str]:
        """Compare what is shown and what is alike with what is stored at this moment."""
        verdict = Verdict()
        with connection.cursor() as cursor:
            _judge_moment(cursor, verdict, self._entries)
        return verdict.problems


def judge(url: str, entries: Sequence[Entry], erasures: Sequence[Erasure]) -> Verdict:
    """The invariants, row by row and value by value, when nothing runs any more."""
    verdict = Verdict()
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        _judge_fates(cursor, verdict, entries, erasures)
        _judge_rows(cursor, verdict, entries)
        _judge_deletions(cursor, verdict, entries, erasures)
        _judge_moment(cursor, verdict, entries)
    return verdict


def _judge_fates(
    cursor: Cursor, verdict: Verdict, entries: Sequence[Entry], erasures: Sequence[Erasure]
) -> None:
    """Every object version once, stored or refused, and that for the reason that it has."""
    cursor.execute(
        "SELECT bucket, key, version_id, %s, event_id, received_at FROM claimwatch.claim_image UNION ALL"
        " SELECT bucket, key, version_id, reason, event_id, received_at FROM claimwatch.image_rejected",
        (STORED,),
    )
    rows = cursor.fetchall()
    possible = fates(entries, erasures)
    verdict.compare("versions", Counter((key, version) for _, key, version, *_ in rows), Counter([*possible]))
    of = {name(entry): entry for entry in entries}
    for bucket, key, version, reason, event, at in rows:
        if (entry := of.get((key, version))) is None:
            continue
        fate = next((known for known in (GONE, NO_EVENT) if reason.startswith(known)), reason)
        if fate not in possible[key, version]:
            verdict.lost += STORED in possible[key, version]  # a good photo that is refused
            verdict.problems.append(
                f"{key} {version} is {reason or 'stored'!r}, not {possible[key, version]}"
            )
        verdict.expect(f"what is known of {key}", (bucket, event, at), (BUCKET, entry.event_id, entry.at))


def _judge_rows(cursor: Cursor, verdict: Verdict, entries: Sequence[Entry]) -> None:
    """Of every photo, replaced and deleted ones too, what its picture says."""
    cursor.execute(f"SELECT {COLUMNS} FROM claimwatch.claim_image")
    of = {name(entry): entry for entry in entries}
    for found in cursor.fetchall():
        if (entry := of.get(found[1:3])) is not None:
            verdict.expect(f"the photo {found[1:3]}", found, row(entry))


def _judge_deletions(
    cursor: Cursor, verdict: Verdict, entries: Sequence[Entry], erasures: Sequence[Erasure]
) -> None:
    """Every deletion once."""
    cursor.execute(
        "SELECT bucket, key, version_id, sequencer, deleted_at, permanent FROM claimwatch.image_deletion"
    )
    wanted = [(entry, entry.at, entry.sequencer, False) for entry in entries if entry.picture is None]
    wanted += [(erasure.of, erasure.at, erasure.sequencer, True) for erasure in erasures]
    verdict.compare(
        "deletions",
        Counter(cursor.fetchall()),
        Counter(
            (BUCKET, *name(entry), sequencer.zfill(32), at, permanent)
            for entry, at, sequencer, permanent in wanted
        ),
    )


def _judge_moment(cursor: Cursor, verdict: Verdict, entries: Sequence[Entry]) -> None:
    """What must be so at every moment: each match is there with its photos, and the newest photo is shown."""
    cursor.execute(LOOK)
    found = cursor.fetchone()
    assert found is not None
    stored, rejected, deleted, shown, matches = found
    names: dict[int, Name] = {image_id: (key, version) for key, version, _, image_id in stored}
    events: dict[int, str] = {image_id: event for _, _, event, image_id in stored}
    both = set(names.values()) & {(key, version) for key, version in rejected}
    verdict.compare("versions that are stored and refused", Counter(both), Counter())
    gone = {(key, version) for key, version, permanent in deleted if permanent}
    marked = {(key, version) for key, version, permanent in deleted if not permanent}
    verdict.compare(
        "current photos",
        Counter((key, version) for key, version in shown),
        Counter(current(entries, set(names.values()), marked, gone)),
    )
    phashes = hashes(entries)
    alike = pairs([(names[number], events[number], phashes.get(names[number])) for number in names])
    verdict.compare("matches", Counter(_pair(names, events, match) for match in matches), Counter(alike))


def _pair(names: Mapping[int, Name], events: Mapping[int, str], match: Sequence[Any]) -> Pair | None:
    """The match by its photos' names; None if it names the wrong events."""
    image_id, other_image_id, event, other_event, bits = match
    if (events.get(image_id), events.get(other_image_id)) != (event, other_event):
        return None
    one, other = sorted((names[image_id], names[other_image_id]))
    return one, other, bits
