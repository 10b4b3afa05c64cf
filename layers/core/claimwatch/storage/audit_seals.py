"""Access events as they are sealed, and the rows that describe their seals, which are in S3."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.domain.audit.raw_event import RawEvent
from claimwatch.domain.audit.seal import NO_SEAL, Seal, hash_of
from claimwatch.domain.audit.verification import SealRow
from claimwatch.storage.queries import queries

FETCHED_AT_ONCE = 20_000
"""Events that are fetched at a time."""

_SQL = queries("audit_seals")


@dataclass(frozen=True)
class NewestSeal:
    """The seal that the next one continues: its number, its last event and its hash."""

    number: int
    last_seq: int
    sha256: bytes


def horizon(cursor: Cursor) -> int:
    """Return the number of the newest event; no event with a smaller number can be added any more.

    Waits for transactions that add events, for a short time, and keeps others waiting until this transaction
    ends: end it at once. Raises, from the database, ``TransientFault`` if a transaction takes longer.
    """
    cursor.execute(_SQL["horizon"])
    [(seq,)] = cursor.fetchall()
    return int(seq)


def next_events(cursor: Cursor, after: int, until: int, limit: int | None = None) -> list[RawEvent]:
    """Return the events with numbers above ``after`` and up to ``until``, in their order."""
    cursor.execute(_SQL["next_events"], {"after": after, "until": until, "limit": limit})
    return [RawEvent(*row) for row in cursor.fetchall()]


@contextmanager
def all_events(cursor: Cursor) -> Iterator[Iterator[RawEvent]]:
    """Provide all events in their order; PostgreSQL sends some at a time."""
    with cursor.connection.cursor("all_events") as found:
        found.itersize = FETCHED_AT_ONCE
        found.execute(_SQL["all_events"])
        yield (RawEvent(*row) for row in found)


def newest(cursor: Cursor) -> NewestSeal:
    """Return the newest seal; before the first one, what the first one continues."""
    cursor.execute(_SQL["newest"])
    row = cursor.fetchone()
    return NewestSeal(row[0], row[1], bytes(row[2])) if row else NewestSeal(0, 0, NO_SEAL)


def last_seq_before(cursor: Cursor, number: int) -> int:
    """Return the last event of the seals below a number, without those that a restore replaced."""
    cursor.execute(_SQL["chain"])
    chain: list[tuple[int, int]] = []
    for each, last_seq, replaces in cursor.fetchall():
        chain = [link for link in chain if replaces is None or link[0] < replaces] + [(each, last_seq)]
    return next((last_seq for each, last_seq in reversed(chain) if each < number), 0)


def all_rows(cursor: Cursor) -> dict[int, SealRow]:
    """Return the rows of all seals by their numbers."""
    cursor.execute(_SQL["all_rows"])
    return {
        number: SealRow(number, first, last, events, *(bytes(hashed) for hashed in hashes))
        for number, first, last, events, *hashes in cursor.fetchall()
    }


def add(cursor: Cursor, seal: Seal, uri: str, object_version: str) -> None:
    """Add the row of a seal whose object exists, unless another process has added it."""
    cursor.execute(
        _SQL["add"],
        {
            "number": seal.number,
            "first_seq": seal.first_seq,
            "last_seq": seal.last_seq,
            "events": seal.events,
            "root": seal.root,
            "previous": seal.previous,
            "sha256": hash_of(seal.content()),
            "sealed_at": seal.sealed_at,
            "reason": seal.reason,
            "replaces": seal.replaces,
            "uri": uri,
            "object_version": object_version,
        },
    )
