"""Files are cut into whole records, and damage affects only the damaged rows."""

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from claimwatch.domain.files.records import MAX_RECORD, Batch, RecordCutter

CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
TABLE = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1, max_size=12)
)
BLOCKS = st.integers(1, 64)


def written(rows: list[list[str]], delimiter: str = ",", newline: str = "\n") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=newline, quoting=csv.QUOTE_MINIMAL).writerows(rows)
    return text.getvalue().encode()


def cut(data: bytes, columns: int, block: int = 1 << 20, delimiter: bytes = b",") -> list[Batch]:
    cutter = RecordCutter(delimiter, columns)
    return list(cutter.cut(data[at : at + block] for at in range(0, len(data), block)))


def parsed(batches: list[Batch], delimiter: str = ",") -> list[list[str]]:
    """The readable records as csv.reader reads their standard form."""
    found: list[list[str]] = []
    for batch in batches:
        rows = csv.reader(io.StringIO(batch.text().decode(), newline=""), delimiter=delimiter)
        found += [row for index, row in enumerate(rows) if index not in batch.broken]
    return found


def without_carriage_returns(rows: list[list[str]]) -> list[list[str]]:
    """Remove carriage returns, which Python's writer does not always quote."""
    return [[cell.replace("\r", " ") for cell in row] for row in rows]


@given(TABLE, BLOCKS, st.sampled_from(",;\t|"), st.sampled_from(["\n", "\r\n"]))
def test_a_valid_file_is_read_as_it_was_written(
    rows: list[list[str]], block: int, delimiter: str, newline: str
) -> None:
    rows = without_carriage_returns(rows)
    data = written(rows, delimiter, newline)
    batches = cut(data, len(rows[0]), block, delimiter.encode())
    assert not any(batch.broken for batch in batches)
    assert parsed(batches, delimiter) == rows


@given(TABLE, BLOCKS, st.data())
def test_cutting_a_file_at_a_record_and_then_its_parts_gives_the_same_records(
    rows: list[list[str]], block: int, data: st.DataObject
) -> None:
    text = bytearray(written(without_carriage_returns(rows)))
    for _ in range(data.draw(st.integers(0, 3))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.sampled_from(b'",\nx\r'))
    whole = cut(bytes(text), len(rows[0]), block)
    raws = [batch.raw(index) for batch in whole for index in range(len(batch))]
    places = []
    at = 0
    for batch in cut(bytes(text), len(rows[0])):
        places += [at + int(start) for start in batch.starts]
        at += len(batch.data)
    for place in places[1:3]:
        parts = cut(bytes(text[:place]), len(rows[0])) + cut(bytes(text[place:]), len(rows[0]))
        assert [batch.raw(index) for batch in parts for index in range(len(batch))] == raws


@given(st.integers(0, 10_000), st.sampled_from([b'"', b",", b"\n", b"\xff", b"\0", b"x", b""]), st.booleans())
@settings(max_examples=400)
def test_damage_affects_only_the_rows_that_it_touches(place: int, damage: bytes, quoted: bool) -> None:
    note = 'hail, "then" rain' if quoted else "hail"
    rows = [[f"C{number:03}", str(number), note, "2026-01-05", ""] for number in range(200)]
    data = written(rows)
    place %= len(data)
    damaged = data[:place] + damage + data[place + 1 :]
    got = parsed(cut(damaged, 5))
    touched = data[:place].count(b"\n")
    for number, row in enumerate(rows):
        if abs(number - touched) > 1:
            assert row in got


def test_a_quote_that_is_never_closed_affects_one_row() -> None:
    rows = [[f"C{number}", "a", "b"] for number in range(100_000)]
    data = written(rows).replace(b"C50,a", b'C50,"a')
    batches = cut(data, 3, 1 << 16)
    assert sum(len(batch.broken) for batch in batches) == 1
    assert len(parsed(batches)) == 99_999


def test_an_overlong_line_affects_one_row_and_needs_little_memory() -> None:
    data = b"C1,a,b\nC2," + b"x" * (5 * MAX_RECORD) + b",b\nC3,a,b\n"
    batches = cut(data, 3, 1 << 18)
    assert parsed(batches) == [["C1", "a", "b"], ["C3", "a", "b"]]
    problems = [problem for batch in batches for problem in batch.broken.values()]
    assert [problem.rule for problem in problems] == ["length"]
    assert max(len(batch.data) for batch in batches) <= 2 * MAX_RECORD


def test_each_kind_of_unreadable_record_has_its_reason() -> None:
    data = b'C1,a\nC2,a,b,c\nC3,"a"x,b\nC4,\0,b\nC5,\xff,b\n'
    [batch, _] = cut(data, 3)
    assert [batch.broken[index].message for index in range(5)] == [
        "the row has 2 fields instead of 3",
        "the row has 4 fields instead of 3",
        "a quoted field is not closed, or text follows its closing quote",
        "the row contains a NUL byte",
        "the row is not valid UTF-8",
    ]


def test_delimiters_inside_quotes_do_not_count_as_fields() -> None:
    data = b'C1,"a,b,c",b\nC2,"a,b"\nC3,"a,","b,,"\n\nC4,"a,b",c,d\nC5,"a,""b"",c",d\n'
    [batch, _] = cut(data, 3)
    assert {index: problem.message for index, problem in batch.broken.items()} == {
        1: "the row has 2 fields instead of 3",
        3: "the row has 4 fields instead of 3",
    }


def test_blank_lines_are_not_rows() -> None:
    assert parsed(cut(b"\nC1,a,b\n\r\n\nC2,a,b\n\n", 3)) == [["C1", "a", "b"], ["C2", "a", "b"]]


@given(TABLE, BLOCKS, st.data())
def test_a_cutter_for_places_only_finds_the_same_records(
    rows: list[list[str]], block: int, data: st.DataObject
) -> None:
    text = bytearray(written(without_carriage_returns(rows)))
    for _ in range(data.draw(st.integers(0, 3))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.sampled_from(b'",\nx\r\0\xff'))
    blocks = [bytes(text[at : at + block]) for at in range(0, len(text), block)]
    thorough = [len(batch) for batch in RecordCutter(b",", len(rows[0])).cut(blocks)]
    quick = [len(batch) for batch in RecordCutter(b",", len(rows[0]), places_only=True).cut(blocks)]
    assert quick == thorough
