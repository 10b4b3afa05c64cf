"""Columns that are missing, more, renamed or in another order."""

from claimwatch.ingest.inspect import inspect
from tests.integration.ingest.environment import Site
from tests.integration.ingest.glass import GLASS, csv


def test_order_case_and_known_names_do_not_matter(glass: Site) -> None:
    file = glass.drop("claims/glass/a.csv", csv("3.5,G1,2026-03-01", header="Total,Claim ID,BROKEN-ON"))

    (row,) = glass.query("SELECT claim_id, amount, panes FROM claimwatch.current_claim_glass")
    assert file["status"] == "committed"
    assert (row["claim_id"], str(row["amount"]), row["panes"]) == ("G1", "3.5", None)


def test_a_missing_required_column_refuses_the_file_by_name_and_people_are_told_once(glass: Site) -> None:
    file = glass.drop("claims/glass/a.csv", csv("G1,2026-03-01", header="claim_id,broken_on"), events=3)

    assert file["status"] == "refused"
    assert "'amount'" in file["error"]
    assert glass.query("SELECT * FROM claimwatch.claim_glass") == []
    (alert,) = glass.alerts
    assert "a.csv" in alert.subject
    assert "'amount'" in alert.message
    assert f"claimwatch replay {file['file_id']}" in alert.message


def test_a_refused_file_can_be_replayed_when_the_contract_knows_its_columns(glass: Site) -> None:
    file = glass.drop("claims/glass/a.csv", csv("G1,2026-03-01,1", header="claim_id,broken_on,price"))
    assert file["status"] == "refused"

    kinder = GLASS.replace("version: 1.0.0", "version: 1.1.0").replace(
        "[{synonym: total}]", "[{synonym: total}, {synonym: price}]"
    )
    glass.put_contract("glass", kinder)
    again = glass.replay(file["file_id"])

    assert (again["status"], again["rows_loaded"], again["attempt"]) == ("committed", 1, 2)


def test_columns_that_no_contract_names_are_kept_and_reported_once(glass: Site) -> None:
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
    told = [alert.message for alert in glass.alerts]
    assert len(told) == 2
    assert f"File {first['file_id']}:" in told[0]
    assert "colour, weight" in told[0]
    assert "shape" in told[1]
    assert "colour" not in told[1]


def test_a_replay_does_not_report_the_extra_columns_again(glass: Site) -> None:
    header = "claim_id,broken_on,amount,colour"
    created = glass.put("claims/glass/a.csv", csv("G1,2026-03-01,1,red", header=header))
    file_id = glass.hear(created)
    glass.waiting.clear()
    inspect(glass.inspection, file_id, 1)
    assert glass.replay(file_id)["status"] == "committed"

    assert len(glass.alerts) == 1


def test_a_column_that_comes_twice_refuses_the_file(glass: Site) -> None:
    file = glass.drop(
        "claims/glass/a.csv", csv("G1,2026-03-01,1,2", header="claim_id,broken_on,amount,total")
    )

    assert file["status"] == "refused"
    assert "'amount' twice" in file["error"]
