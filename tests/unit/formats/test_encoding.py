"""Detection of the encoding from a file's bytes."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.files.encoding import Encoding, EncodingDetector, detect_encoding

TEXT = "claim_id,amount,place\nM-1,12.50,Größenwahn\nM-2,7.00,Saint-Rémy\n"


@pytest.mark.parametrize("encoding", [each for each in Encoding if each is not Encoding.CP1252])
@pytest.mark.parametrize("marked", [True, False])
def test_unicode_is_detected_with_and_without_its_mark(encoding: Encoding, marked: bool) -> None:
    text = "\ufeff" * marked + TEXT
    mark = len("\ufeff".encode(encoding)) if marked else 0
    assert detect_encoding(text.encode(encoding)) == (encoding, mark)


def test_mostly_chinese_utf_16_without_a_mark_is_detected() -> None:
    text = "id,说明\n" + "1,被保险人在高速公路上与另一辆车相撞,无人受伤\n" * 20
    assert detect_encoding(text.encode("utf-16-le")) == (Encoding.UTF_16_LE, 0)
    assert detect_encoding(text.encode("utf-16-be")) == (Encoding.UTF_16_BE, 0)


def test_utf_8_with_a_nul_byte_is_still_utf_8() -> None:
    assert detect_encoding(b"a,b\n1,\0\n" * 10) == (Encoding.UTF_8, 0)
    assert detect_encoding(TEXT.encode().replace(b"7", b"\0")) == (Encoding.UTF_8, 0)


def detector(content: bytes, block: int = 1 << 20) -> EncodingDetector:
    counted = EncodingDetector()
    for at in range(0, len(content), block):
        counted.feed(content[at : at + block])
    return counted


def test_damaged_utf_8_is_still_utf_8() -> None:
    damaged = TEXT.encode() * 20 + b"M-3,1.00,Saint-R\xe9my\n"
    assert detector(damaged).encoding() is Encoding.UTF_8


@pytest.mark.parametrize("text", ["Größe", "café", "naïve façade", "€ 12", "©", "“quoted” — dashed", "Þór"])
def test_latin_1_is_detected_by_bytes_that_are_not_utf_8(text: str) -> None:
    assert detector(("a,b\n1," + text + "\n").encode("cp1252")).encoding() is Encoding.CP1252


def test_bytes_that_are_rare_in_latin_1_count_as_damage() -> None:
    assert detector(b"a,b\n1,\xff\xff\n2,x\n").encoding() is Encoding.UTF_8


@given(st.text(max_size=60), st.integers(1, 9))
def test_valid_utf_8_has_no_strays_in_blocks_of_any_size(text: str, block: int) -> None:
    content = text.encode("utf-8", "replace")
    counted = detector(content, block)
    assert (counted.sequences, counted.strays, counted.damage) == (
        sum(ord(each) > 127 for each in text),
        0,
        0,
    )


@given(
    st.lists(
        st.sampled_from(
            [b"a", b"\n", b"\xc3\xa9", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80", b"\xe9", b"\xff", b"\xbf"]
        )
    )
)
def test_counts_do_not_depend_on_the_size_of_blocks(pieces: list[bytes]) -> None:
    content = b"".join(pieces) + b"\n\n\n\n"
    whole = detector(content)
    for block in (1, 2, 3, 5):
        parts = detector(content, block)
        assert (parts.sequences, parts.strays, parts.damage) == (whole.sequences, whole.strays, whole.damage)


def test_random_bytes_are_counted_without_an_error() -> None:
    generator = random.Random(5)
    for _ in range(200):
        content = generator.randbytes(generator.randrange(1, 200))
        detector(content, generator.randrange(1, 50)).encoding()
