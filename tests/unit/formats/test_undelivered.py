"""Files of records that the stream could not route are read whatever their blocks, and quoted never."""

import base64
import gzip
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.files.undelivered import (
    LONGEST_LINE,
    UNKNOWN,
    describe_undelivered,
    undelivered_records,
)
from claimwatch.errors import LONGEST_SENTENCE

CODES = ["DynamicPartitioning.MetadataExtractionFailed", "Lambda.FunctionError", "Code"]
errors = st.lists(st.tuples(st.sampled_from(CODES), st.binary(max_size=20)), max_size=8)


def lines_of(found: list[tuple[str, bytes]]) -> bytes:
    return b"".join(
        json.dumps({"errorCode": code, "rawData": base64.b64encode(data).decode()}).encode() + b"\n"
        for code, data in found
    )


def blocks_of(content: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


@given(st.lists(errors, min_size=1, max_size=3), st.booleans(), st.integers(2, 50))
def test_records_are_read_whatever_the_blocks(
    members: list[list[tuple[str, bytes]]], packed: bool, size: int
) -> None:
    content = b"".join(gzip.compress(lines_of(each), 1) if packed else lines_of(each) for each in members)
    found = [(record.code, record.data) for record in undelivered_records(blocks_of(content, size))]
    assert found == [error for each in members for error in each]


@given(st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line and line.strip()), max_size=5))
def test_a_damaged_line_is_a_record_without_content(lines: list[bytes]) -> None:
    found = list(undelivered_records([b" " + b"\n".join(lines)]))
    assert [record.code for record in found] == [UNKNOWN] * len(lines)


def test_a_line_that_is_too_long_is_one_record_and_the_next_ones_are_read() -> None:
    blocks = [b"{", *[b"x" * (1 << 20)] * (LONGEST_LINE // (1 << 20) + 3), b"\n", lines_of([("Code", b"a")])]
    assert [record.data for record in undelivered_records(blocks)] == [None, b"a"]


@pytest.mark.parametrize("number", [1, 1_234])
def test_the_sentence_has_the_number_the_codes_and_what_to_do(number: int) -> None:
    found = [(CODES[0], b"Jane Roe")] * number
    sentence = describe_undelivered([lines_of(found)])
    assert sentence.startswith(f"{number:,} record{'s' * (number > 1)} of the stream could not be routed")
    assert f"({number:,} {CODES[0]})" in sentence
    assert "claimwatch stream replay" in sentence
    assert "Jane" not in sentence


@given(st.lists(st.text(max_size=200), max_size=30))
def test_a_sentence_is_short_and_quotes_no_other_text(codes: list[str]) -> None:
    found = [(f"secret {code}", b"") for code in codes]
    many = [(f"Code{letter}.{'x' * 50}", b"") for letter in "abcdefghij"]
    assert "secret" not in describe_undelivered([lines_of(found)])
    assert len(describe_undelivered([lines_of(many)])) <= 2 * LONGEST_SENTENCE
