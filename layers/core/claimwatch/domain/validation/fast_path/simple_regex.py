"""Regular expressions that are a row of characters, each from a set and some of them repeated.

Most patterns of a contract are: a prefix, so many digits. Whoever can check only these asks here what they
are; the meaning of any other pattern is left to the engine of the checks.
"""

import re
from dataclasses import dataclass

_ALL = frozenset(range(0x80)) - frozenset(b'"\r\n')
_DIGITS = frozenset(b"0123456789")
_ESCAPED = r"\\[!-/:-@\[-^`{-~d]"
_STEP = re.compile(
    rf"""
    (?: \[ (?P<other>\^)? (?P<inside>(?:[^\\\[\]^\x80-\U0010ffff]|{_ESCAPED})+) \]
      | (?P<single>{_ESCAPED}|[ A-Za-z0-9_@,;:/\#%&!"'<>=~`-])
      | (?P<any>\.)
    )
    (?: \{{ (?P<least>[0-9]{{1,4}}) (?P<comma>,)? (?P<most>[0-9]{{1,4}})? \}} | (?P<sign>[*+?]) )?
    (?![*+?{{])
    """,
    re.VERBOSE,
)
_ITEM = re.compile(rf"(?P<low>{_ESCAPED}|.)-(?P<high>{_ESCAPED}|.)|(?P<single>{_ESCAPED}|.)", re.DOTALL)
_SIGNS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}


@dataclass(frozen=True)
class Step:
    """Characters of ASCII, ``least`` to ``most`` times (None: any number)."""

    allowed: frozenset[int]
    least: int
    most: int | None


def steps(pattern: str) -> tuple[Step, ...] | None:
    """What the whole of a text has to be for this pattern, if it is ASCII, one line, and without quotes.

    None where the pattern is more than a row of characters.
    """
    end = len(pattern) - (pattern.endswith("$") and not pattern.endswith("\\$"))
    place = 1 if pattern.startswith("^") else 0
    found = []
    while place < end:
        token = _STEP.match(pattern, place, end)
        if token is None:
            return None
        place = token.end()
        allowed = _allowed(token)
        if not allowed:
            return None
        found.append(Step(allowed, *_times(token)))
    return tuple(found)


def _allowed(token: re.Match[str]) -> frozenset[int] | None:
    if token["any"]:
        return _ALL
    if token["single"]:
        return _one(token["single"]) & _ALL
    inside: frozenset[int] = frozenset()
    for item in _ITEM.finditer(token["inside"]):
        if item["single"]:
            inside |= _one(item["single"])
            continue
        low, high = _one(item["low"]), _one(item["high"])
        if len(low) != 1 or len(high) != 1:
            return None
        inside |= frozenset(range(min(low), max(high) + 1))
    return _ALL - inside if token["other"] else inside & _ALL


def _one(character: str) -> frozenset[int]:
    return _DIGITS if character == "\\d" else frozenset(character[-1].encode())


def _times(token: re.Match[str]) -> tuple[int, int | None]:
    if token["sign"]:
        return _SIGNS[token["sign"]]
    if token["least"] is None:
        return 1, 1
    least = int(token["least"])
    if token["comma"]:
        return least, int(token["most"]) if token["most"] else None
    return least, least
