"""Values of columns that the contract does not have, as they are stored: hashed by default.

Nobody has classified such a column, so its values may be personal. Hashes keep what the column is for: seeing
that it exists, and how often and with how many different values it is filled.
"""

import json
from collections.abc import Mapping
from typing import Any

from claimwatch.domain.files.header import shown_name
from claimwatch.domain.validation.keyed_hash import DIGITS, KeyedHashes, canonical_number

PREFIX = "hash:"
"""Marks a hash, so that rows with hashes and rows with plain values can be in one table."""

_MOST_NAMES = 256
_REMEMBERED = 256
"""Hashes that are cached for each name."""

_dump = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
_dump_in_order = json.JSONEncoder(ensure_ascii=False).encode


class ExtraHashes:
    """Hashes of values of extra columns; each name is a group of its own, apart from those of columns."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._hashes: dict[str, KeyedHashes] = {}

    def of_text(self, name: str, text: str) -> str:
        """Return the marked hash of a text in the column."""
        if name not in self._hashes:
            if len(self._hashes) >= _MOST_NAMES:
                self._hashes.clear()
            self._hashes[name] = KeyedHashes(self._key, f"extra\0{name}", remembered=_REMEMBERED)
        return PREFIX + self._hashes[name][text]

    def of_value(self, name: str, value: Any) -> str | None:
        """Return the marked hash of a JSON value: of a text, or of the canonical JSON; null stays null.

        Numbers must have been read by ``read_json``.
        """
        match value:
            case None:
                return None
            case str():
                return self.of_text(name, value)
            case _:
                return self.of_text(name, _dump(value))

    def of_members(self, members: Mapping[str, Any]) -> dict[str, str | None]:
        """Return the members of an object with hashes instead of values, under printable names."""
        hashed: dict[str, str | None] = {}
        for key, value in members.items():
            name = base = shown_name(key) or "(no name)"
            number = 2
            while name in hashed:
                name, number = f"{base}_{number}", number + 1
            hashed[name] = self.of_value(name, value)
        return hashed

    def of_object(self, text: str) -> str:
        """Return the JSON of an object with hashes instead of values.

        An object that cannot be read is one value: nothing of it may be stored in clear.
        """
        try:
            members = read_json(text)
        except (ValueError, RecursionError):
            members = None
        if not isinstance(members, dict):
            members = {"(unreadable)": text}
        return _dump_in_order(self.of_members(members))


def read_json(text: str) -> Any:
    """Return the JSON value in a text, with numbers as their canonical texts."""
    return json.loads(
        text, parse_int=canonical_number, parse_float=canonical_number, parse_constant=canonical_number
    )


def is_hash(value: Any) -> bool:
    """Return whether a stored value is a marked hash."""
    if not isinstance(value, str) or not value.startswith(PREFIX):
        return False
    digits = value.removeprefix(PREFIX)
    return len(digits) == DIGITS and set(digits) <= set("0123456789abcdef")
