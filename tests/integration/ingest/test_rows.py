"""Rows of a file are loaded, quarantined, replaced and kept in history."""

import hmac
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from claimwatch.domain.validation.extra_values import ExtraHashes
from tests.integration.ingest.environment import FIRST_DAY, KEY, Site
from tests.integration.ingest.glass import GLASS, csv


def current(site: Site) -> dict[str, Decimal]:
    found = site.query("SELECT claim_id, amount FROM claimwatch.current_claim_glass")
    return {row["claim_id"]: row["amount"] for row in found}


def test_a_clean_file_is_committed_with_its_values(glass: Site) -> None:
    file = glass.drop(
        "claims/glass/a.csv", csv('G1,2026-03-01,12.50,2, Ann Lee ,"fell, loudly"', "G2,2026-03-02,?,,,")
    )

    assert (file["status"], file["rows_read"], file["rows_loaded"], file["rows_quarantined"]) == (
        "committed",
        2,
        1,
        1,
    )
    (row,) = glass.query("SELECT * FROM claimwatch.current_claim_glass")
    assert row["claim_id"] == "G1"
    assert (row["broken_on"], row["amount"], row["panes"]) == (date(2026, 3, 1), Decimal("12.50"), 2)
    assert row["story"] == "fell, loudly"
    assert (row["file_id"], row["row_number"], row["extra"]) == (file["file_id"], 1, None)
    assert file["committed_at"] is not None


def test_a_personal_value_is_stored_as_its_keyed_hash(glass: Site) -> None:
    glass.drop("claims/glass/a.csv", csv("G1,2026-03-01,1,, Ann LEE ,", "G2,2026-03-01,1,,ann lee,"))

    hashes = {row["driver"] for row in glass.query("SELECT driver FROM claimwatch.claim_glass")}

    assert hashes == {hmac.new(KEY, b"driver\0ann lee", "sha256").hexdigest()[:32]}


def test_a_rejected_row_is_quarantined_with_every_reason(glass: Site) -> None:
    file = glass.drop("claims/glass/a.csv", csv("G1,yesterday,-1,x,Al,", "G2,2026-03-01,1,,,"))

    (row,) = glass.query("SELECT raw FROM claimwatch.quarantine")
    reasons = [(reason["column"], reason["rule"]) for reason in glass.quarantine(file["file_id"])[1]]
    assert row["raw"] == "G1,yesterday,-1,x,Al,"
    assert reasons == [
        ("broken_on", "type"),
        ("amount", "minimum"),
        ("panes", "type"),
        ("driver", "minLength"),
    ]


@pytest.mark.usefixtures("small_chunks")
def test_the_first_of_rows_with_the_same_claim_id_stays_across_chunks(glass: Site) -> None:
    rows = [f"G{number % 7},2026-03-01,{number},,," for number in range(30)]

    file = glass.drop("claims/glass/a.csv", csv(*rows))

    assert file["chunks"] > 3
    assert (file["rows_loaded"], file["rows_quarantined"]) == (7, 23)
    assert current(glass) == {f"G{number}": number for number in range(7)}
    found = glass.quarantine(file["file_id"])
    assert list(found) == list(range(8, 31))
    assert found[8] == [
        {"column": "claim_id", "rule": "unique", "message": "row 1 of this file has the same claim_id"}
    ]
    raw = {row["row_number"]: row["raw"] for row in glass.query("SELECT * FROM claimwatch.quarantine")}
    assert raw[30] == rows[29]


def test_a_later_file_replaces_rows_and_keeps_the_replaced_ones(glass: Site) -> None:
    first = glass.drop("claims/glass/a.csv", csv("G1,2026-03-01,1,,,", "G2,2026-03-01,1,,,"))
    later = glass.drop("claims/glass/b.csv", csv("G2,2026-03-01,2,,,", "G3,2026-03-01,2,,,"))

    assert current(glass) == {"G1": 1, "G2": 2, "G3": 2}
    history = glass.query(
        "SELECT file_id, amount FROM claimwatch.claim_glass WHERE claim_id = 'G2' ORDER BY 1"
    )
    assert history == [
        {"file_id": first["file_id"], "amount": 1},
        {"file_id": later["file_id"], "amount": 2},
    ]


def test_an_older_file_never_overwrites_a_newer_row(glass: Site) -> None:
    glass.drop("claims/glass/b.csv", csv("G1,2026-03-01,2,,,"), at=FIRST_DAY + timedelta(days=2))
    glass.drop("claims/glass/a.csv", csv("G1,2026-03-01,1,,,", "G2,2026-03-01,1,,,"), at=FIRST_DAY)

    assert current(glass) == {"G1": 2, "G2": 1}


