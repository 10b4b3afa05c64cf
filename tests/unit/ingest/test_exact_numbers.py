"""Numbers of JSON keep their digits, although DuckDB reads them as doubles."""

import json
import re
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwatch.domain.validation.exact_numbers import INEXACT_PATTERN, MARKED_PATTERN, mark_numbers
from claimwatch.domain.validation.identifier_text import JSON_NUMBER

NUMBERS = st.from_regex(
    re.compile(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", re.ASCII), fullmatch=True
)
STRINGS = st.text(max_size=8) | st.sampled_from(['"', "\\", '\\"1.50', ": 1.50,", "1e5", "-0", "[1.10]"])
ENGINE = duckdb.connect(config={"threads": 1})


class Number(str):
    """A number as it is written in a text of JSON."""

    __slots__ = ()


VALUES = st.recursive(
    NUMBERS.map(Number) | STRINGS | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(STRINGS, inner, max_size=3),
    max_leaves=8,
)


def written(value: Any) -> str:
    match value:
        case Number():
            return str(value)
        case list():
            return f"[{', '.join(map(written, value))}]"
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)}: {written(item)}" for key, item in value.items()) + "}"
        case _:
            return json.dumps(value)


def read(text: str) -> Any:
    return json.loads(text, parse_int=Number, parse_float=Number)


@given(st.dictionaries(STRINGS, VALUES, max_size=4))
def test_every_number_is_marked_and_nothing_else_is_changed(value: dict[str, Any]) -> None:
    text = written(value)
    marked = read(mark_numbers(text))
    assert _unmarked(marked) == _unmarked(read(text))
    assert _numbers(mark_numbers(text)) == [
        number for number in _numbers(text) if re.fullmatch("0|-?[1-9][0-9]*", number)
    ]


def _unmarked(value: Any) -> Any:
    match value:
        case list():
            return [_unmarked(item) for item in value]
        case dict():
            return {key: _unmarked(item) for key, item in value.items()}
        case str():
            return value.removeprefix(JSON_NUMBER) if not isinstance(value, Number) else str(value)
        case _:
            return value


def _numbers(text: str) -> list[str]:
    """Return the numbers of a text of JSON in their order."""
    found: list[str] = []
    json.loads(text, parse_int=found.append, parse_float=found.append)
    return found


@pytest.mark.slow
@settings(max_examples=500)
@given(NUMBERS, st.sampled_from(["{{{}: {}}}", "{{{}:{}, {}: 1}}", "{{{}:[{} ]}}"]))
def test_a_number_that_duckdb_would_change_is_found(number: str, form: str) -> None:
    text = form.format('"a"', number, '"b"')
    query = f"SELECT json_extract_string($1::JSON, '$.a'), regexp_matches($1, '{INEXACT_PATTERN}')"
    found = ENGINE.execute(query, [text]).fetchone()
    assert found is not None
    kept, is_found = found
    assert is_found or kept.strip("[]") == number


@pytest.mark.parametrize("number", ["1.10", "1e400", "0.1000000000000000055511151231257827", "-0", "2.0E+10"])
def test_marked_numbers_become_numbers_again(number: str) -> None:
    text = mark_numbers(f'{{"a": [{number}, "1.50"], "b": {{"c": {number}}}}}')
    merged = "json_merge_patch($1::JSON, '{\"z\": null}')::VARCHAR"
    found = ENGINE.execute(
        f"SELECT regexp_replace({merged}, '{MARKED_PATTERN}', '\\1', 'g')", [text]
    ).fetchone()
    assert found == (f'{{"a":[{number},"1.50"],"b":{{"c":{number}}}}}',)
