"""Columns that are missing, added, renamed or in another order."""

import json
from typing import Any

from claimwatch.domain.files.header import MOST_OTHER_KEYS
from claimwatch.domain.validation.extra_values import ExtraHashes
from claimwatch.ingest.commit import commit_file
from claimwatch.ingest.inspect import KEYS_SAMPLE, inspect
from claimwatch.ingest.load import load_chunk
from tests.integration.ingest.environment import KEY, Site
from tests.integration.ingest.glass import GLASS, csv


def ndjson(*objects: dict[str, Any]) -> str:
    return "".join(json.dumps(each) + "\n" for each in objects)


def test_columns_match_in_any_order_and_case_and_by_synonyms(glass: Site) -> None:
    file = glass.drop("claims/glass/a.csv", csv("3.5,G1,2026-03-01", header="Total,Claim ID,BROKEN-ON"))

    (row,) = glass.query("SELECT claim_id, amount, panes FROM claimwatch.current_claim_glass")
    assert file["status"] == "committed"
    assert (row["claim_id"], str(row["amount"]), row["panes"]) == ("G1", "3.5", None)


def test_a_missing_required_column_refuses_the_file_with_one_notification(glass: Site) -> None:
    file = glass.drop("claims/glass/a.csv", csv("G1,2026-03-01", header="claim_id,broken_on"), events=3)

    assert file["status"] == "refused"
    assert "'amount'" in file["error"]
    assert glass.query("SELECT * FROM claimwatch.claim_glass") == []
    (alert,) = glass.alerts
    assert alert.subject == f"Claimwatch refused file {file['file_id']} of line glass"
    assert "'amount'" in alert.message
    assert f"claimwatch replay {file['file_id']}" in alert.message


def test_a_refused_file_can_be_replayed_after_the_contract_is_extended(glass: Site) -> None:
    file = glass.drop("claims/glass/a.csv", csv("G1,2026-03-01,1", header="claim_id,broken_on,price"))
    assert file["status"] == "refused"

    extended = GLASS.replace("version: 1.0.0", "version: 1.1.0").replace(
        "[{synonym: total}]", "[{synonym: total}, {synonym: price}]"
    )
    glass.put_contract("glass", extended)
    again = glass.replay(file["file_id"])

    assert (again["status"], again["rows_loaded"], again["attempt"]) == ("committed", 1, 2)


def test_columns_outside_the_contract_are_kept_and_notified_once(glass: Site) -> None:
    header = "claim_id,broken_on,amount,colour,weight"

    first = glass.drop("claims/glass/a.csv", csv("G1,2026-03-01,1,red,?", header=header), events=2)
    glass.drop("claims/glass/b.csv", csv("G2,2026-03-01,1,,5", header=header))
    glass.drop("claims/glass/c.csv", csv("G3,2026-03-01,1,blue,5,x", header=header + ",shape"))

    kept = {
        row["claim_id"]: row["extra"]
        for row in glass.query("SELECT claim_id, extra FROM claimwatch.current_claim_glass")
    }
    extra = ExtraHashes(KEY)
    assert kept["G1"]["colour"] == extra.of_text("colour", "red")
    assert kept["G2"] == extra.of_members({"colour": None, "weight": "5"})
    assert kept["G3"] == extra.of_members({"colour": "blue", "weight": "5", "shape": "x"})
    messages = [alert.message for alert in glass.alerts]
    assert len(messages) == 2
    assert f"File {first['file_id']}:" in messages[0]
    assert "colour, weight" in messages[0]
    assert "shape" in messages[1]
    assert "colour" not in messages[1]


def test_a_replay_does_not_notify_the_extra_columns_again(glass: Site) -> None:
    header = "claim_id,broken_on,amount,colour"
    created = glass.put("claims/glass/a.csv", csv("G1,2026-03-01,1,red", header=header))
    file_id = glass.register(created)
    glass.waiting.clear()
    inspect(glass.inspection, file_id, 1)
    load_chunk(glass.loading, file_id, 1, 0)
    assert glass.replay(file_id)["status"] == "committed"
    commit_file(glass.committing, file_id, 2)  # a redelivered task

    assert len(glass.alerts) == 1


def test_a_key_that_only_a_late_object_has_fills_its_column(glass: Site) -> None:
    early = ndjson(*({"claim_id": f"E{n}", "broken_on": "2026-03-01", "amount": 1} for n in range(20_000)))
    assert len(early) > KEYS_SAMPLE
    row = {"broken_on": "2026-03-01", "amount": 1}
    late = [
        row | {"claim_id": "G1", "driver": "Jane Roe", "colour": "red"},
        row | {"claim_id": "G2", "DRIVER": "jane roe"},
        {"claim_id": "G3", "broken_on": "2026-03-01", "Total": 7},
        row | {"claim_id": "G4", "driver": "Jane Roe", "Driver": "Ann Lee"},
    ]

    file = glass.drop("claims/glass/a.jsonl", early + ndjson(*late), events=2)
    glass.drop("claims/glass/b.jsonl", ndjson(row | {"claim_id": "H1", "colour": "blue"}))

    assert (file["rows_loaded"], file["rows_quarantined"]) == (20_003, 1)
    found = {
        row["claim_id"]: row
        for row in glass.query("SELECT * FROM claimwatch.current_claim_glass WHERE claim_id LIKE 'G%%'")
    }
    assert found["G1"]["driver"] == found["G2"]["driver"]
    assert found["G1"]["driver"] not in (None, "Jane Roe")
    assert (found["G1"]["extra"], found["G2"]["extra"]) == (
        ExtraHashes(KEY).of_members({"colour": "red"}),
        None,
    )
    assert (found["G3"]["amount"], found["G3"]["extra"]) == (7, None)
    [[reason]] = glass.quarantine(file["file_id"]).values()
    assert (reason["rule"], reason["message"]) == (
        "json",
        "the object has column 'driver' more than once: send it once",
    )
    [alert] = glass.alerts  # the extra column of both files, once
    assert "Not in the contract: colour\n" in alert.message


def test_any_number_of_names_gives_a_short_notification(glass: Site) -> None:
    rows = [
        {"claim_id": f"G{n}", "broken_on": "2026-03-01", "amount": 1, f"Jane Roe {n} " * 20: n}
        for n in range(3_000)
    ]

    glass.drop("claims/glass/a.jsonl", ndjson(*rows))

    [alert] = glass.alerts
    assert len(alert.message) < 5_000
    assert "80 more" in alert.message
    names = [row["name"] for row in glass.query("SELECT name FROM claimwatch.extra_column")]
    assert len(names) == MOST_OTHER_KEYS
    assert max(map(len, names)) <= 63


def test_a_duplicated_column_refuses_the_file(glass: Site) -> None:
    file = glass.drop(
        "claims/glass/a.csv", csv("G1,2026-03-01,1,2", header="claim_id,broken_on,amount,total")
    )

    assert file["status"] == "refused"
    assert "'amount' twice" in file["error"]
