"""Columns that are missing, added, renamed or in another order."""

from claimwatch.ingest.inspect import inspect
from tests.integration.ingest.environment import Site
from tests.integration.ingest.glass import GLASS, csv


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
    assert kept["G1"]["colour"] == "red"
    assert kept["G2"]["weight"] == "5"
    assert kept["G3"] == {"colour": "blue", "weight": "5", "shape": "x"}
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
    assert glass.replay(file_id)["status"] == "committed"

    assert len(glass.alerts) == 1


def test_a_duplicated_column_refuses_the_file(glass: Site) -> None:
    file = glass.drop(
        "claims/glass/a.csv", csv("G1,2026-03-01,1,2", header="claim_id,broken_on,amount,total")
    )

    assert file["status"] == "refused"
    assert "'amount' twice" in file["error"]
