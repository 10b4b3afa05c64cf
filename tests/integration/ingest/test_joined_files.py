"""Files that were joined from others: no mark becomes part of a value, and no claim is lost."""

import gzip
import json

import pytest
import yaml

from tests.integration.ingest.environment import Row, Site
from tests.integration.ingest.glass import GLASS, HEADER, csv

MARK = "\ufeff"
FIRST, SECOND = "G1,2026-03-01,1,2,Jane Roe,x", "G2,2026-03-02,2,3,John Doe,y"


def claim(number: int, **other: object) -> str:
    """Return a claim as a JSON object."""
    return json.dumps({"claim_id": f"G{number}", "broken_on": "2026-03-01", "amount": number} | other)


def claim_ids(glass: Site) -> set[str]:
    return {row["claim_id"] for row in glass.query("SELECT claim_id FROM claimwatch.current_claim_glass")}


def rules(glass: Site, file: Row) -> dict[int, set[str]]:
    """Return the broken rules by row number."""
    return {
        number: {reason["rule"] for reason in reasons}
        for number, reasons in glass.quarantine(file["file_id"]).items()
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "header", [HEADER, HEADER.upper().replace("_", " "), HEADER.replace("amount", "total")]
)
def test_a_mark_and_a_header_in_the_middle_of_a_file_cost_no_claim(
    header: str, newline: str, encoding: str, glass: Site
) -> None:
    text = MARK + csv(FIRST) + MARK + csv(SECOND, header=header)
    file = glass.drop("claims/glass/a.csv", text.replace("\n", newline).encode(encoding))

    assert (file["status"], file["rows_read"], file["rows_loaded"]) == ("committed", 3, 2)
    assert claim_ids(glass) == {"G1", "G2"}
    assert rules(glass, file) == {2: {"header"}}


def test_marks_and_headers_are_found_in_every_block_and_chunk(small_chunks: None, glass: Site) -> None:
    parts = [
        MARK + csv(f'"G{n}",2026-03-01,1,2,"Roe, Jane","two\nlines"', f"H{n},2026-03-01,1,,,")
        for n in range(9)
    ]
    file = glass.drop("claims/glass/a.csv", "".join(parts))

    assert (file["rows_read"], file["rows_loaded"]) == (26, 18)
    assert claim_ids(glass) == {f"{letter}{n}" for letter in "GH" for n in range(9)}
    assert set(map(frozenset, rules(glass, file).values())) == {frozenset({"header"})}


def test_a_mark_before_a_quoted_value_is_no_part_of_it(glass: Site) -> None:
    quoted = '"G2","2026-03-02","2","3","John Doe","y"'
    for name, text in (
        ("a.csv", csv(FIRST) + MARK + quoted + "\n"),
        ("b.csv", (csv(FIRST) + MARK + quoted + "\n").replace(",", "||")),
    ):
        file = glass.drop(f"claims/glass/{name}", text)
        assert (file["rows_loaded"], file["rows_quarantined"]) == (2, 0)
        assert claim_ids(glass) == {"G1", "G2"}


def test_members_of_gzip_that_begin_with_a_mark_and_a_header_are_read(glass: Site) -> None:
    packed = b"".join(gzip.compress((MARK + csv(row)).encode(), mtime=0) for row in (FIRST, SECOND))
    file = glass.drop("claims/glass/a.csv.gz", packed)

    assert rules(glass, file) == {2: {"header"}}
    assert claim_ids(glass) == {"G1", "G2"}


@pytest.mark.parametrize(
    "header",
    [
        "broken_on,claim_id,amount,panes,driver,story",
        "claim_id,broken_on,amount,panes,story,driver",
        "claim_id,broken_on,amount,panes,driver,notes",
    ],
)
def test_files_with_different_columns_that_were_joined_are_refused(header: str, glass: Site) -> None:
    """Otherwise the cells after the second header would be stored in columns that they do not belong to."""
    file = glass.drop("claims/glass/a.csv", csv(FIRST) + csv(SECOND, header=header))

    assert file["status"] == "refused"
    assert "row 2 is another header" in file["error"]
    assert "send each of them alone" in file["error"]


