"""Small public CSV files, valid and broken (csv-spectrum, frictionless), each dropped unchanged.

The files are not part of this repository; CLAIMWATCH_TESTDATA says where they are.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from claimwatch.errors import RefusedFile
from tests.testdata import NO_TESTDATA, TESTDATA
from tests.unit.formats.offered import offer

SPECTRUM = sorted((TESTDATA / "csv-spectrum").glob("csvs__*.csv")) if TESTDATA else []
FRICTIONLESS = sorted((TESTDATA / "frictionless").glob("*.csv")) if TESTDATA else []

pytestmark = pytest.mark.skipif(TESTDATA is None, reason=NO_TESTDATA)


def normal(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the rows with LF in cells: the collection's CSV files lost CRs that its JSON still has."""
    return [{name: cell.replace("\r\n", "\n") for name, cell in row.items()} for row in rows]


@pytest.mark.parametrize("path", SPECTRUM, ids=lambda path: path.stem)
def test_csv_spectrum_is_parsed_like_its_json(path: Path) -> None:
    offered = offer(path.read_bytes())
    assert offered.broken == []
    rows = [dict(zip(offered.prepared.header, row, strict=True)) for row in offered.rows]
    expected: Any = json.loads((path.parent / f"json__{path.stem.removeprefix('csvs__')}.json").read_text())
    if path.stem == "csvs__location_coordinates":  # the JSON is one object there, with another phone number
        expected = [expected | {"Contact Phone Number": "2095257564"}]
    assert normal(rows) == normal(expected)


REFUSED = {"data__empty": "the file is empty"}
BROKEN = {
    "data__capital-invalid": 2,
    "data__defective-rows": 2,
    "data__invalid": 3,
    "data__schema-errors": 1,
    "data__skip-rows": 1,
    "data__skip-blank-at-the-end": 1,
    "data__structure-errors": 1,
    "data__without-headers-extra": 1,
}
"""Numbers of records whose width differs from the header; other files have none."""


@pytest.mark.parametrize("path", FRICTIONLESS, ids=lambda path: path.stem)
def test_every_file_is_read_completely_or_refused_with_a_reason(path: Path) -> None:
    if path.stem in REFUSED:
        with pytest.raises(RefusedFile, match=REFUSED[path.stem]):
            offer(path.read_bytes())
        return
    offered = offer(path.read_bytes())
    assert len(offered.broken) == BROKEN.get(path.stem, 0)
    assert {len(row) for row in offered.rows} <= {len(offered.prepared.header)}


@pytest.mark.parametrize(
    ("name", "header", "row"),
    [
        ("escaping", ("ID", "Test"), ["3", 'Test " line 3']),
        ("issue-1109", ("int", "number", "string"), ["", "4.3", "string"]),
        ("latin1", ("id", "name"), ["2", "©"]),
        ("bom", ("id", "name"), ["2", "中国人"]),
        ("delimiter", ("id", "name"), ["1", "english"]),
        ("skip-rows", ("id", "name"), ["1", "english"]),
        ("blank-headers", ("id", "column_2", "age"), ["1101", "John", "30"]),
        ("leading-zeros", ("value",), ["002"]),
        ("table-unicode-headers", ("id", "国人"), ["2", "中国人"]),
    ],
)
def test_files_of_unusual_dialects_keep_their_cells(
    name: str, header: tuple[str, ...], row: list[str]
) -> None:
    assert TESTDATA is not None
    offered = offer((TESTDATA / "frictionless" / f"data__{name}.csv").read_bytes())
    assert offered.prepared.header == header
    assert row in offered.rows


def test_a_public_file_of_car_claims_is_read() -> None:
    assert TESTDATA is not None
    offered = offer((TESTDATA / "auto-claims" / "insurance_claims.csv").read_bytes())
    assert len(offered.prepared.header) == 40
    assert offered.prepared.header[-1] == "_c39"
    assert (len(offered.rows), offered.broken) == (1000, [])
