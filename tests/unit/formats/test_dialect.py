"""Detection of the dialect, the header and the format from the beginning of a text."""

import pytest

from claimwatch.domain.files.dialect import Dialect, Escape
from claimwatch.domain.files.dialect_detection import detect_dialect, read_preamble
from claimwatch.domain.files.file_format import Format, detect_format
from claimwatch.errors import RefusedFile

PLAIN = Dialect()


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ("a,b\n1,2\n", PLAIN),
        ("a;b\n1,5;2\n", Dialect(";")),
        ("a\tb\n1\t2\n", Dialect("\t")),
        ("a|b|c\n1|2|3\n", Dialect("|")),
        ("a^b\n1^2\n3^4\n", Dialect("^")),
        ("a~b\n1~2\n3~4\n", Dialect("~")),
        ("a:b:c\n1:2:3\n", Dialect(":")),
        ("a||b||c\n1||2||3\n", Dialect("||")),
        ("a§b\n1§2\n", Dialect("§")),
        ("a\x01b\n1\x012\n", Dialect("\x01")),
        ("id;amount, EUR\n1;2,5\n2;3,5\n", Dialect(";")),
        ("claim_id\nM-1\nM-2\n", PLAIN),
        ("comment\nhello, world\nfine\na, b, c\n", PLAIN),
        ("when\n12:30:15\n12:31:15\n", PLAIN),
        ("a;b;c\n", Dialect(";")),
        ("a;b;c", Dialect(";")),
        ('"a\nb";c\n1;2\n', Dialect(";")),
        ("'a','b'\n'1,2','x'\n'3','it''s'\n", Dialect(quote="'")),
        ("a,b\n'tis,1\nit's,2\n", PLAIN),
        ('a,b\n1,"x \\"y\\" z"\n2,q\n', Dialect(escape=Escape.BACKSLASH)),
        ('a,b\n"C:\\dir\\","x"\n"D:\\",y\n', PLAIN),
        ("a,b\nx\\,y,1\nz,2\n", Dialect(escape=Escape.BACKSLASH)),
        ('"a", "b"\n"1", "2"\n"x,y", "3"\n', Dialect(skip_space=True)),
        ("a, b\n1, 2\n", PLAIN),
        ('a,b\n1,"x\n2,y\n3,z\n', PLAIN),
    ],
)
def test_a_dialect_is_detected_without_a_contract(sample: str, expected: Dialect) -> None:
    assert detect_dialect(sample, (), complete=True) == expected


def test_known_columns_decide_if_the_rows_mislead() -> None:
    sample = "claim id;amount,net\n1,5;2\n2,5;3\n"
    assert detect_dialect(sample, {"claim_id", "Amount"}).delimiter == ";"
    assert detect_dialect("claim_id amount place\nM-1 12 x\n", {"claim_id", "amount"}).delimiter == " "
    assert detect_dialect("claim_id#amount\nM-1#12\n", {"claim_id", "amount"}).delimiter == "#"


def header(sample: str, *known: str) -> tuple[str, ...]:
    opening = read_preamble(sample, known, complete=True)
    assert opening is not None
    return opening.header


def body(sample: str, *known: str) -> str:
    opening = read_preamble(sample, known, complete=True)
    assert opening is not None
    return sample[opening.body :]


@pytest.mark.parametrize(
    "above",
    ["", "\n\n", "sep=,\n", '"sep=,"\r\n', "  \r\n\t\n", ",,,\n", "# made on Monday\n"],
)
def test_lines_above_the_header_are_skipped(above: str) -> None:
    assert header(above + "id,name\n1,x\n") == ("id", "name")
    assert body(above + "id,name\n1,x\n") == "1,x\n"


def test_prose_above_the_header_is_skipped_if_columns_are_known() -> None:
    sample = "Claims of March\nprinted, by hand\n\nclaim_id;Amount\n1;2\n"
    assert header(sample, "claim_id", "amount") == ("claim_id", "Amount")
    assert body(sample, "claim_id", "amount") == "1;2\n"


def test_names_of_the_header_are_stripped_and_completed() -> None:
    assert header(' id , name ,"x ""y""",\n1,2,3,\n') == ("id", "name", 'x "y"', "column_4")
    assert header("id,name,id\n1,2,3\n") == ("id", "name", "id")
    assert header("#id,name\n1,2\n") == ("#id", "name")
    assert header("id") == ("id",)


def test_a_trailing_delimiter_in_the_rows_is_a_nameless_column() -> None:
    assert header("a,b\n1,2,\n3,4,\n") == ("a", "b", "column_3")
    assert header("a,b\n1,2,\n3,4,5\n") == ("a", "b")
    assert header("a,b\n1,2,\n3,4\n") == ("a", "b")


def test_a_trailing_delimiter_in_the_header_only_is_ignored() -> None:
    assert header("a,b,,\n1,2\n3,4\n") == ("a", "b")


def test_a_header_that_does_not_end_is_not_accepted() -> None:
    assert read_preamble('id,"name\n1,2\n', (), complete=False) is None


OPEN_QUOTE = 'claim_id,loss_date,"note\nC1,2024-01-01,Jane Roe born 1980\nC2,2024-01-02,x"\nC3,2024-01-03,y\n'


@pytest.mark.parametrize(
    "sample",
    [
        OPEN_QUOTE,
        OPEN_QUOTE.replace("\n", "\r\n"),
        OPEN_QUOTE.replace(",", ";"),
        OPEN_QUOTE.replace('"note', '"'),
        'claim_id,"note\n",C1\n',
    ],
)
def test_a_quote_left_open_in_the_header_swallows_no_row(sample: str) -> None:
    for known in [(), ("claim_id", "note")]:
        with pytest.raises(RefusedFile, match=r"^column [23] of the header has a line break") as refused:
            read_preamble(sample, known, complete=True)
        assert "C1" not in str(refused.value)


def test_a_known_name_may_be_broken_over_lines_as_spreadsheets_write_it() -> None:
    assert header('"Claim\nid",note\n1,x\n', "claim_id", "note") == ("Claim\nid", "note")


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_an_unknown_name_may_be_broken_over_lines_if_the_rows_are_as_wide_as_the_header(
    line_break: str,
) -> None:
    rows = "".join(f"C{number},x,3\n" for number in range(9))
    assert header(f'id,"two{line_break}lines",note\n{rows}') == ("id", f"two{line_break}lines", "note")
    with pytest.raises(RefusedFile, match="has a line break in its name"):
        header(f'id,"two{line_break}lines",note\n{rows.replace(",3", "")}')


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ('{"a":1}\n{"a":2}\n', Format.NDJSON),
        ('{"a":1}', Format.NDJSON),
        ('\n{ "a":1}\n{"a":\n{"a":3}\n', Format.NDJSON),
        ('{\n "a": 1\n}\n', Format.JSON),
        ('[{"a":1}]', Format.JSON),
        ("[]", Format.JSON),
        ("[id],[name]\n1,2\n", Format.CSV),
        ("{id},{name}\n1,2\n", Format.CSV),
        ("a,b\n", Format.CSV),
    ],
)
def test_the_format_is_detected_from_the_beginning(sample: str, expected: Format) -> None:
    assert detect_format(sample) is expected
