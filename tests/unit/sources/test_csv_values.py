"""Values of every driver become CSV that reads back as the same values."""

import csv
import io
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.sources.csv_values import csv_line, row_hash, text_of
from claimwatch.errors import RefusedFile

KEY = b"k" * 32
CELLS = st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("", ""),
        (True, "true"),
        (0, "0"),
        (10**30, "1" + "0" * 30),
        (Decimal("1E+5"), "100000"),
        (Decimal("0.10"), "0.10"),
        (Decimal("1E-10"), "0.0000000001"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (date(2026, 1, 5), "2026-01-05"),
        (datetime.fromisoformat("2026-01-05T12:30:01.000005"), "2026-01-05 12:30:01.000005"),
        (datetime(2026, 1, 5, 12, tzinfo=UTC), "2026-01-05 12:00:00+00:00"),
        (datetime(2026, 1, 5, 12, tzinfo=timezone(timedelta(hours=2))), "2026-01-05 12:00:00+02:00"),
        (time(9, 5), "09:05:00"),
        (timedelta(hours=26, seconds=1), "26:00:01"),
        (-timedelta(minutes=90), "-01:30:00"),
        (timedelta(microseconds=5), "00:00:00.000005"),
        (b"\x00\xff", "00ff"),
        (memoryview(b"\x01"), "01"),
        (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        ({"a": [1, None]}, '{"a": [1, null]}'),
        ([Decimal("0.1"), date(2026, 1, 5)], '["0.1", "2026-01-05"]'),
        ("a\0b\ud800c", "a\ufffdb\ufffdc"),
    ],
)
def test_a_value_has_one_text(value: Any, text: str | None) -> None:
    assert text_of(value) == text


def test_a_type_without_a_text_is_refused_without_its_value() -> None:
    with pytest.raises(RefusedFile, match="type complex cannot be written") as refused:
        text_of(complex(7, 7))
    assert "7" not in str(refused.value)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (("a", None, ""), 'a,,""\n'),
        ((None,), '""\n'),
        (('say "hi"', "a,b", "x\ny", "x\ry"), '"say ""hi""","a,b","x\ny","x\ry"\n'),
        (("\\.", "\\N"), '"\\.","\\N"\n'),
        ((1, Decimal("2.50")), "1,2.50\n"),
    ],
)
def test_cells_are_quoted_as_postgresql_quotes_them(values: tuple[Any, ...], line: str) -> None:
    assert csv_line(values) == line


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3)))
def test_every_text_reads_back_as_it_was(rows: list[list[str | None]]) -> None:
    written = "".join(csv_line(row) for row in rows)
    read = list(csv.reader(io.StringIO(written, newline="")))
    assert read == [[cell or "" for cell in row] for row in rows]


@given(st.lists(CELLS, min_size=1), st.lists(CELLS, min_size=1))
def test_rows_have_the_same_hash_only_if_they_are_equal(
    one: list[str | None], other: list[str | None]
) -> None:
    assert (row_hash(KEY, one) == row_hash(KEY, other)) is (one == other)


def test_the_hash_of_a_row_needs_the_key() -> None:
    assert len(row_hash(KEY, ["Ada"])) == 16
    assert row_hash(KEY, ["Ada"]) != row_hash(b"o" * 32, ["Ada"])
