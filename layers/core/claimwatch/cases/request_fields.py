"""Fields of requests; every function raises ``MalformedEvent``, which names the field and quotes no value."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from claimwatch.aws.event_fields import Fields
from claimwatch.aws.http_api import RawRequest
from claimwatch.domain.contract.contract import LINE_NAME
from claimwatch.errors import MalformedEvent

LONGEST_TEXT = 2000
"""Characters of a reason."""

LONGEST_FILTER = 500
"""Characters of a filter of a list."""

LONGEST_NAME = 200
"""Characters of the name of a person, as in access tokens."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def line(request: RawRequest) -> str:
    """Return the line of a path."""
    return request.path.get("line", "")


def claim_id(request: RawRequest) -> str:
    """Return the id of a claim. API Gateway decodes a path except for ``%25``."""
    return unquote(request.path.get("claim_id", ""))


def case_id(request: RawRequest) -> str:
    """Return the id of a case."""
    return uuid(request.path.get("case_id", ""), "path", "case_id")


def only_case(request: RawRequest) -> dict[str, Any]:
    """Return the fields of a request that only names a case."""
    return {"case_id": case_id(request)}


def uuid(text: str, where: str, name: str) -> str:
    """Return the text of a UUID in lower case."""
    if not _UUID.fullmatch(text):
        raise MalformedEvent(f"{where}: '{name}' must be a UUID")
    return text.lower()


def flag(request: RawRequest, name: str) -> bool:
    """Return a field of the query that is true or false; false if it is missing."""
    match request.query.get(name, "false"):
        case "true":
            return True
        case "false":
            return False
    raise MalformedEvent(f"query: field '{name}' must be true or false")


def filters(request: RawRequest, names: Iterable[str], times: Iterable[str] = ()) -> dict[str, str]:
    """Return those of the named fields of the query that it has; ``times`` in ISO 8601."""
    query = Fields(request.query, "query")
    found = {name: request.query[name] for name in names if query.has(name)}
    found |= {name: in_utc(query.moment(name)) for name in times if query.has(name)}
    if any(len(value) > LONGEST_FILTER for value in found.values()):
        raise MalformedEvent(f"query: a filter has at most {LONGEST_FILTER} characters")
    return found


def number(request: RawRequest, name: str, least: int, most: int, otherwise: int) -> int:
    """Return a whole number of the query."""
    text = request.query.get(name, str(otherwise))
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise MalformedEvent(f"query: field '{name}' must be a whole number from {least} to {most}")
    return int(text)


def body(request: RawRequest) -> object:
    """Return the body, which must be JSON."""
    try:
        return json.loads(request.body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise MalformedEvent("HTTP request: the body must be an object in JSON") from None


def _refuse_constant(_: str) -> object:
    raise ValueError("NaN and infinities are not JSON")


def content(request: RawRequest) -> Fields:
    """Return the fields of the body."""
    return Fields(body(request), "HTTP request")


def short(fields: Fields, name: str, most: int) -> str | None:
    """Return a text that may be missing, without white space around it."""
    text = (fields.optional_text(name) or "").strip()
    if len(text) > most:
        raise MalformedEvent(f"HTTP request: field '{name}' must have at most {most} characters")
    return text or None


def required(fields: Fields, name: str, most: int) -> str:
    """Return a text that is not blank."""
    fields.text(name)
    text = short(fields, name, most)
    if text is None:
        raise MalformedEvent(f"HTTP request: field '{name}' must not be empty")
    return text


def whole(fields: Fields, name: str) -> int:
    """Return a whole number that is not negative and that every client can represent."""
    value = fields.integer(name)
    if not 0 <= value < 2**53:
        raise MalformedEvent(f"HTTP request: field '{name}' must be a whole number")
    return value


def lines(fields: Fields) -> list[str] | None:
    """Return names of lines, or None if the body names none."""
    if not fields.has("lines"):
        return None
    names = fields.texts("lines")
    if len(names) > 50 or not all(LINE_NAME.fullmatch(name) for name in names):
        raise MalformedEvent("HTTP request: field 'lines' must be a list of names of lines, at most 50")
    return list(names)


def in_utc(moment: datetime) -> str:
    """Return a time in ISO 8601; one without a zone is in UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}
