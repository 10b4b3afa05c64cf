"""Claims in a request keep what their sender wrote: digits, repeated keys, and the text of each claim."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.validation.claim_json import Claim, Constant, Members, Number, read_claim, read_claims
from claimwatch.errors import MalformedEvent

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def test_numbers_keep_their_digits_and_repeated_keys_are_kept() -> None:
    [claim] = read_claims(b'{"claims": [{"a": 1.50, "a": -0, "b": [1E5, NaN, "1"]}]}', "claims")
    assert claim.value == Members(
        [("a", Number("1.50")), ("a", Number("-0")), ("b", [Number("1E5"), Constant("NaN"), "1"])]
    )
    assert isinstance(claim.value, Members)
    assert [type(value) for _, value in claim.value] == [Number, Number, list]


def test_a_claim_is_the_line_that_a_file_would_have() -> None:
    [first, second] = read_claims('\ufeff{ "claims" : [ {"a":\r\n "\\n"} ,\n7\n] }\n', "claims")
    assert first == Claim('{"a":  "\\n"}', Members([("a", "\n")]))
    assert second == Claim("7", Number("7"))


def test_no_claims_are_no_error() -> None:
    assert read_claims('{"claims": [ ]}', "claims") == []


@given(st.lists(JSON, max_size=4), st.sampled_from([None, 1]))
def test_every_element_is_one_claim_with_its_own_text(elements: list[object], indent: int | None) -> None:
    body = json.dumps({"claims": elements}, ensure_ascii=False, indent=indent)
    try:
        encoded = body.encode()
    except UnicodeEncodeError:
        encoded = json.dumps({"claims": elements}).encode()
    claims = read_claims(encoded, "claims")
    assert [json.loads(claim.text) for claim in claims] == elements
    assert not any("\n" in claim.text for claim in claims)
    assert [read_claim(claim.text) for claim in claims] == claims


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"secret",
        b'"secret"',
        b"{}",
        b'{"claims"}',
        b'{"claims": }',
        b'{"claims": {}}',
        b'{"claims": null}',
        b'{"secret": []}',
        b'{"claims": [], "secret": 1}',
        b'{"secret": 1, "claims": []}',
        b'{"claims": [], "claims": []}',
        b'{"claims": [1,]}',
        b'{"claims": [1 2]}',
        b'{"claims": [{"a": secret}]}',
        b'{"claims": [{"a": "\n"}]}',
        b'{"claims": [{"a": "\x1f"}]}',
        b'{"claims": [{"a": "\0"}]}',
        b'{"claims": [01]}',
        b'{"claims": [nan]}',
        b'{"claims": [',
        b'{"claims": [1',
        b'{"claims": [1]',
        b'{"claims": [1]} secret',
        b'{"claims": ["\xff"]}',
        b'{"claims": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}",
    ],
)
def test_any_other_body_is_malformed_and_not_quoted(body: bytes) -> None:
    with pytest.raises(MalformedEvent) as error:
        read_claims(body, "claims")
    assert "secret" not in str(error.value)


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: f'{{"claims": [{text}'))
def test_no_body_breaks_the_reader(body: bytes | str) -> None:
    with contextlib.suppress(MalformedEvent):
        read_claims(body, "claims")
