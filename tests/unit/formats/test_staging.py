"""Dropped files become CSV or NDJSON in normal form with the same cells, or are refused with a reason."""

import csv
import gzip
import io
import json
import random
import re
import zipfile
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from claimwatch.domain.contract.contract import MAX_NAME, Column, Contract, LogicalType, Role
from claimwatch.domain.files.dialect import Dialect, Escape
from claimwatch.domain.files.encoding import Encoding
from claimwatch.domain.files.header import csv_layout
from claimwatch.errors import RefusedFile
from tests.unit.formats.offered import Offered, offer, written

UNICODE = st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")
WESTERN = st.characters(codec="cp1252", exclude_categories=["Cc"])
HEADER = ["claim_id", "amount", "place", "notes"]


def gzipped(content: bytes) -> bytes:
    """Return gzip without a time stamp, so that the bytes, which name tests, are always the same."""
    return gzip.compress(content, mtime=0)


def tables(letters: st.SearchStrategy[str]) -> st.SearchStrategy[list[list[str]]]:
    cell = st.text(letters, max_size=10) | st.sampled_from(
        ['"', '""', ",", ";", "\n", "\r\n", "'", "\\", " x ", "||"]
    )
    return st.lists(st.lists(cell, min_size=4, max_size=4), max_size=8)


NEWLINES = st.sampled_from(["\n", "\r\n", "\r"])


def with_breaks_as(newline: str, rows: list[list[str]]) -> list[list[str]]:
    """Return the rows with LF in cells if lines end in a lone CR."""
    return [[re.sub("\r\n|\r", "\n", cell) for cell in row] for row in rows] if newline == "\r" else rows


def check(offered: Offered, rows: list[list[str]]) -> None:
    assert offered.broken == []
    assert offered.prepared.header == tuple(HEADER)
    assert offered.rows == rows


@pytest.mark.slow
@given(
    tables(UNICODE),
    st.sampled_from([each for each in Encoding if each is not Encoding.CP1252]),
    st.sampled_from([",", ";", "\t", "|", ":", "^", "~", "#", "||", "~|~", "§", "\x01"]),
    NEWLINES,
    st.booleans(),
    st.booleans(),
)
@settings(deadline=None, max_examples=300)
@example([["\r", "", "", ""]], Encoding.UTF_16_LE, ",", "\r", False, False)
@example([["", "", "", "\\"]], Encoding.UTF_8, ",", "\n", False, False)
def test_a_table_in_any_unicode_dialect_keeps_its_cells(
    rows: list[list[str]], encoding: Encoding, delimiter: str, newline: str, marked: bool, packed: bool
) -> None:
    if len(delimiter) == 1:
        text = written(
            [HEADER, *rows], delimiter=delimiter, lineterminator=newline, quoting=csv.QUOTE_MINIMAL
        )
    else:
        quoted = [['"' + cell.replace('"', '""') + '"' for cell in row] for row in rows]
        text = "".join(delimiter.join(row) + newline for row in [HEADER, *quoted])
    content = ("\ufeff" * marked + text).encode(encoding)
    offered = offer(gzip.compress(content) if packed else content, HEADER)
    check(offered, with_breaks_as(newline, rows))
    assert ("gzip" in offered.prepared.described) == packed
    is_normal = encoding is Encoding.UTF_8 and delimiter in ",;\t|:^~#" and newline != "\r"
    assert offered.in_place == (is_normal and not packed)


@pytest.mark.slow
@given(tables(WESTERN), st.sampled_from(",;\t|"), NEWLINES, st.booleans())
@settings(deadline=None, max_examples=150)
def test_a_table_in_latin_1_keeps_its_cells(
    rows: list[list[str]], delimiter: str, newline: str, packed: bool
) -> None:
    rows = [
        *rows,
        ["Größe", "ÄÖÜ", "é", "ß"] * 1,
        *[["Ærø", "å", "ø", "ñ"]] * 40,
    ]  # enough to detect the encoding
    text = written([HEADER, *rows], delimiter=delimiter, lineterminator=newline)
    content = text.encode("cp1252")
    offered = offer(gzip.compress(content) if packed else content, HEADER)
    check(offered, with_breaks_as(newline, rows))
    assert "latin-1" in offered.prepared.described


