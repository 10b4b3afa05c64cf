"""Files, outcomes and photos mean the same claim, whatever their tools did to its id."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from claimwatch.photos.receive import event_id_of
from tests.integration.ingest.environment import Site
from tests.integration.ingest.glass import GLASS, csv

RUNBOOK = Path(__file__).parents[3] / "docs" / "runbook.md"
PLAIN = GLASS.replace("customProperties:\n", "customProperties:\n  - {property: extra, value: plain}\n", 1)
WITH_EVENT = GLASS.replace(
    "customProperties:\n", "customProperties:\n  - {property: eventColumn, value: story}\n", 1
)


def ids(site: Site) -> list[str]:
    found = site.query("SELECT claim_id FROM claimwatch.current_claim_glass ORDER BY claim_id")
    return [row["claim_id"] for row in found]


def parquet(**columns: Any) -> bytes:
    written = io.BytesIO()
    pq.write_table(pa.table(columns), written)
    return written.getvalue()


def reasons(site: Site, file_id: int) -> dict[int, list[str]]:
    return {
        number: [f"{reason['rule']}:{reason['column']}" for reason in found]
        for number, found in site.quarantine(file_id).items()
    }


def test_an_outcome_finds_its_claim(glass: Site) -> None:
    glass.drop("claims/glass/a.csv", csv("1000,2026-03-01,1,,,", "Mu\u0308ller,2026-03-01,1,,,"))
    outcomes = "claim_id,is_fraud,decided_at\n1000.0,yes,2026-04-01\nM\u00fcller\u200b,no,2026-04-01\n"
    file = glass.drop("outcomes/glass/a.csv", outcomes)

    assert file["rows_loaded"] == 2
    joined = glass.query(
        "SELECT claim_id FROM claimwatch.current_claim_glass JOIN claimwatch.current_outcome USING (claim_id)"
    )
    assert {row["claim_id"] for row in joined} == {"1000", "M\u00fcller"}


@pytest.mark.parametrize(
    "event", ["Mu\u0308ller-1", "M\u00fcller-1\u200b", "\ufeffM\u00fcller-1", " M\u00fcller-1\u00a0"]
)
def test_a_photo_finds_its_claim(site: Site, event: str) -> None:
    assert site.put_contract("glass", WITH_EVENT).status == "applied"
    site.drop("claims/glass/a.csv", csv(f"G1,2026-03-01,1,,,{event}", "G2,2026-03-01,1,,,"))

    assert {row["story"] for row in site.query("SELECT story FROM claimwatch.claim_glass")} == {
        event_id_of("images/M\u00fcller-1/a.jpg"),
        None,
    }
    assert event_id_of(f"images/{event}/a.jpg") == "M\u00fcller-1"


def test_an_event_id_that_cannot_be_told_is_quarantined_and_a_missing_one_is_not(site: Site) -> None:
    assert site.put_contract("glass", WITH_EVENT).status == "applied"
    file = site.drop("claims/glass/a.csv", csv("G1,2026-03-01,1,,,1.2E+15", "G2,2026-03-01,1,,,"))
    assert reasons(site, file["file_id"]) == {1: ["type:story"]}


def test_doubles_of_parquet_are_the_ids_that_they_hold_exactly(glass: Site) -> None:
    whole = 2**53 - 1
    file = glass.drop(
        "claims/glass/a.parquet",
        parquet(
            claim_id=[1000.0, float(whole), float(2**53), 1e16, 12.5, float("nan"), -3.0],
            broken_on=["2026-03-01"] * 7,
            amount=[1.0] * 7,
            panes=[1.0, None, 3.0, 4.0, 5.0, 6.0, float(2**53)],
        ),
    )
    assert reasons(glass, file["file_id"]) == {
        **{number: ["type:claim_id"] for number in (3, 4, 5, 6)},
        7: ["type:panes"],
    }
    glass.drop("claims/glass/b.csv", csv("1000,2026-03-01,2,,,", f"{whole},2026-03-01,2,,,"))
    assert ids(glass) == ["1000", str(whole)]


def test_other_texts_in_doubles_of_parquet_keep_their_meaning(glass: Site) -> None:
    stories = [42.0, 2.5, float(2**53), float("inf"), None]
    file = glass.drop(
        "claims/glass/a.parquet",
        parquet(
            claim_id=[f"G{n}" for n in range(5)], broken_on=["2026-03-01"] * 5, amount=[1] * 5, story=stories
        ),
    )
    assert reasons(glass, file["file_id"]) == {3: ["type:story"], 4: ["type:story"]}
    found = glass.query("SELECT claim_id, story FROM claimwatch.claim_glass")
    assert {row["claim_id"]: row["story"] for row in found} == {"G0": "42", "G1": "2.5", "G4": None}


def test_single_floats_and_decimals_of_parquet(glass: Site) -> None:
    for number, kind in enumerate([pa.float32(), pa.decimal128(21, 2), pa.decimal128(38, 4)]):
        values = pa.array([16_777_215, 123_456_792], pa.int64()).cast(kind, safe=False)
        file = glass.drop(
            f"claims/glass/{number}.parquet",
            parquet(claim_id=values, broken_on=["2026-03-01"] * 2, amount=[1] * 2),
        )
        assert reasons(glass, file["file_id"]) == ({2: ["type:claim_id"]} if kind == pa.float32() else {})
    assert ids(glass) == ["123456792", "16777215"]


def test_ids_with_leading_zeros_or_in_other_case_are_other_claims(glass: Site) -> None:
    glass.drop(
        "claims/glass/a.csv", csv(*(f"{text},2026-03-01,1,,," for text in ("000123", "123", "g1", "G1")))
    )
    assert ids(glass) == ["000123", "123", "G1", "g1"]


def test_a_hashed_text_has_one_hash_whatever_it_contains_unseen(glass: Site) -> None:
    glass.drop(
        "claims/glass/a.csv",
        csv("G1,2026-03-01,1,,Jane Roe,", "G2,2026-03-01,1,,\ufeffJane\u200b R\u00adoe,"),
    )
    assert len({row["driver"] for row in glass.query("SELECT driver FROM claimwatch.claim_glass")}) == 1


LONG = [
    "0.1000000000000000055511151231257827",
    "12345678901234567890123456789012345678.25",
    "1e400",
    "100.10",
    "-0.00",
]


@pytest.mark.parametrize("form", ["lines", "array"])
@pytest.mark.parametrize("number", LONG)
def test_numbers_of_json_keep_their_digits_in_unknown_columns(site: Site, number: str, form: str) -> None:
    assert site.put_contract("glass", PLAIN).status == "applied"
    item = (
        '{"claim_id": "G1", "broken_on": "2026-03-01", "amount": 1.10, "story": "1.50 \\u20ac", '
        f'"other": {number}, "more": [{number}, "{number}", {{"a": {number}}}], "text": "\\\\\\" 1.50"}}'
    )
    site.drop("claims/glass/a.json", f"[{item}]" if form == "array" else item + "\n")
    [row] = site.query(
        "SELECT extra->>'other' AS other, extra->'more'->>0 AS first,"
        " jsonb_typeof(extra->'more'->1) AS second,"
        " extra->'more'->2->>'a' AS third, extra->>'text' AS text, amount::text, story,"
        " %s::numeric::text AS number FROM claimwatch.claim_glass",
        number,
    )
    assert (row["other"], row["first"], row["third"]) == (row["number"],) * 3
    assert (row["second"], row["text"]) == ("string", '\\" 1.50')
    assert (row["amount"], row["story"]) == ("1.10", "1.50 \u20ac")


def test_numbers_of_json_are_hashed_with_all_their_digits(glass: Site) -> None:
    row = {"broken_on": "2026-03-01", "amount": 1}
    lines = [
        json.dumps(row | {"claim_id": f"G{place}"})[:-1] + f', "iban": {number}}}\n'
        for place, number in enumerate(["9007199254740993.0", "9007199254740992.0", "9007199254740992"])
    ]
    glass.drop("claims/glass/a.json", "".join(lines))
    first, second, third = (
        row["extra"]["iban"]
        for row in glass.query("SELECT extra FROM claimwatch.claim_glass ORDER BY claim_id")
    )
    assert first != second == third


def test_a_line_that_looks_right_is_refused_with_the_character_that_is_wrong(glass: Site) -> None:
    file = glass.drop("claims/gl\u200bass/a.csv", "claim_id\n1\n")
    assert file["status"] == "refused"
    assert "U+200B" in file["error"]


def test_a_category_with_an_invisible_character_is_quarantined_and_shown(site: Site) -> None:
    region = """\
      - name: region
        logicalType: string
        quality:
          - {type: library, metric: invalidValues, arguments: {validValues: [north, south]}, mustBe: 0}
        customProperties: [{property: role, value: feature}]
