"""A strict subset of YAML in which every scalar is the text that was written.

``NO`` stays a country and ``0123`` keeps its zero; only an empty or ``null`` value of a key is None. Aliases,
tags, duplicate keys and deep nesting are refused: a contract needs none of them, and each can mislead readers
or exhaust memory.

The values are built from parser events. ``yaml.BaseLoader`` takes 14 times as long (42 ms instead of 3 ms for
the sample contract, at every cold start), and its C version ends the process when lists are nested deeply.
"""

import re
from collections.abc import Iterator

import yaml

from claimwatch.errors import RefusedContract

MAX_TEXT = 1 << 20
"""Characters; a column takes about 500, and a table in PostgreSQL has at most 1,600 columns."""

MAX_DEPTH = 24

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# PostgreSQL stores neither NUL nor lone surrogates.
_FORBIDDEN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_NULLS = {"", "~", "null", "Null", "NULL"}

type YamlValue = str | list[YamlValue] | YamlMapping | None


class YamlMapping(dict[str, YamlValue]):
    """A mapping, and the line (from 1) on which it begins."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


def decode_text(content: bytes) -> tuple[str, list[str]]:
    """Return the text of a file, made storable, and the reasons why it is not a text in UTF-8."""
    text = content.decode("utf-8-sig", "replace").replace("\0", "\ufffd")
    if b"\0" in content:
        return text, [
            f"byte {content.index(0) + 1:,} of the file is zero, so it is not a text; save it as UTF-8"
        ]
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return text, [f"byte {error.start + 1:,} of the file is not UTF-8; save it as UTF-8"]
    return text, []


def read_yaml(text: str) -> YamlValue:
    """Return the value of a text that holds one document.

    Raises ``RefusedContract`` with the place and the reason if it cannot be read.
    """
    if len(text) > MAX_TEXT:
        raise RefusedContract([f"the file has {len(text):,} characters; the maximum is {MAX_TEXT:,}"])
    try:
        return _document(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        raise RefusedContract([_syntax_problem(error, text)]) from None
    except (yaml.YAMLError, UnicodeError):
        raise RefusedContract(
            ["the file contains characters that YAML does not allow; save it as UTF-8"]
        ) from None


def _syntax_problem(error: yaml.MarkedYAMLError, text: str) -> str:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    problem = error.problem or "the file ends too early"
    if "".join(text.split("\n")[line : line + 1])[column : column + 1] == "\t":
        problem = "unexpected tab; indent with spaces"
    elif "mapping values are not allowed" in problem:
        problem = "unexpected ':'; check the indentation or quote the value"
    elif error.context:
        problem = f"{problem} ({error.context})"
    return f"line {line + 1}, position {column + 1}: invalid YAML: {problem}"


def _document(events: Iterator[yaml.Event]) -> YamlValue:
    documents, value = 0, None
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise _refusal(event, "a second document begins; put one contract in a file")
        elif isinstance(event, yaml.NodeEvent):
            value = _value(event, events, 0)
    return value


def _value(event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> YamlValue:
    """Return the value that begins with ``event``; it takes the rest of its events from ``events``."""
    if isinstance(event, yaml.AliasEvent):
        raise _refusal(event, f"'*{event.anchor}' is an alias; write out the value")
    if getattr(event, "tag", None):
        raise _refusal(event, "the value begins with a tag; remove the tag")
    if isinstance(event, yaml.ScalarEvent):
        if _FORBIDDEN.search(event.value):
            raise _refusal(event, "the text contains a control character; remove it")
        return str(event.value)
    if depth == MAX_DEPTH:
        raise _refusal(event, f"values are nested more than {MAX_DEPTH} levels deep")
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[YamlValue] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(_value(event, events, depth + 1))
        return items
    mapping = YamlMapping(_line(event))
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key = _value(event, events, depth + 1)
        if not isinstance(key, str):
            raise _refusal(event, "a key must be a text")
        if key in mapping:
            raise _refusal(event, f"the key '{key}' is duplicated")
        event = next(events)
        value = _value(event, events, depth + 1)
        plain = isinstance(event, yaml.ScalarEvent) and event.implicit[0]
        mapping[key] = None if plain and value in _NULLS else value
    return mapping


def _refusal(event: yaml.Event, problem: str) -> RefusedContract:
    return RefusedContract([f"line {_line(event)}: {problem}"])


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0
