"""Objects of a stream arrive back to back, with or without separators, and each becomes one row."""

import gzip
import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.files.csv_reader import LONGEST_RECORD
from claimwatch.domain.files.joined_objects import JoinedLines, JoinedObjects
from tests.unit.formats.offered import offer

KNOWN = ("claim_id", "note")
texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8
) | st.sampled_from(["}{", '"}{"', "} {", "\\", "{", "}", "\n", "a\r\nb"])
claims = st.fixed_dictionaries(
    {"claim_id": st.text("C-0123456789", min_size=1, max_size=6)},
    optional={"note": texts, "nested": st.dictionaries(texts, texts, max_size=2), "list": st.lists(texts)},
)
separators = st.sampled_from(["", "", " ", "\t", "\n", "\r\n", "\n\n"])
DELIMITED = "".join(f'{{"claim_id": "first {number}"}}\n' for number in range(310))
"""More lines than those from which the format is detected."""


def objects_of(content: bytes, **options: Any) -> list[Any]:
    """Return the objects that the loader finds in a file."""
    offered = offer(content, KNOWN, **options)
    assert not offered.broken
    return [json.loads(row) for [row] in offered.rows]


def joined(found: list[tuple[Any, str]], *, ascii_only: bool) -> str:
    return "".join(json.dumps(item, ensure_ascii=ascii_only) + separator for item, separator in found)


@given(st.lists(st.tuples(claims, separators), min_size=1, max_size=12), st.booleans(), st.integers(1, 40))
def test_objects_are_found_however_they_are_separated(
    found: list[tuple[Any, str]], ascii_only: bool, block: int
) -> None:
    content = joined(found, ascii_only=ascii_only).encode()
    assert objects_of(content, block=block) == [item for item, _ in found]


@given(st.lists(st.tuples(claims, separators), min_size=1, max_size=6), st.booleans(), st.integers(1, 40))
def test_objects_that_are_joined_far_from_the_beginning_are_found(
    found: list[tuple[Any, str]], ascii_only: bool, block: int
) -> None:
    content = (DELIMITED + joined(found, ascii_only=ascii_only)).encode()
    assert objects_of(content, block=block)[310:] == [item for item, _ in found]


@given(st.lists(st.lists(st.tuples(claims, separators), min_size=1, max_size=4), min_size=1, max_size=4))
def test_members_of_gzip_may_follow_each_other(members: list[list[tuple[Any, str]]]) -> None:
    content = b"".join(gzip.compress(joined(found, ascii_only=True).encode(), 1) for found in members)
    assert objects_of(content) == [item for found in members for item, _ in found]


@given(st.lists(st.tuples(claims, separators), max_size=8), st.lists(st.integers(1, 30), max_size=20))
def test_lines_are_split_alike_wherever_the_text_is_cut(
    found: list[tuple[Any, str]], lengths: list[int]
) -> None:
    text = joined(found, ascii_only=False)
    assert "".join(JoinedLines().rewrite(pieces_of(text, lengths))) == "".join(JoinedLines().rewrite([text]))


def pieces_of(text: str, lengths: Iterable[int]) -> Iterable[str]:
    for length in lengths:
        yield text[:length]
        text = text[length:]
    yield text


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"a": 1}{"a": 2} {"a": 3}', ['{"a": 1}', '{"a": 2}', '{"a": 3}']),
        ('{"a": 1}{"a": oops}{"a": 3}', ['{"a": 1}', '{"a": oops}', '{"a": 3}']),
        ('{"a": 1} rest {"a": 2}{"a": 3}', ['{"a": 1} rest {"a": 2}', '{"a": 3}']),
        ('oops}{"a": 2}', ["oops}", '{"a": 2}']),
        ('{"a": "}{"}', ['{"a": "}{"}']),
        ('{"a": "}{"', ['{"a": "}', '{"']),
        ("{}{}", ["{}", "{}"]),
        ("no object", ["no object"]),
    ],
)
def test_damage_costs_only_the_stretch_until_the_next_object(line: str, expected: list[str]) -> None:
    assert "".join(JoinedLines().rewrite([line])).split("\n") == expected
    assert "".join(JoinedLines().rewrite([f"{line}\n"])).split("\n") == [*expected, ""]


def test_a_line_without_end_is_split_in_bounded_memory() -> None:
    item = json.dumps({"claim_id": "C-1", "note": "x" * 1000})
    splitter = JoinedLines()
    found = waiting = 0
    for text in splitter.rewrite([item * 100] * 50):
        found += text.count("\n")
        waiting = max(waiting, len(splitter._pending))
    assert found + 1 == 5000
    assert waiting <= LONGEST_RECORD + 100 * len(item)


def test_an_object_without_end_is_passed_on_and_the_next_line_is_split() -> None:
    texts = ['{"a": "', *["x" * 100_000] * 30, "\n", '{"b": 1}{"b": 2}']
    lines = "".join(JoinedLines().rewrite(texts)).split("\n")
    assert [line[:9] for line in lines] == ['{"a": "xx', '{"b": 1}', '{"b": 2}']


@pytest.mark.parametrize("text", ['{"a": 1}\n{"a": 2}', '[{"a": 1}, {"a": 2}]', "{[}]{", "a,b\n1,2"])
def test_files_without_joined_objects_are_not_rewritten(text: str) -> None:
    detector = JoinedObjects()
    detector.feed(text.encode())
    assert not detector.found