def test_parts_that_were_joined_without_a_line_break_are_quarantined_with_that_reason(glass: Site) -> None:
    file = glass.drop("claims/glass/a.csv", csv(FIRST)[:-1] + MARK + csv(SECOND))

    assert claim_ids(glass) == {"G2"}
    ((reason,),) = glass.quarantine(file["file_id"]).values()
    assert "files were joined without a line break" in reason["message"]


def test_a_claim_whose_id_is_the_name_of_a_column_is_loaded(glass: Site) -> None:
    file = glass.drop("claims/glass/a.csv", csv("claim_id,2026-03-01,1,2,,", "driver,2026-03-01,1,2,,"))
    assert file["rows_loaded"] == 2


@pytest.mark.parametrize(
    "padding", ["\x1a", "\x1a\n", "\r\n\x1a", "\0" * 512, "\n" + "\0" * 512, "\x1a" + "\0" * 9]
)
@pytest.mark.parametrize("kind", ["csv", "ndjson", "array", "utf-16", "semicolon"])
def test_padding_after_the_last_row_is_not_a_row(kind: str, padding: str, glass: Site) -> None:
    content = {
        "csv": csv(FIRST, SECOND),
        "semicolon": csv(FIRST, SECOND).replace(",", "||"),
        "utf-16": csv(FIRST, SECOND),
        "ndjson": claim(1) + "\n" + claim(2) + "\n",
        "array": f"[{claim(1)}, {claim(2)}]",
    }[kind]
    encoding = "utf-16" if kind == "utf-16" else "utf-8"
    file = glass.drop("claims/glass/a", (content + padding).encode(encoding))

    assert (file["rows_loaded"], file["rows_quarantined"]) == (2, 0)
    assert claim_ids(glass) == {"G1", "G2"}


@pytest.mark.parametrize("padding", ["\x1a", "\0" * 512, "\x1a" + "\0" * 9])
@pytest.mark.parametrize("kind", ["csv", "quoted", "ndjson", "array", "utf-16", "semicolon", "gzip"])
def test_padding_after_a_last_row_without_a_line_break_is_no_part_of_it(
    kind: str, padding: str, glass: Site
) -> None:
    content = {
        "quoted": csv(FIRST, '"G2","2026-03-02","2","3","John Doe","y"'),
        "semicolon": csv(FIRST, SECOND).replace(",", "||"),
        "ndjson": claim(1) + "\n" + claim(2, story="y"),
        "array": f"[{claim(1)}, {claim(2, story='y')}]",
    }.get(kind, csv(FIRST, SECOND))
    data = (content.removesuffix("\n") + padding).encode("utf-16" if kind == "utf-16" else "utf-8")
    file = glass.drop("claims/glass/a", gzip.compress(data) if kind == "gzip" else data)

    assert (file["rows_loaded"], file["rows_quarantined"]) == (2, 0)
    [row] = glass.query("SELECT story FROM claimwatch.claim_glass WHERE claim_id = 'G2'")
    assert row == {"story": "y"}


JOINED = {
    "back to back": claim(1) + claim(2) + claim(3),
    "some back to back": claim(1) + claim(2) + "\n" + claim(3) + "\n",
    "pretty-printed": "\n".join(json.dumps(json.loads(claim(n)), indent=2) for n in (1, 2, 3)),
    "pretty-printed, back to back": "".join(json.dumps(json.loads(claim(n)), indent=2) for n in (1, 2, 3)),
    "arrays": f"[{claim(1)}][{claim(2)},{claim(3)}]",
    "arrays with marks": f"{MARK}[{claim(1)}]\n{MARK}[ \n{claim(2)},\n{claim(3)}\n]\n",
    "an array and lines": f"[{claim(1)}]\n{claim(2)}\n{claim(3)}\n",
    "empty arrays": f"[]\n[{claim(1)},{claim(2)}][][{claim(3)}]",
    "a trailing comma": f"[{claim(1)},{claim(2)},{claim(3)},]",
    "lines with commas": f"{claim(1)},\n{claim(2)},\n{claim(3)},\n",
    "a text sequence": "".join(f"\x1e{claim(n)}\n" for n in (1, 2, 3)),
    "marks": "".join(f"{MARK}{claim(n)}\n" for n in (1, 2, 3)),
    "marks without line breaks": "".join(f"{MARK}{claim(n)}" for n in (1, 2, 3)),
    "blank lines": f"\n{MARK}{claim(1)}\r\n\r\n   \r\n{claim(2)}\n\t\n{claim(3)}",
}


