"""Claims in a local file of JSON, cut into requests without changing a character of a claim.

A number that is parsed and written again may be another one, and then its score is another one, too.
"""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

from claimwatch.errors import RefusedData

MOST_CLAIMS = 100
"""Claims of a request."""
MOST_CHARACTERS = 200_000
"""Characters of the claims of a request; a single larger claim is sent alone."""

LARGEST_PLAIN = 4 << 20
"""Bytes of a body that is sent as it is: Lambda takes 6 MB, of which base64 leaves three quarters."""

_BREAKS = re.compile(r"[\r\n]+")
_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def claims_of(path: Path) -> list[str]:
    """Return the text of each claim in a file: NDJSON, a list, an object with a list ``claims``, or a claim.

    Raises ``RefusedData`` if the file has none of these forms.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RefusedData(f"{path} is not UTF-8: save it as UTF-8") from None
    try:
        claims = list(_claims(text))
    except (ValueError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise RefusedData(
            f"{path}{line} is not JSON: write one claim as a JSON object on each line, or a list of them"
        ) from None
    if not claims:
        raise RefusedData(f"{path} has no claims")
    return claims


def requests_of(claims: list[str]) -> Iterator[tuple[int, bytes]]:
    """Yield the bodies of requests that score the claims, each with the position of its first claim."""
    first, waiting = 0, 0
    for position, claim in enumerate(claims):
        if position > first and (position - first >= MOST_CLAIMS or waiting + len(claim) > MOST_CHARACTERS):
            yield first, _body(claims[first:position])
            first, waiting = position, 0
        waiting += len(claim)
    yield first, _body(claims[first:])


def ndjson_of(claims: list[str]) -> bytes:
    """Return the claims as NDJSON. A line break within a claim is between its values, never within a text."""
    return "".join(f"{_BREAKS.sub(' ', claim)}\n" for claim in claims).encode()


def packed(body: bytes) -> tuple[bytes, dict[str, str]]:
    """Return a body and its headers, compressed if the API could not take it as it is."""
    if len(body) <= LARGEST_PLAIN:
        return body, {}
    return gzip.compress(body, mtime=0), {"content-encoding": "gzip"}


def _body(claims: list[str]) -> bytes:
    return f'{{"claims":[{",".join(claims)}]}}'.encode()


def _claims(text: str) -> Iterator[str]:
    start = _skip(text, 0)
    if text[start : start + 1] == "[":
        yield from _items(text, start)
        return
    while start < len(text):
        content, end = _DECODER.raw_decode(text, start)
        following = _skip(text, end)
        if start == _skip(text, 0) and following == len(text) and _is_request(content):
            yield from _items(text, text.index("[", start))
            return
        yield text[start:end]
        start = following


def _is_request(content: object) -> bool:
    """Return whether an object is a request as the API takes it: its only member is a list of objects."""
    if not isinstance(content, dict) or content.keys() != {"claims"}:
        return False
    claims = content["claims"]
    return isinstance(claims, list) and all(isinstance(claim, dict) for claim in claims)


def _items(text: str, start: int) -> Iterator[str]:
    """Yield the text of each item of the list that begins at ``start``."""
    at = _skip(text, start + 1)
    while text[at : at + 1] != "]":
        _, end = _DECODER.raw_decode(text, at)
        yield text[at:end]
        at = _skip(text, end)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != "]":
            raise json.JSONDecodeError("expected a comma", text, at)


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
