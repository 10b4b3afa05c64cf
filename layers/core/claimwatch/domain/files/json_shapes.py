"""Recognition of JSON that is no sequence of records, so that it is refused with advice."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from claimwatch.domain.contract.contract import folded_name

BETWEEN = re.compile(r"[\s,\0\x1a\x1e\ufeff]*")
"""What may stand between the values of a file: of joined files, with marks, padding and record separators."""

_NOTHING = "[], \t\r\n\0\x1a\x1e\ufeff"
_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,30}")
_JSON = json.JSONDecoder(parse_int=str, parse_float=str)  # a number may be too long for Python
_ERROR = frozenset({"error", "errors", "fault", "exception", "errormessage", "error_description"})
_OF_ERRORS = _ERROR | {
    "message", "code", "status", "statuscode", "status_code", "__type", "type", "title", "detail", "path",
    "timestamp", "requestid", "request_id", "hostid", "reason", "success", "trace", "resource",
}  # fmt: skip
_AS_RECORDS = 'write one object per row, in pandas with to_json(orient="records", lines=True)'


@dataclass
class _Object:
    """The first object of a text; ``unfinished`` is the member whose value does not end in it."""

    members: dict[str, object] = field(default_factory=dict)
    unfinished: str | None = None
    begins: str = ""
    """The first characters of the unfinished value, without white space."""
    end: int | None = None


def describe_json_without_records(
    sample: str, known_columns: Collection[str], *, complete: bool
) -> str | None:
    """Return what the JSON is and what to do, or None if it may be records or is not JSON.

    One object is a record if it has a known column, unless its values are whole columns.
    """
    start = _end_of(BETWEEN, sample, 0)
    if complete and not sample.strip(_NOTHING):
        return "JSON without any record"
    if sample.startswith("[", start):
        return _describe_array(sample, start)
    if not sample.startswith("{", start):
        return None
    first = _read_object(sample, start)
    if first is None:
        return None
    if first.end is not None and (not complete or sample[_end_of(BETWEEN, sample, first.end) :]):
        return None  # several values
    known = frozenset(map(folded_name, known_columns))
    if any(folded_name(name) in known for name in (*first.members, first.unfinished or "")):
        return _describe_columns(
            {key: first.members[key] for key in first.members if folded_name(key) in known}
        )
    return (
        _describe_wrapped(first, len(sample) - start, known)
        or _describe_error(first.members)
        or _describe_columns(first.members)
        or _describe_index(first.members, known)
    )


def _describe_array(sample: str, start: int) -> str | None:
    inside = _end_of(_SPACE, sample, start + 1)
    try:
        if sample.startswith("[", inside):
            _JSON.raw_decode(sample, inside)
        elif not sample.startswith(("{", "]"), inside):
            _JSON.raw_decode(sample, start)
        else:
            return None
    except (ValueError, RecursionError):
        return None
    return f"JSON with arrays of values, which have no names; {_AS_RECORDS}"


def _describe_wrapped(first: _Object, size: int, known: frozenset[str]) -> str | None:
    """Describe an object of which one member holds the records."""
    if first.unfinished is not None and first.begins.startswith("[{"):
        return _wrapped([first.unfinished])
    for path, records in _lists(first.members):
        keys = {folded_name(key) for record in records for key in record}
        mostly = 2 * len(json.dumps(records)) > size
        if keys & known or mostly:
            return _wrapped(path)
    if isinstance(first.members.get("columns"), list) and isinstance(first.members.get("data"), list):
        return f"JSON with the names apart from the values; {_AS_RECORDS}"
    return None


def _lists(members: Mapping[str, object]) -> Iterator[tuple[list[str], list[dict[str, object]]]]:
    """Yield the lists of objects among the members, and the members of those, with their paths."""
    for key, value in members.items():
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            yield [key], value
        elif isinstance(value, dict):
            yield from (([key, *path], records) for path, records in _lists(value))


def _wrapped(path: list[str]) -> str:
    if all(map(_NAME.fullmatch, path)):
        place, advice = f"in its member '{'.'.join(path)}'", f": jq -c '.{'.'.join(path)}[]' FILE"
    else:
        place, advice = "in one of its members", ""
    return (
        f"one JSON object with the records {place}; the others may say that more records follow, so send the "
        f"records alone, one per line{advice}"
    )


def _describe_error(members: Mapping[str, object]) -> str | None:
    names = {name.casefold() for name in members}
    if names & _ERROR or (names & {"message", "detail"} and names <= _OF_ERRORS):
        return "an error message of a server in JSON, not the file that was asked for; fetch the file again"
    return None


def _describe_columns(members: Mapping[str, object]) -> str | None:
    """Describe an object that holds a whole column in each member."""
    values = list(members.values())
    lists = [value for value in values if isinstance(value, list)]
    objects = [value for value in values if isinstance(value, dict)]
    if len(values) > 1 and (
        (len(lists) == len(values) and len(set(map(len, lists))) == 1)
        or (len(objects) == len(values) and all(key.isdecimal() for item in objects for key in item))
    ):
        return f"JSON with columns instead of records; {_AS_RECORDS}"
    return None


def _describe_index(members: Mapping[str, object], known: frozenset[str]) -> str | None:
    """Describe an object of records by number or name."""
    records = [value for value in members.values() if isinstance(value, dict)]
    if not records or len(records) < len(members):
        return None
    keys = {folded_name(key) for record in records for key in record}
    same = len(records) > 1 and len({frozenset(record) for record in records}) == 1
    if keys & known if known else same:
        return "one JSON object with each record in a member; send the records alone: jq -c '.[]' FILE"
    return None


def _read_object(text: str, start: int) -> _Object | None:
    """Read the object at this position as far as the text goes; return None if it is not one."""
    found = _Object()
    at = _end_of(_SPACE, text, start + 1)
    while not text.startswith("}", at):
        try:
            key, at = _JSON.raw_decode(text, at)
            at = _end_of(_SPACE, text, at)
            if not isinstance(key, str) or not text.startswith(":", at):
                return None
            at = _end_of(_SPACE, text, at + 1)
        except (ValueError, RecursionError):
            return None
        try:
            found.members[key], end = _JSON.raw_decode(text, at)
        except (ValueError, RecursionError):
            found.unfinished, found.begins = key, "".join(text[at : at + 100].split())
            return found
        at = _end_of(BETWEEN, text, end)
    found.end = at + 1
    return found


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return at if match is None else match.end()
