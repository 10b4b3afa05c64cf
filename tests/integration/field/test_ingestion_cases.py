"""Files of the kinds that people reported as bugs of other tools."""

import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.integration.ingest.environment import Row, Site
from tests.testdata import FIELD, NO_FIELD, Case, field_cases

pytestmark = pytest.mark.skipif(FIELD is None, reason=NO_FIELD)
CASES = {case["id"]: case for case in field_cases("ingestion") if case["expected"]["files"]}


def files() -> Path:
    assert FIELD is not None
    return FIELD / "files"


@pytest.mark.parametrize("name", CASES)
def test_a_file_is_loaded_as_it_is_meant_or_not_at_all(name: str, site: Site) -> None:
    case = CASES[name]
    line = name.lower()
    for expected in case["expected"]["files"]:
        contract = (files() / expected["contract"]).read_text("utf-8")
        if not site.query("SELECT FROM claimwatch.contract WHERE line = %s", line):
            assert site.put_contract(line, contract).status == "applied"
        path = files() / expected["file"]
        file = site.drop(f"claims/{line}/{path.name}", path.read_bytes())
        found = [list(_differences(site, file, one)) for one in expected.get("any_of", [expected])]
        assert [] in found, f"{expected['file']}: {found}"
    if name == "I08":
        assert len(site.query("SELECT claim_id FROM claimwatch.current_claim_i08")) == 3


@pytest.mark.parametrize("contract", [True, False], ids=["with a contract", "without a contract"])
def test_side_files_of_spark_and_macos_alert_nobody(contract: bool, site: Site) -> None:
    if contract:
        site.put_contract("i16", (files() / "contracts" / "i16.yaml").read_text("utf-8"))
    for path in sorted((files() / "i16" / "out").iterdir()):
        site.drop(f"claims/i16/out/{path.name}", path.read_bytes())

    status = {
        row["key"].rpartition("/")[2]: row["status"] for row in site.query("SELECT * FROM claimwatch.file")
    }
    data = status.pop("part-00000-7f1c.snappy.parquet")
    assert data == ("committed" if contract else "parked")
    assert set(status.values()) <= {"refused"}
    assert len(site.alerts) == (0 if contract else 1)


def _differences(site: Site, file: Row, expected: Case) -> list[str]:
    """Return how the result of a file differs from what is expected."""
    found: list[str] = []
    if file["status"] != expected["outcome"]:
        return [f"{file['status']}: {file['error']}"]
    if "reason_matches" in expected and not re.search(expected["reason_matches"], file["error"]):
        found.append(file["error"])
    found += [
        f"{file[f'rows_{count}']} {count}"
        for count in ("read", "loaded", "quarantined")
        if count in expected and file[f"rows_{count}"] != expected[count]
    ]
    quarantine = site.quarantine(file["file_id"])
    for number, rule in expected.get("quarantine", {}).items():
        reasons = quarantine.get(int(number), [])
        names = {f"{reason['rule']}:{reason['column']}" for reason in reasons}
        names |= {str(reason["rule"]) for reason in reasons}
        if not reasons or (rule and rule not in names):
            found.append(f"row {number}: {sorted(names)}")
    stored = {
        row["claim_id"]: row
        for row in site.query(f"SELECT * FROM claimwatch.current_claim_{file['line']}")
        if row["file_id"] == file["file_id"]
    }
    for claim_id, values in expected.get("rows", {}).items():
        if claim_id not in stored:
            found.append(f"{claim_id} is not loaded")
        else:
            found += _other_values(stored[claim_id], values)
    for claim_id, values in expected.get("either", {}).items():
        if claim_id in stored:
            found += _other_values(stored[claim_id], values)
    found += [f"{claim_id!r} is a claim" for claim_id in expected.get("absent_ids", []) if claim_id in stored]
    return found


def _other_values(row: Row, values: Case) -> list[str]:
    return [
        f"{row['claim_id']}.{column} is {row[column]!r}"
        for column, value in values.items()
        if _text(row[column]) != value
    ]


def _text(value: Any) -> str | None:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return None if value is None else str(value)
