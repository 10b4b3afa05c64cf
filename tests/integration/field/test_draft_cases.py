"""Drafts of contracts from files of strangers, of the kinds that people reported as bugs of other tools."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from claimwatch.errors import RefusedFile
from claimwatch.ingest.local_draft import draft
from tests.integration.ingest.environment import Site
from tests.testdata import FIELD, NO_FIELD, Case, field_cases

pytestmark = pytest.mark.skipif(FIELD is None, reason=NO_FIELD)
EXPECTED = {
    expected["file"]: expected for case in field_cases("inference") for expected in case["expected"]["files"]
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_draft_is_right_or_its_check_lines_say_what_is_not(name: str, site: Site) -> None:
    assert FIELD is not None
    expected = EXPECTED[name]
    found = [
        list(_differences(site, FIELD / "files" / name, one)) for one in expected.get("any_of", [expected])
    ]
    assert [] in found


def _differences(site: Site, path: Path, expected: Case) -> Iterator[str]:
    started = time.perf_counter()
    try:
        _, text = draft(path, "field")
    except RefusedFile as refusal:
        if expected["outcome"] != "refused" or not re.search(expected["reason_matches"], str(refusal)):
            yield str(refusal)
        return
    if expected["outcome"] != "draft":
        yield "it is not refused"
        return
    if time.perf_counter() - started > expected.get("at_most_seconds", 60):
        yield "it is slow"
    columns = {column["name"]: column for column in yaml.safe_load(text)["schema"][0]["properties"]}
    yield from _other_columns(columns, expected)
    checks = "\n".join(line for line in text.splitlines() if "#" in line)
    for pattern in expected.get("check_matches", []):
        if not re.search(pattern, checks):
            yield f"no check line matches {pattern}"
    for name, (kind, pattern) in expected.get("typed_or_checked", {}).items():
        if columns[name]["logicalType"] != kind and not re.search(pattern, _block(text, name)):
            yield f"{name} is {columns[name]['logicalType']} without a check line"
    for pattern in expected.get("draft_must_not_match", []):
        if re.search(pattern, text):
            yield f"the draft contains {pattern}"
    if "loads" in expected:
        yield from _other_counts(site, path, expected["loads"])


def _other_columns(columns: Case, expected: Case) -> Iterator[str]:
    for role in ("identifier", "event_time"):
        if role in expected and role not in _properties(columns.get(expected[role], {})).values():
            yield f"{expected[role]} is not the {role}"
    for name, column in expected.get("columns", {}).items():
        kinds = column["type"] if isinstance(column["type"], list) else [column["type"]]
        if columns.get(name, {}).get("logicalType") not in kinds:
            yield f"{name} is {columns.get(name)}"
    for name in expected.get("not_features", []):
        if _properties(columns.get(name, {})).get("role") == "feature":
            yield f"{name} is a feature"
    if len(columns) != expected.get("number_of_columns", len(columns)):
        yield f"{len(columns)} columns"


def _properties(column: Case) -> dict[str, Any]:
    return {entry["property"]: entry["value"] for entry in column.get("customProperties", [])}


def _block(text: str, name: str) -> str:
    """Return the lines of a column with the comments above it."""
    lines = text.splitlines()
    at = next(number for number, line in enumerate(lines) if re.match(rf"\s*- name: [\"']?{name}\b", line))
    start = at
    while lines[start - 1].lstrip().startswith("#"):
        start -= 1
    end = next((n for n in range(at + 1, len(lines)) if lines[n].lstrip().startswith("- name:")), len(lines))
    return "\n".join(lines[start:end])


def _other_counts(site: Site, path: Path, loads: list[int]) -> Iterator[str]:
    parked = site.drop(f"claims/field/{path.name}", path.read_bytes())
    applied = site.confirm("field", site.draft("field"))
    if applied.status != "applied":
        yield f"the draft is {applied}"
        return
    file = site.file(parked["file_id"])
    if [file["rows_loaded"], file["rows_quarantined"]] != loads:
        yield f"{file['rows_loaded']} rows loaded, {site.quarantine(file['file_id'])}"
