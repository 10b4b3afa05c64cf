"""Sealing of access events: every event gets into a seal that is kept outside of the database.

A run may end anywhere. A seal consists of its object in S3, which is written first and once, and of its row.
If an object has no row, the next run compares it with the events and adds the row. If it does not fit the
events, somebody restored the database to an earlier state, or changed it within these minutes: a seal with
the reason ``restored`` says so, people are alerted, and every verification reports it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from claimwatch.aws.alerts import Alerts
from claimwatch.aws.objects import ObjectExists
from claimwatch.aws.seal_store import SealObject, SealStore
from claimwatch.domain.audit.raw_event import RawEvent, leaf
from claimwatch.domain.audit.seal import MOST_EVENTS, MalformedSeal, Seal, hash_of, parse_seal, seal_events
from claimwatch.errors import TransientFault
from claimwatch.governance.notifications import notify_restore
from claimwatch.storage import audit_seals
from claimwatch.storage.audit_seals import NewestSeal
from claimwatch.storage.connection import Database

LOCK_ATTEMPTS = 5
"""How often a run asks which events are final; transactions that add events are short."""

LOCK_PAUSE = 1.0
"""Seconds between two attempts, in which the transactions that waited go on."""


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``seal_audit``. A seal has at most ``most_events`` events."""

    database: Database
    seals: SealStore
    alerts: Alerts
    now: Callable[[], datetime]
    most_events: int = MOST_EVENTS
    sleep: Callable[[float], None] = time.sleep


@dataclass
class Sealed:
    """What a run did: the seals that got their rows, how many events they have, and whether none are left."""

    numbers: list[int] = field(default_factory=list)
    events: int = 0
    restored: bool = False
    finished: bool = True


@dataclass(frozen=True)
class _Stored:
    """A seal and its object."""

    seal: Seal
    version_id: str


def seal_audit(deps: Dependencies, *, time_is_up: Callable[[], bool] = lambda: False) -> Sealed:
    """Seal all events that are final now; stop between two seals if time is up."""
    result = Sealed()
    horizon = _horizon(deps)
    while True:
        with deps.database.transaction() as cursor:
            before = audit_seals.newest(cursor)
            events = audit_seals.next_events(cursor, before.last_seq, horizon, deps.most_events)
        if not events:
            return result
        if time_is_up():
            result.finished = False
            return result
        _seal(deps, before, events, horizon, result)


def _horizon(deps: Dependencies) -> int:
    for attempt in range(1, LOCK_ATTEMPTS + 1):
        try:
            with deps.database.transaction() as cursor:
                return audit_seals.horizon(cursor)
        except TransientFault:
            if attempt == LOCK_ATTEMPTS:
                raise
            deps.sleep(LOCK_PAUSE)
    raise AssertionError("the last attempt returns or raises")


def _seal(
    deps: Dependencies, before: NewestSeal, events: list[RawEvent], horizon: int, result: Sealed
) -> None:
    number = before.number + 1
    seal = seal_events(events, number=number, after=before.last_seq, previous=before.sha256, at=deps.now())
    try:
        stored = [_Stored(seal, deps.seals.create(number, seal.content()))]
    except ObjectExists:
        stored = _continue(deps, before, horizon)
    for each in stored:
        if each.seal.reason == "restored":
            # Before the row: afterwards nothing would remind of an alert that could not be sent.
            notify_restore(deps.alerts, each.seal, deps.seals.uri(each.seal.number))
            result.restored = True
    with deps.database.transaction() as cursor:
        for each in stored:
            audit_seals.add(cursor, each.seal, deps.seals.uri(each.seal.number), each.version_id)
    result.numbers += [each.seal.number for each in stored]
    result.events += sum(each.seal.events for each in stored)


def _continue(deps: Dependencies, before: NewestSeal, horizon: int) -> list[_Stored]:
    """Return the seals that exist without rows, and if they do not fit the events, one that replaces them."""
    listed = deps.seals.listing()
    existing = [_read(deps, listed[number]) for number in sorted(listed) if number > before.number]
    if [each.seal.number for each in existing] != list(range(before.number + 1, max(listed) + 1)):
        raise MalformedSeal("seals are missing from the store of seals, or are in the places of others")
    misfit, after = _first_misfit(deps, before, [each.seal for each in existing])
    if misfit is None:
        return existing
    with deps.database.transaction() as cursor:
        events = audit_seals.next_events(cursor, after, horizon, deps.most_events)
    if not events:  # the seals that fit contain all events
        return [each for each in existing if each.seal.number < misfit]
    last = existing[-1].seal
    restored = seal_events(
        events,
        number=last.number + 1,
        after=after,
        previous=hash_of(last.content()),
        at=deps.now(),
        replaces=misfit,
    )
    try:
        version = deps.seals.create(restored.number, restored.content())
    except ObjectExists:
        raise TransientFault("another process seals the same events") from None
    return [*existing, _Stored(restored, version)]


def _first_misfit(deps: Dependencies, before: NewestSeal, seals: list[Seal]) -> tuple[int | None, int]:
    """Return the first seal that has no row and does not fit the events, and the last event before it.

    The backup that was restored may be older than an earlier restore. Then the seals of its own rows have
    been replaced, and everything from the first of them on is sealed again.
    """
    replaced = min((seal.replaces for seal in seals if seal.replaces is not None), default=before.number + 1)
    if replaced <= before.number:
        with deps.database.transaction() as cursor:
            return replaced, audit_seals.last_seq_before(cursor, replaced)
    if seals[0].previous != before.sha256:
        return seals[0].number, before.last_seq
    counting: list[Seal] = []
    for seal in seals:
        counting = [kept for kept in counting if seal.replaces is None or kept.number < seal.replaces]
        counting.append(seal)
    after = before.last_seq
    for seal in counting:
        if seal.first_seq != after + 1 or not _fits(deps, seal):
            return seal.number, after
        after = seal.last_seq
    return None, after


def _read(deps: Dependencies, stored: SealObject) -> _Stored:
    return _Stored(parse_seal(deps.seals.read(stored)), stored.version_id)


def _fits(deps: Dependencies, seal: Seal) -> bool:
    with deps.database.transaction() as cursor:
        events = audit_seals.next_events(cursor, seal.first_seq - 1, seal.last_seq)
    return b"".join(map(leaf, events)) == seal.leaves
