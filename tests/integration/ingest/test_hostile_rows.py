"""Rows that DuckDB or PostgreSQL cannot take are quarantined by a rule; the other rows are loaded."""

import io
import json
import random
import string
from csv import writer

import pytest

from claimwatch.domain.validation.row_rules import LONGEST_INDEXED
from tests.integration.ingest.environment import Row, Site
from tests.integration.ingest.glass import GLASS, HEADER, csv

GOOD = {"claim_id": "G1", "broken_on": "2026-03-01", "amount": 1}


def rules(site: Site, file: Row) -> dict[int, list[tuple[str | None, str]]]:
    """Return column and rule of each reason, by row number; the file must be committed."""
    assert (file["status"], file["rows_read"]) == (
        "committed",
        file["rows_loaded"] + file["rows_quarantined"],
    ), file["error"]
    found = site.quarantine(file["file_id"])
    return {row: [(reason["column"], reason["rule"]) for reason in found[row]] for row in found}


@pytest.mark.parametrize(
    "value",
    [
        "[" * 10_000 + "]" * 10_000,
        '{"a":' * 10_000 + "1" + "}" * 10_000,
        "9" * 140_000,
        '{"a": ' + "1" * 5_000 + "}",
    ],
    ids=["lists", "objects", "digits", "nested digits"],
)
def test_json_that_postgresql_cannot_store_costs_its_row_only(glass: Site, value: str) -> None:
    rows = [json.dumps(GOOD), json.dumps(GOOD | {"claim_id": "G2"})[:-1] + f', "more": {value}}}']
    file = glass.drop("claims/glass/a.json", "\n".join([*reversed(rows), ""]))
    assert rules(glass, file) == {1: [(None, "json")]}


@pytest.mark.parametrize("key", ["claim_id\n", "\x1cclaim_id", "claim_id\x85", "CLAIM\tID"])
def test_a_key_with_a_control_character_means_its_column(glass: Site, key: str) -> None:
    row = {key if name == "claim_id" else name: value for name, value in GOOD.items()}
    file = glass.drop("claims/glass/a.json", json.dumps(row) + "\n")
    assert rules(glass, file) == {}


def test_an_event_id_that_is_too_long_for_its_index_is_quarantined(site: Site) -> None:
    contract = GLASS.replace(
        "  - {property: line,", "  - {property: eventColumn, value: story}\n  - {property: line,"
    )
    assert site.put_contract("glass", contract).status == "applied"
    letters = random.Random(1).choices(string.ascii_letters, k=4_000)  # random: PostgreSQL compresses
    story = "".join(letters)
    file = site.drop(
        "claims/glass/a.csv",
        csv(
            f"G1,2026-03-01,1,,,{story}",
            f"G2,2026-03-01,1,,,{story[:LONGEST_INDEXED]}",
            f"{story},2026-03-01,1,,,",
            "G4,2026-03-01,1,,," + "\U0001f600" * LONGEST_INDEXED,
        ),
    )
    assert rules(site, file) == {1: [("story", "maxLength")], 3: [("claim_id", "maxLength")]}


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("token", ['"', 'n"a', ",", ";", "a;b", "x,y", "\\n"])
def test_a_missing_value_token_may_contain_any_character(site: Site, token: str, delimiter: str) -> None:
    contract = GLASS.replace('value: ["?"]', f"value: ['?', {json.dumps(token)}]")
    assert site.put_contract("glass", contract).status == "applied"
    text = io.StringIO()
    rows = [["G1", "2026-03-01", "1", token, "", "a"], ["G2", "2026-03-01", "1", "?", "", "b"]]
    writer(text, delimiter=delimiter).writerows([HEADER.split(","), *rows])
    file = site.drop("claims/glass/a.csv", text.getvalue())
    assert rules(site, file) == {}
    found = site.query("SELECT panes, story FROM claimwatch.claim_glass ORDER BY claim_id")
    assert [tuple(row.values()) for row in found] == [(None, "a"), (None, "b")]
