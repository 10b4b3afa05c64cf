"""The schedule of a seed for photos: objects, deletions, the delivery of their events, and faults.

Everything follows from the seed and from names: a fault belongs to a message and a receive.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from random import Random
from typing import Literal

from claimwatch.aws.objects import ObjectRef
from claimwatch.photos.receive import PREFIX
from tests.faults.message_queue import Message
from tests.faults.photos.album import Picture, album
from tests.faults.s3_events import object_created, object_deleted
from tests.faults.seed import RESTARTS, Fault, Points, Seeded

BUCKET = "landing"
CALM_FROM_RECEIVE = 100
"""Redriven dead letters are not disturbed, so that every schedule ends."""

_NOON = datetime(2026, 2, 2, 12, tzinfo=UTC)
_NAMES = ("front.jpg", "left+100%25.jpg", "Beschädigung (2).heic", "scan.tif", "a/b.png")
_NOISE = (
    "not JSON",
    '{"Service":"Amazon S3","Event":"s3:TestEvent"}',
    '{"source":"aws.s3","detail-type":"Object Restore Completed","detail":{}}',
)


@dataclass(frozen=True)
class Entry:
    """An object version of a key, or, without a picture, a delete marker."""

    key: str
    version_id: str
    event_id: str | None
    picture: Picture | None
    at: datetime
    sequencer: str


@dataclass(frozen=True)
class Erasure:
    """The permanent deletion of an entry."""

    of: Entry
    at: datetime
    sequencer: str
    moment: Literal["before", "during", "between"]
    """When it happens: before all events, during their first wave, or before their second wave."""


POINTS: Points = {
    "Object Created": (
        ("read", ("kill", "s3_500", "s3_broken", "s3_slow")),
        ("decode", ("kill_decoder", "kill_decoder", "kill", "kill_soon", "stall")),
        ("compare", ("kill_decoder", "kill", "kill_soon", "stall")),
        ("statement", ("kill", "terminate", "stall", "stall")),
        ("before_commit", ("kill", "terminate", "stall", "race")),
        ("after_commit", ("kill", "terminate")),
    ),
    "Object Deleted": (
        ("statement", ("kill", "terminate", "stall")),
        ("before_commit", ("kill", "terminate", "race")),
        ("after_commit", ("kill", "terminate")),
    ),
}
_MOST_PASSED = {
    "read": 4,
    "decode": 1,
    "compare": 2,
    "statement": 12,
    "before_commit": 5,
    "after_commit": 5,
}
"""A photo is read in several blocks and processed with about eleven statements in five transactions."""
_CURSES = (
    Fault("read", 0, "s3_500"),
    Fault("read", 0, "s3_broken"),
    Fault("decode", 0, "kill"),
    Fault("before_commit", 0, "kill"),
    Fault("before_commit", 1, "kill"),
    Fault("before_commit", 2, "kill"),
    Fault("compare", 0, "kill"),
)


@dataclass(frozen=True)
class PhotoSchedule(Seeded):
    """The schedule of one seed."""

    @property
    def forbids(self) -> bool:
        """Whether reading a deleted object is forbidden, as for a function without ListBucket."""
        return self.random("forbids").random() < 0.5

    @cached_property
    def entries(self) -> list[Entry]:
        """All versions and delete markers; the oldest of each key comes first."""
        draw = self.random("entries")
        events = [f"MTR-{draw.getrandbits(48):012X}" for _ in range(draw.randint(2, 4))]
        scenes = draw.sample(album().alike, 2)
        keys: list[tuple[str, str | None]] = []
        for event in events:
            names = draw.sample(_NAMES, draw.choice((1, 1, 2, 3)))
            keys += [(f"{PREFIX}{event}/{name}", event) for name in names]
        if draw.random() < 0.3:
            keys.append((f"{PREFIX}lost.jpg", None))
        return [entry for key, event in keys for entry in self._stack(draw, key, event, scenes)]

    def _stack(
        self, draw: Random, key: str, event: str | None, scenes: Sequence[Sequence[Picture]]
    ) -> list[Entry]:
        stack: list[Entry] = []
        at, number = _NOON + timedelta(seconds=draw.randrange(600)), draw.choice((0x90, 0xFA, 0xFE, 0x8001))
        for version in range(1, draw.choice((1, 2, 2, 3)) + 1):
            if stack and draw.random() < 0.25:
                stack.append(Entry(key, f"marker-{version}", event, None, at, _sequencer(number)))
                at, number = _later(draw, at), number + 1
            # The store numbers versions in the same way.
            stack.append(Entry(key, str(version), event, _picture(draw, scenes), at, _sequencer(number)))
            at, number = _later(draw, at), number + 1
        if draw.random() < 0.25:
            stack.append(Entry(key, "marker-last", event, None, at, _sequencer(number)))
        return stack

    @cached_property
    def erasures(self) -> list[Erasure]:
        """Permanently deleted versions and markers; deleting a marker restores the version before it."""
        draw = self.random("erasures")
        return [
            Erasure(
                entry,
                entry.at + timedelta(hours=1),
                _sequencer(0x9000),
                draw.choice(("before", "during", "between")),
            )
            for entry in self.entries
            if draw.random() < (0.15 if entry.picture else 0.4)
        ]

    def waves(self) -> list[list[Message]]:
        """Return two waves of messages in any order, each message up to three times."""
        draw = self.random("waves")
        waves: list[list[Message]] = [[], []]
        for message, earliest in self._messages():
            first = max(earliest, draw.choice((0, 0, 0, 1)))
            for copy in range(draw.choice((1, 1, 2, 3))):
                number = first if copy == 0 else draw.randint(earliest, 1)
                waves[number].append(Message(f"{message.label}/{copy}", message.body))
        for wave in waves:
            draw.shuffle(wave)
        return waves

    def _messages(self) -> list[tuple[Message, int]]:
        """Return each message with the earliest wave that can contain it."""
        messages: list[tuple[Message, int]] = []
        for number, entry in enumerate(self.entries):
            body = (
                _created(entry)
                if entry.picture
                else _deleted(entry, entry.at, entry.sequencer, permanent=False)
            )
            messages.append((Message(f"entry-{number}", body), 0))
        for number, erasure in enumerate(self.erasures):
            body = _deleted(erasure.of, erasure.at, erasure.sequencer, permanent=True)
            messages.append((Message(f"erasure-{number}", body), 0 if erasure.moment == "before" else 1))
        draw = self.random("noise")
        messages += [(Message(f"noise-{n}", text), 0) for n, text in enumerate(_NOISE) if draw.random() < 0.3]
        return messages

    def batch(self, label: str, receive: int) -> int:
        """Return the size of the batch that starts with the message of this label."""
        return self.random("batch", label, receive).choice((1, 1, 2, 3, 5))

    def faults(self, message: Message, receive: int) -> tuple[Fault, ...]:
        """Return the faults that strike while a message is processed for the ``receive``-th time (from 0)."""
        kind = next((kind for kind in POINTS if f'"{kind}"' in message.body), None)
        if kind is None or receive >= CALM_FROM_RECEIVE:
            return ()
        curse = self.random("curse", message.label)
        if curse.random() < 0.03:  # fails every time, until the message is a dead letter
            return (curse.choice(_CURSES),)
        draw = self.random("faults", message.label, receive)
        if draw.random() > self.intensity * 0.7**receive:
            return ()
        if receive == 0 and self.restarts and draw.random() < 0.08:
            return (Fault("statement", draw.randrange(12), draw.choice(RESTARTS)),)
        point, kinds = draw.choice(POINTS[kind])
        return (
            Fault(point, draw.randrange(_MOST_PASSED[point]), draw.choice(kinds), draw.uniform(0, 0.006)),
        )

    def reappears(self, label: str, receive: int) -> bool:
        """Return whether a message becomes visible again while it is being processed."""
        return receive < CALM_FROM_RECEIVE and self.random("reappears", label, receive).random() < 0.08


def _picture(draw: Random, scenes: Sequence[Sequence[Picture]]) -> Picture:
    what = draw.random()
    if what < 0.15:
        return draw.choice(album().broken)
    if what < 0.2:
        return draw.choice(album().blank)
    return draw.choice(draw.choice(scenes))


def _later(draw: Random, at: datetime) -> datetime:
    return at + timedelta(seconds=draw.choice((0, 0, 1, 3600)))


def _sequencer(number: int) -> str:
    """Return a number in hexadecimal, with an even number of digits."""
    text = f"{number:X}"
    return text.zfill(len(text) + len(text) % 2)


def _created(entry: Entry) -> str:
    assert entry.picture is not None
    ref = ObjectRef(BUCKET, entry.key, entry.version_id)
    return json.dumps(object_created(ref, len(entry.picture.data), entry.at, entry.sequencer))


def _deleted(entry: Entry, at: datetime, sequencer: str, *, permanent: bool) -> str:
    ref = ObjectRef(BUCKET, entry.key, entry.version_id)
    return json.dumps(object_deleted(ref, at, sequencer, permanent=permanent))
