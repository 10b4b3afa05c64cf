"""Typed reading of the keys of a file in YAML, with a report of all problems."""

import difflib
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Self

from claimwatch.domain.contract.strict_yaml import YamlMapping, YamlValue

_DURATION = re.compile(r"(\d{1,9}) ?(second|minute|hour|day)s?", re.ASCII)


class Fields:
    """The keys of a mapping. Every method reports what is wrong with a key, and returns None then."""

    def __init__(self, written: YamlMapping, problems: list[str], place: str = "") -> None:
        self._written = written
        self._problems = problems
        self._place = place
        self._reported: set[str] = set()

    def report(self, key: str, problem: str) -> None:
        """Add a problem of a key."""
        self._reported.add(key)
        self._problems.append(f"{self._place}{key}: {problem}")

    def reported(self, key: str) -> bool:
        """Return whether the key has a problem."""
        return key in self._reported

    def has(self, key: str) -> bool:
        """Return whether the key is written, even without a value."""
        return key in self._written

    def value(self, key: str) -> YamlValue:
        """Return the value as it is written, None if there is none."""
        return self._written.get(key)

    def refuse_unknown(self, known: Sequence[str]) -> None:
        """Report keys that are not known: one that is misspelt would have no effect."""
        for key in self._written:
            if key not in known:
                close = difflib.get_close_matches(key, known, 1)
                advice = f"write '{close[0]}'" if close else f"remove it; the keys are {', '.join(known)}"
                self._problems.append(f"{self._place}'{key}' is not a key; {advice}")

    def text(self, key: str, *, required: bool = True) -> str | None:
        """Return a text that is not empty."""
        if not self.has(key):
            if required:
                self.report(key, "is missing; add it")
            return None
        value = self.value(key)
        if isinstance(value, str) and value.strip():
            return value
        self.report(key, "must be a text" if isinstance(value, (list, dict)) else "has no value; add one")
        return None

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, or a single text as a list; empty if the key is missing."""
        if not self.has(key):
            return ()
        value = self.value(key)
        items = value if isinstance(value, list) else [value]
        texts = tuple(item for item in items if isinstance(item, str) and item.strip())
        if not texts or len(texts) < len(items):
            self.report(key, "must be a list of texts")
            return ()
        return texts

    def choice[T: str](self, key: str, choices: Sequence[T], default: T | None = None) -> T | None:
        """Return one of the allowed texts; the default, if there is one, for a missing key."""
        if default is not None and not self.has(key):
            return default
        value = self.text(key)
        if value is None:
            return None
        for choice in choices:
            if choice == value:
                return choice
        close = difflib.get_close_matches(value.lower(), choices, 1)
        advice = f"write '{close[0]}'" if close else f"write one of {', '.join(choices)}"
        self.report(key, f"'{value}' is unknown; {advice}")
        return None

    def flag(self, key: str) -> bool:
        """Return true or false; false for a missing key."""
        value = self.choice(key, ("true", "false"), "false")
        return value == "true"

    def integer(self, key: str, bounds: tuple[int, int]) -> int | None:
        """Return an integer within bounds; None for a missing key."""
        if not self.has(key):
            return None
        value = self.value(key)
        digits = value.replace("_", "") if isinstance(value, str) else ""
        least, most = bounds
        if digits.isascii() and digits.isdecimal() and len(digits) < 10 and least <= int(digits) <= most:
            return int(digits)
        self.report(key, f"must be an integer from {least:,} to {most:,}")
        return None

    def duration(self, key: str, bounds: tuple[timedelta, timedelta]) -> timedelta | None:
        """Return a duration within bounds, such as ``10 minutes``; None for a missing key."""
        if not self.has(key):
            return None
        value = self.value(key)
        found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
        least, most = bounds
        if found is None:
            self.report(key, "must be a duration such as '90 seconds', '10 minutes', '2 hours' or '3 days'")
            return None
        number, unit = int(found[1]), found[2]
        if unit == "day" and number > 99_999:
            number = 99_999  # beyond every bound, and within what a duration may be
        duration = timedelta(**{f"{unit}s": number})
        if least <= duration <= most:
            return duration
        self.report(key, f"must be from {described(least)} to {described(most)}")
        return None

    def mapping(self, key: str) -> Self | None:
        """Return the keys of an inner mapping; None for a missing key."""
        if not self.has(key):
            return None
        value = self.value(key)
        if isinstance(value, YamlMapping):
            return type(self)(value, self._problems, f"{self._place}{key}: ")
        self.report(key, "must be a mapping")
        return None


def described(duration: timedelta) -> str:
    """Return a duration in words, in the largest unit that divides it."""
    seconds = int(duration.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size:,} {unit}{'' if seconds == size else 's'}"
    return f"{seconds:,} second{'' if seconds == 1 else 's'}"
