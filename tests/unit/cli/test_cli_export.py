"""Exported rows can be corrected and loaded again, and contain no formulas for spreadsheets."""

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.aws.objects import ObjectRef
from claimwatch.domain.files.records import Problem, RecordCutter
from claimwatch.errors import RefusedData
from claimwatch.ingest.plan import Plan
from claimwatch.storage.quarantine import RefusedRow
from cli.export import Exported, export, is_formula

WRONG = Problem("amount", "type", "many is not a number")
RAGGED = Problem(None, "fields", "the row has 2 fields instead of 3")
COLUMNS = ("claim_id", "amount", "story")


def plan(delimiter: str | None = ",", fields: tuple[str, ...] = COLUMNS) -> Plan:
    return Plan(ObjectRef("landing", "claims/motor/a.csv", "1"), delimiter, fields, (), ())


def refused(*raws: str, problem: Problem = WRONG) -> list[RefusedRow]:
    return [RefusedRow(number, raw, (problem,)) for number, raw in enumerate(raws, start=5)]


def exported(
    folder: Path, rows: Iterable[RefusedRow], delimiter: str | None = ",", *, verbatim: bool = False
) -> tuple[str, list[dict[str, str]], Exported]:
    done = export(rows, plan(delimiter), folder / "fixed.csv", verbatim=verbatim)
    reasons = io.StringIO(done.reasons.read_bytes().decode(), newline="")
    return done.file.read_bytes().decode(), list(csv.DictReader(reasons)), done


def test_rows_are_exported_with_the_columns_of_their_file(tmp_path: Path) -> None:
    table, reasons, done = exported(tmp_path, refused('A1,many,"hit, twice"', "A2,lots,"))
    assert table == 'claim_id,amount,story\nA1,many,"hit, twice"\nA2,lots,\n'
    assert [(row["exported_row"], row["row_number"], row["column"], row["rule"]) for row in reasons] == [
        ("1", "5", "amount", "type"),
        ("2", "6", "amount", "type"),
    ]
    assert (done.rows, done.apart, done.guarded) == (2, 0, 0)


def test_the_delimiter_of_the_file_is_kept(tmp_path: Path) -> None:
    table, _, _ = exported(tmp_path, refused("A1;1,5;none"), ";")
    assert table == "claim_id;amount;story\nA1;1,5;none\n"


def test_json_objects_are_exported_as_lines(tmp_path: Path) -> None:
    table, _, _ = exported(tmp_path, refused('{"claim_id": "A1", "story": "=1+1"}'), None)
    assert table == '{"claim_id": "A1", "story": "=1+1"}\n'


def test_a_row_that_cannot_be_split_is_only_in_the_reasons(tmp_path: Path) -> None:
    table, reasons, done = exported(tmp_path, refused("A1,many", problem=RAGGED))
    assert table == "claim_id,amount,story\n"
    assert (done.rows, done.apart) == (0, 1)
    assert (reasons[0]["exported_row"], reasons[0]["raw"]) == ("", "A1,many")


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+cmd|' /C calc'!A0", "-HYPERLINK(A1)", "@SUM(A1)", "\tA1", "\uff1d1+1", "-driver said so"],
)
def test_a_formula_gets_an_apostrophe(tmp_path: Path, cell: str) -> None:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(("A1", "many", cell))
    table, _, done = exported(tmp_path, refused(line.getvalue()))
    [_, row] = list(csv.reader(io.StringIO(table, newline="")))
    assert row == ["A1", "many", f"'{cell}"]
    assert done.guarded == 1


@pytest.mark.parametrize("own", [",", ";", "\t", "|"])
@pytest.mark.parametrize("other", [",", ";", "\t", "|"])
@pytest.mark.parametrize("cell", ["x{}=HYPERLINK(A1)", 'x{}"=HYPERLINK(A1)"', "{}\n=1+1", "x{}+A1{}@B1"])
def test_no_separator_of_a_spreadsheet_makes_a_formula_of_a_part(
    tmp_path: Path, cell: str, own: str, other: str
) -> None:
    line = io.StringIO()
    csv.writer(line, lineterminator="", delimiter=own).writerow(("A1", "many", cell.replace("{}", other)))
    table, _, done = exported(tmp_path, refused(line.getvalue()), own)
    for separator in ",;\t|":
        for row in csv.reader(io.StringIO(table, newline=""), delimiter=separator):
            assert not any(each.lstrip('"').startswith(("=", "+", "-", "@")) for each in row)
    # A spreadsheet may also split at every separator, whatever the quotes.
    assert not [
        part for part in re.split(r"[,;|\t\n]", table) if part.lstrip('"').startswith(("=", "+", "@"))
    ]
    assert done.guarded == 1


@pytest.mark.parametrize(
    "cell",
    ["-5", "-5;-6", "1,-2", "so, he said", "+4.5e-3", "-1,000.00", "+49 171 / 23-45", "-", "-12%", "", "a=b"],
)
def test_a_number_is_not_a_formula(cell: str) -> None:
    assert not is_formula(cell)


def test_formulas_in_names_and_reasons_get_an_apostrophe(tmp_path: Path) -> None:
    rows = [RefusedRow(1, "=1+1", (Problem(None, "fields", "=1+1 is ragged"),))]
    done = export(rows, plan(fields=("claim_id", "=cmd()")), tmp_path / "fixed.csv", verbatim=False)
    assert done.file.read_text() == "claim_id,'=cmd()\n"
    assert "'=1+1 is ragged,'=1+1" in done.reasons.read_text()


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=8)


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=5), st.sampled_from(",;\t|"))
def test_verbatim_rows_keep_every_cell(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], delimiter: str
) -> None:
    raws = []
    for row in rows:
        line = io.StringIO()
        csv.writer(line, delimiter=delimiter, lineterminator="").writerow(row)
        raws.append(line.getvalue())
    table, _, done = exported(tmp_path_factory.mktemp("export"), refused(*raws), delimiter, verbatim=True)
    assert done.rows == len(rows)
    assert list(csv.reader(io.StringIO(table, newline=""), delimiter=delimiter))[1:] == rows
    body = table.partition("\n")[2].encode()
    batches = list(RecordCutter(delimiter.encode(), 3).cut([body]))
    assert sum(len(batch) for batch in batches) == len(rows)
    assert not any(batch.broken for batch in batches)


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "fixed.csv").write_text("corrected")
    with pytest.raises(RefusedData, match="choose another name"):
        exported(tmp_path, refused("A1,many,"))
    assert (tmp_path / "fixed.csv").read_text() == "corrected"
    assert not (tmp_path / "fixed.reasons.csv").exists()
