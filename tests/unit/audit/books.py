"""Access events and their seals, as tests make them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

from claimwatch.domain.audit.raw_event import RawEvent, microseconds
from claimwatch.domain.audit.seal import NO_SEAL, Seal, hash_of, seal_events
from claimwatch.domain.audit.verification import SealRow, StoredSeal, Verification, verify

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def event(seq: int, **changes: Any) -> RawEvent:
    """Return an event; texts differ by its number."""
    made = RawEvent(
        seq=seq,
        at=microseconds(DAY) + 1_000_000 * seq,
        actor=f"arn:aws:iam::000000000000:user/{seq % 3}",
        via="v1",
        action="score",
        line="motor",
        object=f"C-{seq}",
        purpose="claim_handling",
        reason=None,
        request_id=f"r-{seq}",
        outcome="answered",
        model_version="3",
    )
    return made._replace(**changes)


class Book:
    """Events, and the seals over all but the last ``unsealed`` of them."""

    def __init__(self, events: Sequence[RawEvent], size: int, unsealed: int = 0) -> None:
        self.events = list(events)
        self.contents: dict[int, bytes] = {}
        self.rows: dict[int, SealRow] = {}
        sealed = self.events[: len(self.events) - unsealed]
        for start in range(0, len(sealed), size):
            self.seal(sealed[start : start + size])

    def seal(self, events: Sequence[RawEvent], replaces: int | None = None) -> Seal:
        """Seal events that follow the newest seal, or those that the seal ``replaces`` followed."""
        number = max(self.contents, default=0) + 1
        before = self.rows.get((replaces or number) - 1)
        previous = hash_of(self.contents[number - 1]) if number > 1 else NO_SEAL
        made = seal_events(
            events,
            number=number,
            after=before.last_seq if before else 0,
            previous=previous,
            at=DAY,
            replaces=replaces,
        )
        self.contents[number] = made.content()
        self.rows[number] = SealRow.of(made)
        return made

    @classmethod
    def of(cls, count: int, size: int, unsealed: int = 0) -> Self:
        """Return a book of events without gaps."""
        return cls([event(seq) for seq in range(1, count + 1)], size, unsealed)

    def verify(
        self,
        events: Iterable[RawEvent] | None = None,
        *,
        contents: Mapping[int, bytes] | None = None,
        rows: Mapping[int, SealRow] | None = None,
        touched: Iterable[int] = (),
    ) -> Verification:
        """Verify the book, or what somebody made of it."""
        stored = self.contents if contents is None else contents
        return verify(
            stored,
            lambda number: StoredSeal(number, stored[number], number in set(touched)),
            self.rows if rows is None else rows,
            self.events if events is None else events,
        )
