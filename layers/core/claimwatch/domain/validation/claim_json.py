"""Claims in the JSON of a request: the text of each claim, and its members as the sender wrote them.

Numbers keep their digits and repeated keys are kept, because the rules of a contract concern both.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from claimwatch.errors import MalformedEvent

type JsonValue = str | Number | Constant | bool | list[JsonValue] | Members | None


class Number(str):
    """A number of JSON, as it is written."""

    __slots__ = ()


class Constant(str):
    """``NaN``, ``Infinity`` or ``-Infinity``: JSON does not have them, but writers of JSON use them."""

    __slots__ = ()


class Members(tuple[tuple[str, Any], ...]):
    """The members of an object in their order; keys may repeat."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of a request.

    ``text`` is what the line of an NDJSON file would be. ``value`` is normally ``Members``; any other value
    of JSON is not a claim and is rejected by validation.
    """

    text: str
    value: JsonValue


_SPACE = re.compile(r"[ \t\n\r]*")
_BREAKS = re.compile(r"[\n\r]+")
_DECODER = json.JSONDecoder(
    object_pairs_hook=Members, parse_int=Number, parse_float=Number, parse_constant=Constant
)


def read_claim(text: str) -> Claim:
    """Return the claim that is the only value of a text. Raises ``MalformedEvent``."""
    claim, end = _claim_at(text, _after_space(text, 0))
    if _after_space(text, end) != len(text):
        raise MalformedEvent("text follows the JSON value")
    return claim


def read_claims(body: str | bytes, key: str) -> list[Claim]:
    """Return the claims of a request: the elements of the array that is the only member of the body's object.

    Raises ``MalformedEvent`` if the body is anything else, without quoting it. Claims that break the rules
    of a contract are returned like all others.
    """
    text = _decoded(body).removeprefix("\ufeff")
    at = _expect(text, _after_space(text, 0), "{", "the body is not a JSON object")
    try:
        name, at = _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        name = None
    if type(name) is not str or name != key:
        raise MalformedEvent(f"the only member of the body must be '{key}'")
    at = _expect(text, at, ":", "the body is not valid JSON")
    at = _expect(text, at, "[", f"'{key}' is not an array")
    claims: list[Claim] = []
    if text.startswith("]", at):
        at = _after_space(text, at + 1)
    else:
        for claim, end in _elements(text, at):
            claims.append(claim)
            at = end
    if text[at : at + 1] == ",":
        raise MalformedEvent(f"the only member of the body must be '{key}'")
    at = _expect(text, at, "}", "the body is not valid JSON")
    if at != len(text):
        raise MalformedEvent("text follows the JSON object of the body")
    return claims


def _elements(text: str, at: int) -> Iterator[tuple[Claim, int]]:
    """Yield the elements of an array, each with the place after it; the last place is after the array."""
    while True:
        claim, at = _claim_at(text, at)
        at = _after_space(text, at)
        if text.startswith("]", at):
            yield claim, _after_space(text, at + 1)
            return
        at = _expect(text, at, ",", "the body is not valid JSON")
        yield claim, at


def _claim_at(text: str, at: int) -> tuple[Claim, int]:
    try:
        value, end = _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        raise MalformedEvent("the body is not valid JSON") from None
    # A line break inside of a string is not valid JSON, so these are between values.
    found = text[at:end]
    if "\n" in found or "\r" in found:
        found = _BREAKS.sub(" ", found)
    return Claim(found, value), end


def _decoded(body: str | bytes) -> str:
    try:
        if isinstance(body, bytes):
            return body.decode("utf-8")
        if not body.isascii():
            body.encode("utf-8")
    except UnicodeError:
        raise MalformedEvent("the body is not valid UTF-8") from None
    return body


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _expect(text: str, at: int, sign: str, otherwise: str) -> int:
    """Return the place after a sign and the white space around it."""
    at = _after_space(text, at)
    if not text.startswith(sign, at):
        raise MalformedEvent(otherwise)
    return _after_space(text, at + 1)
