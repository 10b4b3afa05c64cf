"""Answers to golden claims, compared member by member and bit by bit."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MEMBERS = ("probability", "percentile", "refer", "reasons", "problems")
"""The members of a result that a release may change, if it says so."""

CLAIM = "claim"
"""The other members that every result has: which claim it is about, and whether it was scored."""

_CLAIM = ("position", "claim_id", "status", "model_version")
_NONE = ""

type Prints = Mapping[str, tuple[str, ...]]
"""The fingerprint of each result's member, by the name of the member; empty where a result lacks it."""


def prints_of(results: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Return the fingerprints of results.

    Numbers have the same fingerprint if they have the same bits: JSON writes each float in a way of its own.
    """
    listed = list(results)
    others = {name for result in listed for name in result} - {*MEMBERS, *_CLAIM}
    found = {
        name: tuple(_print(result[name]) if name in result else _NONE for result in listed)
        for name in (*MEMBERS, *sorted(others))
    }
    found[CLAIM] = tuple(_print([result.get(name) for name in _CLAIM]) for result in listed)
    return found


def _print(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Differences:
    """How many claims differ, by the member of their results; ``added`` are members that only the new has."""

    claims: Mapping[str, int]
    of: int
    added: tuple[str, ...] = ()

    def refused(self, wanted: Iterable[str]) -> list[str]:
        """Return the predicate of a sentence for each member that differs and is not wanted to."""
        return [words for member, words in self._words() if member not in wanted]

    def accepted(self, wanted: Iterable[str]) -> list[str]:
        """Return the predicate of a sentence for each member that differs and is wanted to."""
        return [words for member, words in self._words() if member in wanted]

    def _words(self) -> list[tuple[str, str]]:
        return [
            (member, f"'{member}' differs in {count} of {self.of} claims")
            for member, count in sorted(self.claims.items())
        ]


def compare(old: Prints, new: Prints) -> Differences:
    """Compare the fingerprints of the results of the same claims.

    Of a claim that one version scores and the other rejects, only ``problems`` differs: the rest follows.
    Clients ignore members that they do not know, so a member that only the new results have is no difference.
    Raises ``ValueError`` if there are not as many results.
    """
    of = len(old["problems"])
    if len(new["problems"]) != of:
        raise ValueError("the numbers of results differ")
    moved = {
        place
        for place, (before, after) in enumerate(zip(old["problems"], new["problems"], strict=True))
        if (before == _NONE) != (after == _NONE)
    }
    nothing = (_NONE,) * of
    counts = {"problems": len(moved)}
    for member, before in old.items():
        after = new.get(member, nothing)
        differ = {place for place in range(of) if before[place] != after[place]} - moved
        if member == "problems":
            differ |= moved
        counts[member] = len(differ)
    return Differences(
        {member: count for member, count in counts.items() if count},
        of,
        tuple(sorted(new.keys() - old.keys())),
    )


def to_json(prints: Prints) -> dict[str, Sequence[str]]:
    """Return plain values that ``from_json`` reads."""
    return {member: list(each) for member, each in prints.items()}


def from_json(read: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Read what ``to_json`` wrote."""
    return {member: tuple(each) for member, each in read.items()}
