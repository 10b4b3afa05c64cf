"""The cells of a single claim as text, as `cells_sql` reads them from the objects of a file."""

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from claimwatch.domain.contract.contract import NUMERIC, Column, LogicalType
from claimwatch.domain.validation.claim_json import Claim, Constant, JsonValue, Members, Number
from claimwatch.domain.validation.exact_numbers import INEXACT_PATTERN, MARKED_PATTERN, mark_numbers
from claimwatch.domain.validation.identifier_text import JSON_NUMBER
from claimwatch.domain.validation.linear_patterns import finder

_ESCAPED_MARK = '"\\u001f'
_MARKED = re.compile(MARKED_PATTERN)
_PLAIN_WHOLE = re.compile(r"-?[0-9]+")
_POINTED = re.compile(r"-?[0-9]+\.[0-9]+")
_TO_ESCAPE = re.compile('["\\\\\x00-\x1f]')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}

_is_inexact = finder(INEXACT_PATTERN)


class ClaimCells:
    """The cells of one claim.

    A number of JSON that is not written as a plain whole number is marked with ``JSON_NUMBER`` where its
    column needs to know. In files, a few of these marks depend on the other numbers of the claim.
    """

    def __init__(self, claim: Claim) -> None:
        self._claim = claim

    @cached_property
    def marked(self) -> bool:
        """Whether the claim has a number whose text a double would change."""
        text = self._claim.text
        return _is_inexact(text) and len(mark_numbers(text).encode()) > len(text.encode())

    def text(self, column: Column, value: JsonValue, *, is_id: bool) -> str | None:
        """Return the text of a member for a column; None if it has none."""
        match value:
            case None:
                return None
            case Number():
                return self._number(column, value, is_id=is_id)
            case str():
                text = self._string(column, str(value))
            case True | False:
                text = "true" if value else "false"
            case _:
                text = compact(value)
        if type(value) is not str and column.logical_type in NUMERIC and column.decimal_separator != ".":
            return text.replace(".", column.decimal_separator)
        return text

    def _number(self, column: Column, number: Number, *, is_id: bool) -> str:
        if column.logical_type is not LogicalType.STRING:
            if column.logical_type in NUMERIC and column.decimal_separator != ".":
                return Number(number.replace(".", column.decimal_separator))
            return number
        whole = _PLAIN_WHOLE.fullmatch(number) and number != "-0"
        looks = _POINTED.fullmatch(number) if is_id else number.endswith(".0")
        return f"{JSON_NUMBER}{number}" if not whole and (looks or self.marked) else str(number)

    def _string(self, column: Column, text: str) -> str:
        if _ESCAPED_MARK in text.lower() and self.marked:
            text = _MARKED.sub(r"\1", text)
        if not text.startswith(JSON_NUMBER) or column.logical_type is LogicalType.STRING:
            return text
        # What looks like a marked number is read as one.
        if column.logical_type in NUMERIC and column.decimal_separator != ".":
            return text.lstrip(JSON_NUMBER).replace(".", column.decimal_separator)
        return text.lstrip(JSON_NUMBER) if self.marked else text


def compact(value: JsonValue) -> str:
    """Return a value as JSON without white space, its numbers as they were written."""
    parts: list[str] = []
    pending: list[Callable[[], Iterator[Any]] | Any] = [value]
    while pending:
        match pending.pop():
            case _Sign(sign):
                parts.append(sign)
            case None:
                parts.append("null")
            case True:
                parts.append("true")
            case False:
                parts.append("false")
            case Number() | Constant() as written:
                parts.append(written)
            case str() as text:
                parts.append(_quoted(text))
            case Members() as members:
                pending.append(_Sign("}"))
                for place, (key, member) in reversed(list(enumerate(members))):
                    pending += [member, _Sign(":"), key]
                    if place:
                        pending.append(_Sign(","))
                parts.append("{")
            case list() as items:
                pending.append(_Sign("]"))
                for place, item in reversed(list(enumerate(items))):
                    pending.append(item)
                    if place:
                        pending.append(_Sign(","))
                parts.append("[")
    return "".join(parts)


class _Sign:
    __slots__ = ("sign",)
    __match_args__ = ("sign",)

    def __init__(self, sign: str) -> None:
        self.sign = sign


def _quoted(text: str) -> str:
    return f'"{_TO_ESCAPE.sub(_escaped, text)}"'


def _escaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0], f"\\u{ord(found[0]):04X}")


def parts_of(value: JsonValue) -> Iterator[JsonValue]:
    """Yield a value and all values inside of it, and the keys of its objects as text."""
    pending = [value]
    while pending:
        part = pending.pop()
        yield part
        if isinstance(part, Members):
            for key, member in part:
                pending += [key, member]
        elif isinstance(part, list):
            pending += part
