"""Public collections of difficult CSV files, and a public file of claims."""

import csv
import json
from pathlib import Path

import pytest

from tests.integration.ingest.environment import Row, Site
from tests.testdata import NO_TESTDATA, TESTDATA

pytestmark = pytest.mark.skipif(TESTDATA is None, reason=NO_TESTDATA)
FILES = sorted(
    path for name in ("csv-spectrum", "frictionless") if TESTDATA for path in (TESTDATA / name).glob("*.csv")
)
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


def check_result(site: Site, file: Row) -> None:
    """Assert that the file has a final state, its rows are accounted for, and each refusal has a reason."""
    assert file["status"] in ("committed", "refused", "parked")
    if file["status"] == "committed":
        assert file["rows_read"] == file["rows_loaded"] + file["rows_quarantined"]
        quarantined = site.quarantine(file["file_id"])
        assert len(quarantined) == file["rows_quarantined"]
        assert all(reason["message"] for reasons in quarantined.values() for reason in reasons)
    else:
        assert len(file["error"]) > 10


@each_file
def test_a_file_for_another_line_is_refused_for_its_missing_columns(path: Path, site: Site) -> None:
    file = site.drop(f"claims/motor/{path.name}", path.read_bytes())

    check_result(site, file)
    assert file["status"] == "refused"
    assert [alert.subject for alert in site.alerts] == [
        f"Claimwatch refused file {file['file_id']} of line motor"
    ]


@each_file
def test_a_file_without_a_contract_gets_a_draft_that_can_load_it(path: Path, site: Site) -> None:
    file = site.drop(f"claims/home/{path.name}", path.read_bytes())
    check_result(site, file)
    assert len(site.alerts) == 1
    if file["status"] == "refused":
        return

    draft = site.draft("home")
    if (
        "role, value: identifier" not in draft
    ):  # no column identifies the row; a person would have to choose one
        with_identifier = _first_column_identifies(draft)
        assert with_identifier is None or site.confirm("home", with_identifier).status in (
            "applied",
            "refused",
        )
    else:
        assert site.confirm("home", draft).status == "applied", draft
    loaded = site.file(file["file_id"])
    check_result(site, loaded)


def _first_column_identifies(draft: str) -> str | None:
    head, marker, rest = draft.partition("customProperties: [{property: role, value: feature}]")
    if not marker:
        return None
    return head + "customProperties: [{property: role, value: identifier}]" + rest


@pytest.fixture
def auto(site: Site) -> Row:
    assert TESTDATA is not None
    return site.drop(
        "claims/auto/insurance_claims.csv", (TESTDATA / "auto-claims" / "insurance_claims.csv").read_bytes()
    )


def test_a_public_file_of_claims_loads_with_its_draft_and_few_corrections(site: Site, auto: Row) -> None:
    assert TESTDATA is not None
    assert auto["status"] == "parked"
    draft = site.draft("auto")
    corrected = draft.replace(
        "# logicalTypeOptions: {minimum: 0}", "logicalTypeOptions: {minimum: 0}", 1
    ).replace("status: draft", "status: active")

    assert site.put_contract("auto", corrected).status == "applied"

    file = site.file(auto["file_id"])
    assert (file["status"], file["rows_read"], file["rows_loaded"], file["rows_quarantined"]) == (
        "committed",
        1000,
        999,
        1,
    )
    ((reason,),) = site.quarantine(file["file_id"]).values()
    assert (reason["column"], reason["rule"]) == ("umbrella_limit", "minimum")
    assert reason["message"] == "a value like '-9999999' is below the minimum 0"
    with (TESTDATA / "auto-claims" / "insurance_claims.csv").open(newline="") as source:
        claims = {row["policy_number"]: row for row in csv.DictReader(source)}
    stored = site.query(
        "SELECT policy_number, property_damage, police_report_available FROM claimwatch.current_claim_auto"
    )
    assert len(stored) == 999
    for row in stored:
        text = claims[row["policy_number"]]["property_damage"]
        assert (row["property_damage"] is None) == (text == "?")
    assert any("_c39" in alert.message for alert in site.alerts)


def test_the_rows_of_csv_spectrum_match_its_json(site: Site) -> None:
    assert TESTDATA is not None
    folder = TESTDATA / "csv-spectrum"
    compared = 0
    for path in sorted(folder.glob("csvs__*.csv")):
        name = path.name.removeprefix("csvs__").removesuffix(".csv")
        line = name.replace("-", "_")
        expected_json = (folder / f"json__{name}.json").read_text("utf-8")
        if (
            b"\r" not in path.read_bytes()
        ):  # a checkout may have changed the line breaks of the CSV, but not of the JSON
            expected_json = expected_json.replace("\\r\\n", "\\n")
        expected = json.loads(expected_json)
        expected = expected if isinstance(expected, list) else [expected]
        if name == "location_coordinates":  # the CSV and the JSON of the collection differ here
            assert b"2095257564" in path.read_bytes()
            expected[0]["Contact Phone Number"] = "2095257564"
        names = list(expected[0]) if expected else []
        assert names, name
        assert site.put_contract(line, _all_text(line, names)).status == "applied"
        file = site.drop(f"claims/{line}/a.csv", path.read_bytes())
        assert (file["status"], file["rows_loaded"]) == ("committed", len(expected)), (
            name,
            site.quarantine(file["file_id"]),
        )
        columns = ", ".join(f'"{column}"' for column in names)
        found = site.query(f"SELECT {columns} FROM claimwatch.claim_{line} ORDER BY row_number")
        assert found == [{column: row[column] or None for column in names} for row in expected], name
        compared += 1
    assert compared == 12


def _all_text(line: str, names: list[str]) -> str:
    """Return a contract of text columns; the first one is the identifier."""
    described = "\n".join(
        f"      - {{name: {json.dumps(name)}, logicalType: string,"
        + (
            " required: true, unique: true, customProperties: [{property: role, value: identifier}]}"
            if place == 0
            else " required: false, customProperties: [{property: role, value: text}]}"
        )
        for place, name in enumerate(names)
    )
    return f"""\
apiVersion: v3.1.0
kind: DataContract
id: {line}
name: {line}
version: 1.0.0
status: active
customProperties: [{{property: line, value: {line}}}]
schema:
  - name: claim_{line}
    physicalType: table
    properties:
{described}
      - {{name: sent later, logicalType: date, customProperties: [{{property: role, value: event_time}}]}}
"""