def test_bytes_that_windows_1252_leaves_undefined_are_latin_1() -> None:
    content = b"claim_id,place\n1,Gr\xf6\xdfe\n2,x\x81y\n"
    assert offer(content).rows == [["1", "Größe"], ["2", "x\x81y"]]


@given(tables(UNICODE), st.sampled_from(["\n", "\r\n"]))
@settings(deadline=None)
def test_a_table_in_single_quotes_keeps_its_cells(rows: list[list[str]], newline: str) -> None:
    text = written([HEADER, *rows], quotechar="'", quoting=csv.QUOTE_ALL, lineterminator=newline)
    if "\r" in text.replace("\r\n", "") and newline == "\n":
        return  # ambiguous: these may be lone returns
    check(offer(text.encode(), HEADER), rows)


@given(tables(UNICODE))
@settings(deadline=None)
def test_a_table_with_backslash_escapes_keeps_its_cells(rows: list[list[str]]) -> None:
    rows = [["M-0", "", 'said "no"', "C:\\dir"], *rows]
    text = written([HEADER, *rows], doublequote=False, escapechar="\\", quoting=csv.QUOTE_ALL)
    check(offer(text.encode(), HEADER), rows)


def test_spaces_before_quotes_do_not_belong_to_the_cells() -> None:
    content = b'"claim_id", "place"\n"1", "a, b"\n"2", ""\n'
    assert offer(content).rows == [["1", "a, b"], ["2", ""]]


@given(tables(UNICODE), NEWLINES)
@settings(deadline=None, max_examples=50)
def test_undecodable_utf_16_loses_only_its_row(rows: list[list[str]], newline: str) -> None:
    good = [["M-1", "1", "x", "y"], *rows, ["M-2", "2", "x", "y"]]
    text = written([HEADER, *good, ["M-3", "\ud800", "x", "y"], *good], lineterminator=newline)
    offered = offer(text.encode("utf-16", "surrogatepass"), HEADER)
    assert offered.rows == with_breaks_as(newline, good + good)
    assert len(offered.broken) == 1
    assert offered.broken[0].startswith("M-3,\ufffd,")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("change", [slice(0, 1), slice(0, 0)])
def test_a_lost_or_extra_byte_in_utf_16_loses_only_its_row(encoding: str, change: slice) -> None:
    lines = [
        written([row]) for row in [HEADER, *([f"M-{number}", "1", "Größe", "说明"] for number in range(90))]
    ]
    content = bytearray("".join(lines).encode(encoding))
    place = len("".join(lines[:50]).encode(encoding)) + 21
    content[place + (change.start or 0) : place + (change.stop or 0)] = b"" if change.stop else b"x"
    offered = offer(bytes(content), HEADER)
    assert len(offered.rows) == 89
    assert len(offered.broken) == 1
    assert offered.broken[0].startswith("M-49,1,")


def test_an_unreadable_record_loses_only_its_first_line() -> None:
    lines = ["'claim_id','place'", *(f"'M-{number}','it''s'" for number in range(50))]
    for damaged in ("'M-x,y", "'M-x','y'z", "'M-x','y", "'M-x', 'y'z','", "'M-x'\"','y'"):
        offered = offer("\n".join([*lines[:20], damaged, *lines[20:]]).encode())
        assert len(offered.rows) == 50
        assert len(offered.broken) == 1
        assert damaged in offered.broken[0]


def test_an_overlong_record_is_one_damaged_record() -> None:
    cell = "x" * (3 << 20)
    content = f"'claim_id','place'\n'1','a'\n'2','{cell}'\n'3','c'\n".encode()
    offered = offer(content)
    assert offered.rows == [["1", "a"], ["3", "c"]]
    assert len(offered.broken) == 1


# -- JSON --------------------------------------------------------------------------------------------------

