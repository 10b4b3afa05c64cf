"""Names of files of other servers as text."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from claimwatch.domain.sources.remote_names import name_of, path_bytes

RAW = st.one_of(
    st.binary(max_size=20),
    st.lists(st.sampled_from([b"a", b"\xff", b"\xee\xbe\x80", "é".encode(), b"\xee\xbf"])).map(b"".join),
)


@given(RAW)
@example("\uef80".encode())
@example(b"\xee\xbe\x80\xee\xbe")
def test_every_text_leads_back_to_its_name(raw: bytes) -> None:
    assert path_bytes(name_of(raw)) == raw


@given(RAW, RAW)
def test_two_names_never_have_the_same_text(one: bytes, other: bytes) -> None:
    assert (name_of(one) == name_of(other)) == (one == other)


@given(RAW)
def test_every_text_can_be_stored_as_utf8(raw: bytes) -> None:
    text = name_of(raw)
    assert json.loads(json.dumps(text)) == text
    assert text.encode("utf-8").decode("utf-8") == text


@pytest.mark.parametrize("name", ["claims 2026.csv", "Schäden+100%.csv", "事故.csv", "zeile\n.csv", "é.csv"])
def test_names_in_utf8_stay_as_they_are(name: str) -> None:
    assert name_of(name.encode()) == name