@pytest.mark.parametrize("name", JOINED)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_json_is_read_however_its_objects_are_joined(name: str, encoding: str, glass: Site) -> None:
    file = glass.drop("claims/glass/a.json", JOINED[name].encode(encoding))

    assert (file["status"], file["rows_read"], file["rows_quarantined"]) == ("committed", 3, 0)
    assert claim_ids(glass) == {"G1", "G2", "G3"}


TWICE = {
    "the same key": '{"claim_id": "G1", "amount": 1, "broken_on": "2026-03-01", "amount": 9}',
    "the same value": '{"claim_id": "G1", "amount": 1, "broken_on": "2026-03-01", "amount": 1}',
    "another case": '{"claim_id": "G1", "Claim-ID": "G2", "amount": 1, "broken_on": "2026-03-01"}',
    "a synonym": '{"claim_id": "G1", "total": 1, "broken_on": "2026-03-01", "amount": 9}',
    "an escaped key": '{"claim_id": "G1", "amou\\u006et": 1, "broken_on": "2026-03-01", "amount": 9}',
    "a null": '{"claim_id": "G1", "amount": null, "broken_on": "2026-03-01", "amount": 9}',
}


@pytest.mark.parametrize("name", TWICE)
@pytest.mark.parametrize("shape", ["{1}\n{0}\n", "[{1},{0}]", "{1}{0}"])
def test_an_object_with_a_column_twice_is_quarantined(name: str, shape: str, glass: Site) -> None:
    file = glass.drop("claims/glass/a.json", shape.format(TWICE[name], claim(7)))

    assert claim_ids(glass) == {"G7"}
    assert rules(glass, file) == {2: {"json"}}


def test_a_key_that_changes_half_way_is_read_in_every_object(glass: Site) -> None:
    text = "".join(
        claim(n).replace("amount", "total").replace("claim_id", "Claim-ID") + "\n"
        if n > 50
        else claim(n) + "\n"
        for n in range(1, 101)
    )
    file = glass.drop("claims/glass/a.json", text)

    assert file["rows_loaded"] == 100
    stored = glass.query("SELECT claim_id, amount::text FROM claimwatch.current_claim_glass")
    assert {row["claim_id"]: row["amount"] for row in stored} == {f"G{n}": str(n) for n in range(1, 101)}


@pytest.mark.parametrize("quoted", [True, False])
def test_nan_without_quotes_is_never_stored_as_text(quoted: bool, glass: Site) -> None:
    story = claim(1, story="NaN") if quoted else claim(1, story=float("nan"))
    file = glass.drop("claims/glass/a.json", f"{story}\n{claim(2)}\n")

    assert rules(glass, file) == ({} if quoted else {1: {"json"}})
    assert claim_ids(glass) == ({"G1", "G2"} if quoted else {"G2"})


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-inf", "[1]", '{"a": 1}'])
def test_what_is_neither_text_nor_number_is_not_a_claim_id(value: str, glass: Site) -> None:
    file = glass.drop("claims/glass/a.json", claim(1).replace('"G1"', value) + "\n" + claim(2) + "\n")
    assert rules(glass, file) == {1: {"json"}}
    assert claim_ids(glass) == {"G2"}


def test_nan_is_missing_if_the_contract_says_so(site: Site) -> None:
    assert site.put_contract("glass", GLASS.replace('["?"]', '["NaN"]')).status == "applied"
    file = site.drop("claims/glass/a.json", claim(1, story="?!").replace('"?!"', "NaN") + "\n")
    assert (file["rows_loaded"], file["rows_quarantined"]) == (1, 0)


def test_a_draft_of_joined_files_contains_neither_marks_nor_headers(site: Site) -> None:
    rows = [f"G{n},2026-03-01,{n},{n % 4},Jane Roe,x" for n in range(30)]
    site.drop("claims/apart/a.csv", csv(*rows, *rows))
    site.drop("claims/joined/a.csv", MARK + csv(*rows) + MARK + csv(*rows))
    joined, apart = (
        yaml.safe_load(site.draft(line))["schema"][0]["properties"] for line in ("joined", "apart")
    )
    assert joined == apart
