"""Files of the stream: its routing member, records of other lines, and records that it could not route."""

import base64
import gzip
import json

import pytest

from claimwatch.errors import RefusedData
from tests.integration.ingest.environment import Site
from tests.integration.ingest.glass import GLASS

KEY = "claims/glass/stream/2026/11/29/claims-1.gz"
ERRORS = "claims-stream-errors/processing-failed/2026/11/29/claims-1.gz"
SECRET = "Jane Roe of Elm Street"


def record(number: int, **members: object) -> str:
    claim = {"line": "glass", "claim_id": f"G{number}", "broken_on": "2026-03-01", "amount": number}
    return json.dumps(claim | members)


def failed(*records: str, code: str = "DynamicPartitioning.MetadataExtractionFailed") -> bytes:
    """Return a file about records that could not be routed, as Firehose writes it."""
    lines = (
        {
            "attemptsMade": 1,
            "arrivalTimestamp": 1764410000000,
            "errorCode": code,
            "errorMessage": f"cannot parse {SECRET}",
            "rawData": base64.b64encode(each.encode()).decode(),
        }
        for each in records
    )
    return gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode())


def test_the_member_that_names_the_line_is_no_extra_column(glass: Site) -> None:
    file = glass.drop(KEY, gzip.compress(record(1).encode() + record(2, colour="red").encode()))

    assert (file["status"], file["rows_loaded"], file["rows_quarantined"]) == ("committed", 2, 0)
    found = glass.query("SELECT claim_id, extra FROM claimwatch.current_claim_glass ORDER BY 1")
    assert [row["extra"] and sorted(row["extra"]) for row in found] == [None, ["colour"]]
    [alert] = glass.alerts
    assert "Not in the contract: colour\n" in alert.message


def test_a_record_of_another_line_is_quarantined(glass: Site) -> None:
    records = [record(1), record(2, line="motor"), record(3, line=None), record(4, line=["glass"])]
    file = glass.drop(KEY, "\n".join(records))

    assert (file["status"], file["rows_loaded"]) == ("committed", 2)
    reasons = glass.quarantine(file["file_id"])
    assert {row: reason["rule"] for row, [reason] in reasons.items()} == {2: "line", 4: "line"}
    assert "motor" not in reasons[2][0]["message"]


def test_a_contract_may_have_a_column_of_the_same_name(site: Site) -> None:
    column = "      - {name: line, logicalType: string}\n      - name: panes"
    site.put_contract("glass", GLASS.replace("      - name: panes", column))

    file = site.drop(KEY, "\n".join([record(1), record(2, line="motor")]))

    assert (file["rows_loaded"], file["rows_quarantined"]) == (1, 1)
    [row] = site.query("SELECT line, extra FROM claimwatch.current_claim_glass")
    assert row["extra"] is None


@pytest.mark.parametrize(
    "key", ["claims/glass/a.ndjson", "claims/glass/streams/a", "outcomes/glass/stream/a"]
)
def test_in_other_folders_the_member_is_a_column_as_any_other(glass: Site, key: str) -> None:
    claim = json.loads(record(1, line="motor")) | {"decided_at": "2026-04-01", "is_fraud": False}
    file = glass.drop(key, json.dumps(claim))
    assert (file["status"], file["rows_quarantined"]) == ("committed", 0), file["error"]


def test_a_draft_from_the_stream_has_no_column_for_the_line(site: Site) -> None:
    file = site.drop(KEY, "\n".join(map(record, range(1, 30))))
    assert file["status"] == "parked"
    draft = site.draft("glass")
    assert "- name: claim_id" in draft
    assert "- name: line" not in draft
    assert "only in rows beyond the sample" not in draft