@pytest.mark.parametrize(("older", "newer"), [("9", "10"), ("00FF", "0100"), ("0A", "0B")])
def test_versions_of_the_same_second_are_ordered_by_sequencer(glass: Site, older: str, newer: str) -> None:
    glass.drop("claims/glass/a.csv", csv("G1,2026-03-01,2,,,"), at=FIRST_DAY, sequencer=newer)
    glass.drop("claims/glass/a.csv", csv("G1,2026-03-01,1,,,"), at=FIRST_DAY, sequencer=older)

    assert current(glass) == {"G1": 2}


def test_a_repeated_event_has_no_effect(glass: Site) -> None:
    created = glass.put("claims/glass/a.csv", csv("G1,2026-03-01,1,,,"))

    numbers = set()
    for _ in range(3):
        numbers.add(glass.register(created))
        glass.run()

    assert len(numbers) == 1
    assert len(glass.started) == 1
    assert [row["rows_loaded"] for row in glass.query("SELECT rows_loaded FROM claimwatch.file")] == [1]
    assert len(glass.query("SELECT * FROM claimwatch.claim_glass")) == 1


def test_a_quarantined_row_can_be_corrected_and_dropped_again(glass: Site) -> None:
    glass.drop("claims/glass/a.csv", csv("G1,2026-03-01,1,,,", "G2,2026-03-01,one,,,"))
    corrected = glass.drop("claims/glass/a-corrected.csv", csv("G2,2026-03-01,1,,,"))

    assert corrected["status"] == "committed"
    assert current(glass) == {"G1": 1, "G2": 1}


def test_an_outcome_may_arrive_before_its_claim_and_the_newest_one_counts(glass: Site) -> None:
    header = "claim_id,is_fraud,decided_at,decided_by,source"
    early = csv("G1,true,2026-03-01T10:00:00,inv-1,referral", header=header)
    later = csv("G1,false,2026-03-05T10:00:00,inv-2,appeal", header=header)

    first = glass.drop("outcomes/glass/a.csv", early)
    glass.drop("claims/glass/a.csv", csv("G1,2026-03-01,1,,,"))
    glass.drop("outcomes/glass/b.csv", later)

    assert (first["status"], first["dataset"], first["rows_loaded"]) == ("committed", "outcomes", 1)
    (row,) = glass.query(
        "SELECT * FROM claimwatch.current_outcome JOIN claimwatch.current_claim_glass USING (claim_id)"
    )
    assert (row["line"], row["is_fraud"], row["decided_by"]) == ("glass", False, "inv-2")
    assert row["decided_at"] == datetime(2026, 3, 5, 10, tzinfo=UTC)
    assert len(glass.query("SELECT * FROM claimwatch.outcome")) == 2


def test_an_ndjson_file_may_omit_and_add_keys(glass: Site) -> None:
    lines = (
        '{"claim_id": "G1", "broken_on": "2026-03-01", "amount": 12.5, "colour": {"r": 1}}\n'
        '{"claim_id": "G2", "broken_on": "2026-03-01"}\n'
        '{"claim_id": "G3", "broken_on": "2026-03-01", "amount": "7", "story": "a\\u0000b"}\n'
        "not json\n"
    )

    file = glass.drop("claims/glass/a.jsonl", lines)

    assert (file["rows_read"], file["rows_loaded"], file["rows_quarantined"]) == (4, 1, 3)
    (row,) = glass.query("SELECT claim_id, amount, extra FROM claimwatch.current_claim_glass")
    hashed = {"colour": ExtraHashes(KEY).of_text("colour", '{"r":"1"}')}
    assert row == {"claim_id": "G1", "amount": Decimal("12.5"), "extra": hashed}
    rules = {
        number: [r["rule"] for r in reasons] for number, reasons in glass.quarantine(file["file_id"]).items()
    }
    assert rules[2] == ["required"]
    assert rules[4] == ["json"]
    assert rules[3] in (["nul"], ["json"])


def test_a_file_without_rows_is_committed(glass: Site) -> None:
    file = glass.drop("claims/glass/a.csv", csv())

    assert (file["status"], file["rows_read"], file["chunks"]) == ("committed", 0, 0)


def test_rows_are_loaded_with_the_contract_version_of_the_inspection(glass: Site) -> None:
    created = glass.put("claims/glass/a.csv", csv("G1,2026-03-01,1,,,"))
    file_id = glass.register(created)
    glass.waiting.clear()
    stricter = GLASS.replace("version: 1.0.0", "version: 1.1.0").replace("minimum: 0,", "minimum: 100,")
    assert glass.put_contract("glass", stricter).status == "applied"

    glass.execute(file_id, 1)

    assert glass.file(file_id)["contract_version"] == "1.1.0"
    assert glass.file(file_id)["rows_quarantined"] == 1
