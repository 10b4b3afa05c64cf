"""What is fuzzed: a target generates inputs and reads them, and checks what every reading must hold."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Protocol

from tests.cluster import ClonedDatabase

MARK = "Zoraxqueline"
"""A name that stands in the personal columns of the generated files and in no other place."""

LONGEST_SENTENCE = 600
"""Characters of a refusal; people read it in a mail and in a column of a table."""

MOST_MESSAGE = 256 << 10
"""Bytes of a message that SNS accepts."""


class BrokenPromise(Exception):
    """A reading that ended, but not as it must; ``what`` is constant for one kind of problem."""

    def __init__(self, what: str, details: str = "") -> None:
        super().__init__(f"{what}: {details}" if details else what)
        self.what = what


@dataclass(frozen=True)
class Environment:
    """What a reader works with: a folder of its own and a migrated database of its own.

    ``logins`` are the URLs of the database by task, ``owner`` that of its owner.
    """

    folder: Path
    owner: str
    logins: Mapping[str, str]

    def database(self) -> ClonedDatabase:
        """Return the database, not yet connected."""
        return ClonedDatabase({"dsn": self.owner}, wake_up_time=10, urls=self.logins)


class Reader(Protocol):
    """Reads inputs through the code that reads them on AWS."""

    def read(self, data: bytes, *, stored: bool) -> str:
        """Read an input and return what came of it, in a word; any exception is a crash.

        With ``stored``, the result also goes to PostgreSQL, which takes longer.
        """

    def peak(self) -> int:
        """Return the peak memory, in bytes, of the processes that read the last input, other than this."""


@dataclass(frozen=True)
class Target:
    """A reader with a generator of inputs for it."""

    name: str
    generate: Callable[[Random], bytes]
    open: Callable[[Environment], AbstractContextManager[Reader]]
    inputs: int
    """Inputs of ``make fuzz`` if no number or time is given."""
    most_memory: int
    """Bytes of memory at the peak; a reading that takes more is a crash."""
    most_seconds: float = 20.0
    """Seconds of processor time; a reading that takes more is a crash."""
    stored_share: float = 0.2
    """Share of the inputs that go to PostgreSQL too."""


def check_sentence(text: str, *, longest: int = LONGEST_SENTENCE) -> None:
    """Check a text for people: short, printable, without a personal value, and storable."""
    if not text or len(text) > longest:
        raise BrokenPromise("a sentence is empty or too long", f"{len(text)} characters: {text[:200]!r}")
    if not text.isprintable():
        raise BrokenPromise("a sentence is not printable", repr(text[:300]))
    if "breaks the reader" in text:
        raise BrokenPromise("the net caught an error of the code", text)
    check_private(text)


def check_private(text: str) -> None:
    """Check that a text quotes no personal value."""
    if MARK in text:
        raise BrokenPromise("a text quotes a personal value", repr(text[:300]))


def check_storable(value: object) -> None:
    """Check that PostgreSQL can store the value as ``jsonb`` and its texts as ``text``."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError) as error:
        raise BrokenPromise("a result cannot be stored as JSON", type(error).__name__) from error
    if "\\u0000" in text.replace("\\\\", ""):
        raise BrokenPromise("a result contains NUL, which PostgreSQL cannot store")