def test_of_a_repeated_claim_the_newest_record_counts(glass: Site, small_chunks: None) -> None:
    glass.drop(KEY, record(1) + record(2))
    again = [record(1, amount=77), record(3), record(1, amount=88), record(4), record(1, amount=99)]
    file = glass.drop(KEY.replace("claims-1", "claims-2"), "\n".join(again))

    found = glass.query("SELECT claim_id, amount FROM claimwatch.current_claim_glass ORDER BY 1")
    amounts = {row["claim_id"]: float(row["amount"]) for row in found}
    assert amounts == {"G1": 99, "G2": 2, "G3": 3, "G4": 4}
    assert (file["rows_read"], file["rows_loaded"], file["rows_quarantined"]) == (5, 3, 2)
    reasons = glass.quarantine(file["file_id"])
    assert {row: reason["rule"] for row, [reason] in reasons.items()} == {1: "replaced", 3: "replaced"}
    assert reasons[1][0]["message"] == "row 5 of this file is a later record of the same claim"


def test_in_a_dropped_file_the_first_of_repeated_rows_counts(glass: Site) -> None:
    file = glass.drop("claims/glass/a.ndjson", record(1) + record(1, amount=77))
    assert [reason["rule"] for [reason] in glass.quarantine(file["file_id"]).values()] == ["unique"]
    [row] = glass.query("SELECT amount FROM claimwatch.current_claim_glass")
    assert float(row["amount"]) == 1


def test_records_that_could_not_be_routed_are_refused_with_their_number_and_codes(glass: Site) -> None:
    file = glass.drop(ERRORS, failed(*[record(1, line="Glass!", driver=SECRET)] * 1200), events=2)

    assert (file["status"], file["line"], file["side_file"]) == ("refused", None, False)
    assert file["error"].startswith(
        "1,200 records of the stream could not be routed (1,200 DynamicPartitioning.MetadataExtractionFailed)"
    )
    [alert] = glass.alerts
    assert f"claimwatch stream replay {file['file_id']}" in alert.message
    assert file["error"] in alert.message
    assert SECRET not in file["error"] + alert.message


def test_a_code_that_is_none_is_not_quoted(glass: Site) -> None:
    content = failed(record(1), code=SECRET) + failed(record(2)) + gzip.compress(b"damaged\n")
    file = glass.drop(ERRORS, content)
    assert file["error"].startswith("3 records of the stream could not be routed (2 unknown, 1 Dynamic")
    assert SECRET not in file["error"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (failed(record(1))[:-9], "damaged: its end is missing"),
        (b"\x1f\x8bdamaged by somebody", "damaged: not valid gzip"),
        (gzip.compress(b""), "empty"),
    ],
    ids=["cut off", "damaged", "empty"],
)
def test_a_damaged_file_of_such_records_is_refused_with_a_sentence(
    glass: Site, content: bytes, sentence: str
) -> None:
    file = glass.drop(ERRORS, content)
    assert file["status"] == "refused"
    assert sentence in file["error"]


def test_such_records_are_not_loaded_by_a_replay_of_their_file(glass: Site) -> None:
    file = glass.drop(ERRORS, failed(record(1)))
    with pytest.raises(RefusedData, match="claimwatch stream replay"):
        glass.replay(file["file_id"])


def test_a_file_of_such_records_that_is_gone_is_refused(glass: Site) -> None:
    created = glass.put(ERRORS, failed(record(1)))
    glass.objects.path(created.ref).unlink()
    file = glass.file(glass.register(created))
    assert (file["status"], "deleted" in file["error"]) == ("refused", True)


@pytest.mark.parametrize("folder", ["processing-failed", "out/format-conversion-failed/2026/11/29"])
def test_what_the_stream_of_somebody_else_could_not_process_is_refused_and_drafts_nothing(
    site: Site, folder: str
) -> None:
    file = site.drop(f"claims/glass/{folder}/delivery-1", gzip.decompress(failed(record(1))))
    assert file["status"] == "refused"
    assert "could not process" in file["error"]
    assert not site.objects.exists("artifacts", "contracts/glass.draft.yaml")
    assert len(site.alerts) == 1
