"""Patterns of RE2, which match any text in linear time, exactly as DuckDB's functions match them."""

from collections.abc import Callable

import re2

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False  # it would print the pattern


def matcher(pattern: str) -> Callable[[str], bool]:
    """Return a function that returns whether a pattern matches a whole text (``regexp_full_match``)."""
    fullmatch = re2.compile(pattern, _OPTIONS).fullmatch
    return lambda text: fullmatch(text.encode()) is not None


def finder(pattern: str) -> Callable[[str], bool]:
    """Return a function that returns whether a pattern matches a part of a text (``regexp_matches``)."""
    search = re2.compile(pattern, _OPTIONS).search
    return lambda text: search(text.encode()) is not None


def groups_finder(pattern: str) -> Callable[[str], tuple[str, ...] | None]:
    """Return a function that returns the texts of a pattern's groups, or None if it matches no part."""
    search = re2.compile(pattern, _OPTIONS).search

    def find(text: str) -> tuple[str, ...] | None:
        found = search(text.encode())
        return None if found is None else tuple(group.decode() for group in found.groups(b""))

    return find