"""
    assert site.put_contract("glass", GLASS + region).status == "applied"
    file = site.drop(
        "claims/glass/a.csv",
        "claim_id,broken_on,amount,region\nG1,2026-03-01,1,north\u200b\nG2,2026-03-01,1,north\n",
    )
    [[reason]] = site.quarantine(file["file_id"]).values()
    assert reason["rule"] == "validValues"
    assert "'aaaaa<U+200B>'" in reason["message"]


def test_a_contract_with_a_value_that_no_file_has_is_refused_by_code_point(site: Site) -> None:
    region = """\
      - name: region
        logicalType: string
        quality:
          - {type: library, metric: invalidValues, arguments: {validValues: ["north\u200b"]}, mustBe: 0}
        customProperties: [{property: role, value: feature}]
"""
    assert site.put_contract("glass", GLASS + region).status == "refused"
    [row] = site.query("SELECT error FROM claimwatch.contract WHERE line = 'glass'")
    assert "north<U+200B>" in row["error"]


def test_the_runbook_renames_claims_that_were_stored_before_ids_were_cleaned(glass: Site) -> None:
    glass.drop(
        "claims/glass/a.csv", csv("1000,2026-03-01,1,,,", "M\u00fcller,2026-03-01,1,,,", "G1,2026-03-01,1,,,")
    )
    with glass.database.transaction() as cursor:
        cursor.execute(
            "UPDATE claimwatch.claim_glass SET claim_id = CASE claim_id WHEN '1000' THEN '1000.0'"
            " WHEN 'G1' THEN 'G1' ELSE E'\\uFEFFMu\\u0308lle\\u200Br ' END"
        )
    [statement] = re.findall(r"```sql\n(DO .*?)```", RUNBOOK.read_text("utf-8"), re.DOTALL)
    for _ in range(2):
        with glass.database.transaction() as cursor:
            cursor.execute(statement.replace("claim_motor", "claim_glass"))
    assert ids(glass) == ["1000", "G1", "M\u00fcller"]