OBJECTS = st.lists(
    st.dictionaries(
        st.text(UNICODE, max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(UNICODE, max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(UNICODE, max_size=3), inner, max_size=3)
            ),
            max_leaves=6,
        ),
        max_size=4,
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.slow
@given(
    OBJECTS,
    st.sampled_from([None, 0, 2]),
    st.sampled_from(["array", "sequence", "lines"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    st.booleans(),
)
@settings(deadline=None, max_examples=200)
def test_json_objects_keep_their_values(
    objects: list[dict[str, object]], indent: int | None, shape: str, encoding: str, packed: bool
) -> None:
    # One object without a known column may be a page of records, which is refused.
    objects = [{"claim_id": "C-1"} | each for each in objects]
    plain = encoding in {"utf-8", "utf-8-sig"} and not packed
    if shape == "array":
        text = json.dumps(objects, indent=indent, ensure_ascii=plain)
    else:
        several = indent if shape == "sequence" else None
        texts = [json.dumps(each, indent=several, ensure_ascii=False) for each in objects]
        text = "\n".join(texts)
    content = text.encode(encoding, "surrogatepass")
    offered = offer(gzip.compress(content) if packed else content, ["claim_id"])
    assert offered.prepared.format == "ndjson"
    assert [json.loads(line) for (line,) in offered.rows if line.strip()] == objects


def test_a_damaged_object_of_an_array_is_lost_alone() -> None:
    parts = [json.dumps({"id": number, "text": "x, [y]"}) for number in range(9)]
    for damage in ('{"id": 4, "text": "a', '{"id": 4, "a": a}', '{"id" 4}', "4x", '{"id":"a\nb"}', "{]}"):
        parts[4] = damage
        offered = offer(("[" + ",\n".join(parts) + "]").encode())
        lines = [line for (line,) in offered.rows] + offered.broken
        good = [number for number in range(9) if json.dumps({"id": number, "text": "x, [y]"}) in lines]
        assert set(good) >= {0, 1, 2, 3, 6, 7, 8}, damage
        assert len(lines) > len(good), damage


def test_a_truncated_array_is_refused() -> None:
    with pytest.raises(RefusedFile, match="cut off"):
        offer(b'[{"a": 1}, {"a": 2}')


# -- Refused -----------------------------------------------------------------------------------------------


def zipped(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b" \r\n\t\n", "the file is empty"),
        ("\ufeff\n".encode("utf-16"), "the file is empty"),
        (gzipped(b""), "the file is empty"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook; open it and save the sheet"),
        (zipped("claims.csv"), "a zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old Excel workbook"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "damage photos go under images/"),
        (b"\xff\xd8\xff\xe0" + bytes(20), "a JPEG image"),
        (b"<!DOCTYPE html>\n<html></html>", "a web page"),
        (b'<?xml version="1.0"?><Error/>', "an XML document"),
        (b"PAR1" + bytes(40), "Parquet file is damaged"),
        (gzipped(gzipped(b"a,b\n1,2\n")), "compressed twice"),
        (gzipped(b"a,b\n" * 99)[:-12], "cut off"),
        (gzipped(b"a,b\n" * 99)[:-4] + b"\1\2\3\4", "damaged"),
        (gzipped(b"a,b\n" * 99) + b"more", "other bytes follow after the content"),
        (bytes(5000), "the file is empty"),
        (random.Random(1).randbytes(5000), "binary data"),
        (b'a,"b\n' + b"1,2\n" * 300_000, "the header does not end"),
    ],
)
def test_a_file_that_is_not_a_table_is_refused_with_its_format(content: bytes, reason: str) -> None:
    with pytest.raises(RefusedFile, match=re.escape(reason)):
        offer(content)


def test_column_names_that_look_like_magic_bytes_are_accepted() -> None:
    for name in ("PAR1", "PARENT", "ORC", "BZh", "GIF8"):
        assert offer(f"{name},b\n1,2\n".encode()).prepared.header == (name, "b")


def test_a_file_that_unpacks_to_more_than_the_limit_is_refused() -> None:
    bomb = gzip.compress(b"a,b\n" + b"1,2\n" * 1_000_000)
    with pytest.raises(RefusedFile, match="unpacks to more than 1 MiB"):
        offer(bomb, most_bytes=1 << 20)


def test_gzip_in_several_members_and_with_padding_is_read() -> None:
    content = gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n") + bytes(512)
    assert offer(content).rows == [["1", "2"], ["3", "4"]]


def test_a_header_without_rows_is_a_table() -> None:
    for content in (b"a,b\n", b"a,b", "a;b".encode("utf-16"), gzip.compress(b"a,b\r\n")):
        offered = offer(content)
        assert (offered.prepared.header, offered.rows) == (("a", "b"), [])


# -- Any header --------------------------------------------------------------------------------------------

CLAIMS = Contract(
    "motor",
    "1.0.0",
    "claim_motor",
    (
        Column("claim_id", LogicalType.STRING, Role.IDENTIFIER, required=True, unique=True),
        Column("amount", LogicalType.STRING, Role.FEATURE),
    ),
)
HEADERS = st.lists(
    st.sampled_from(
        ["claim_id", "amount", "note", " ", ",", ",", ";", '"', '""', "'", "\\", "#", "sep=,", "\u2028"]
    ),
    max_size=12,
).map("".join)
CELLS = st.sampled_from(["1", "", '"1, 2"', 'x"', '"a ""b"""', "'", "\\", "Jane Roe"])


@given(HEADERS, st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6))
@settings(deadline=None, max_examples=500)
@example('claim_id,"amount', [("1", "2"), ("3", 'x"'), ("4", "5")])
def test_whatever_the_header_every_row_is_read_or_the_file_is_refused(
    header: str, rows: list[tuple[str, str]]
) -> None:
    content = "".join(f"{line}\n" for line in [header, *(",".join(row) + ",C-1" for row in rows)])
    with suppress(RefusedFile):
        offered = offer(content.encode(), {"claim_id", "amount"})
        layout = csv_layout(CLAIMS, offered.prepared.header, offered.prepared.delimiter)
        assert len(offered.rows) + len(offered.broken) == len(rows)
        assert all(name.isprintable() and len(name) <= MAX_NAME for name in layout.fields)


# -- Any bytes ---------------------------------------------------------------------------------------------

BEGINNINGS = st.sampled_from(
    [
        *(b"", b"a,b\n", b"sep=", b"'a','b'\n'", b'a,b\n1,"\\"x"\n', b"{", b'{"', b"[", b'[{"a":1},'),
        *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\0\0"),
        *(b"PAR1", b"PK\x03\x04", b"\x1f\x8b", gzipped(b"a,b\n1,2\n")[:14]),
    ]
)


@given(BEGINNINGS, st.binary(max_size=300), st.booleans(), st.sampled_from([None, *Encoding]))
@settings(deadline=None, max_examples=500)
def test_any_bytes_are_prepared_or_refused(
    beginning: bytes, rest: bytes, packed: bool, encoding: Encoding | None
) -> None:
    content = beginning + rest
    with suppress(RefusedFile):
        offered = offer(gzip.compress(content) if packed else content, {"a", "b"}, encoding=encoding)
        assert offered.prepared.body_start <= offered.prepared.size


@pytest.mark.slow
@given(st.randoms(use_true_random=False), st.sampled_from(["utf-8", "utf-16", "cp1252"]), st.booleans())
@settings(deadline=None, max_examples=200)
def test_a_damaged_file_loses_only_damaged_rows(
    generator: random.Random, encoding: str, single: bool
) -> None:
    quotes = {"quotechar": "'" if single else '"', "quoting": csv.QUOTE_ALL}
    rows = [[f"M-{number}", "12.50", "Größe ÄÖ", "a, b"] for number in range(60)]
    lines = [written([row], **quotes) for row in [HEADER, *rows]]
    hit = generator.randrange(20, 60)
    line = bytearray(lines[hit].encode(encoding.replace("utf-16", "utf-16-le")))
    for _ in range(generator.randrange(1, 4)):
        at = generator.randrange(len(line) - 4)
        change = generator.choice([b"", bytes([generator.randrange(256)]), generator.randbytes(2)])
        line[at : at + 1] = change
    content = b"".join(
        bytes(line) if number == hit else text.encode(encoding.replace("utf-16", "utf-16-le"))
        for number, text in enumerate(lines)
    )
    offered = offer(content, HEADER)
    kept = [row for row in offered.rows if row in rows]
    assert [row for row in rows if row not in kept] in ([], [rows[hit - 1]])


def test_dialects_are_described_for_the_ledger() -> None:
    assert Dialect(";", "'", Escape.BACKSLASH, skip_space=True).traits == [
        "semicolon",
        "single quotes",
        "backslash escapes",
        "spaced",
    ]
    assert Dialect("||").traits == ["delimiter ||"]
