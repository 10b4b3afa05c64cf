"""Notifications name neither keys nor values, and nobody can cause any number of them."""

import pytest

from claimwatch.domain.contract.strict_yaml import MAX_TEXT
from claimwatch.ingest import notifications
from tests.integration.ingest.environment import Site
from tests.integration.ingest.glass import GLASS, csv

HEADER = "claim_id,broken_on,amount"

PERSON = "John Smith 1980-02-03"


def sent(site: Site) -> str:
    return "\n".join(f"{alert.subject}\n{alert.message}" for alert in site.alerts)


def test_no_notification_contains_the_key_of_a_file(glass: Site) -> None:
    for key in (
        f"claims/glass/{PERSON}.csv",
        f"claims/{PERSON}/a.csv",
        f"{PERSON}.csv",
        f"claims/home/{PERSON}.csv",
    ):
        glass.drop(key, b"%PDF-1.7")
    glass.drop(f"claims/home/{PERSON} 2.csv", csv("G1,2026-03-01,1", header=HEADER))
    glass.drop(f"claims/glass/{PERSON} 2.csv", csv("G1,2026-03-01,1,x", header=f"{HEADER},new"))
    failing = glass.register(glass.put(f"claims/glass/{PERSON} 3.csv", csv()))
    glass.fail(failing, 1)

    assert len(glass.alerts) == 7
    assert "Smith" not in sent(glass)
    assert all("claimwatch files` shows its key" in alert.message for alert in glass.alerts)
    keys = [row["key"] for row in glass.query("SELECT key FROM claimwatch.file")]
    assert len([key for key in keys if PERSON in key]) == 7


def test_a_notification_names_some_new_columns_and_counts_the_others(glass: Site) -> None:
    names = [f"column_{number}" for number in range(30)] + [
        "x" * 500,
        "jane@example.com",
        "1980-02-03",
        "0171 2345678",
    ]
    glass.drop("claims/glass/a.csv", csv("G1,2026-03-01,1" + ",v" * 34, header=f"{HEADER},{','.join(names)}"))

    (alert,) = glass.alerts
    assert "; 11 more; 3 whose names look like values" in alert.message
    assert "jane@example.com" not in alert.message
    assert "1980" not in alert.message
    assert "0171" not in alert.message
    assert len(alert.message) < 2_000


def test_a_refused_file_of_outcomes_names_no_contract_that_could_be_corrected(glass: Site) -> None:
    glass.drop("outcomes/glass/a.csv", b"claim_no,is_fraud,decided_at\nG1,yes,2026-03-01\n")

    (alert,) = glass.alerts
    expected = "lacks the required column 'claim_id' (is it 'claim_no'? rename it) of files of outcomes"
    assert expected in alert.message
    assert "contract" not in alert.message
    assert "replay" not in alert.message


def test_a_day_has_a_limited_number_of_notifications_about_a_line(
    glass: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "MOST_A_DAY", 3)
    for number in range(6):
        glass.drop(f"claims/glass/{number}.csv", b"%PDF-1.7")
    assert len(glass.alerts) == 3
    assert "number 3 of its kind in 24 hours, and the last" in glass.alerts[-1].message
    assert "claimwatch files --status refused" in glass.alerts[-1].message

    for number in range(6):
        glass.drop(f"{number}.csv", b"%PDF-1.7")
    assert len(glass.alerts) == 6

    for number in range(6):
        glass.drop(f"claims/new_{number}/a.csv", csv("G1,2026-03-01,1", header=HEADER))
    assert len(glass.alerts) == 9
    assert "claimwatch files --status parked" in glass.alerts[-1].message

    with glass.database.transaction() as cursor:
        cursor.execute("UPDATE claimwatch.file SET notified_at = notified_at - interval '1 day'")
    glass.drop("claims/glass/again.csv", b"%PDF-1.7")
    assert len(glass.alerts) == 10


def test_new_columns_count_as_notifications_of_their_line(
    glass: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "MOST_A_DAY", 3)
    for number in range(6):
        glass.drop(
            f"claims/glass/{number}.csv",
            csv(f"G{number},2026-03-01,1,v", header=f"{HEADER},new_{number}"),
        )
    assert len(glass.alerts) == 3


def test_a_contract_with_thousands_of_errors_is_notified(site: Site) -> None:
    wrong = "".join(f"        wrong_{number}: {'x' * 60}\n" for number in range(4_000))
    text = GLASS.replace("      - name: amount\n", f"      - name: amount\n{wrong}")
    assert len(text) < MAX_TEXT
    assert site.put_contract("glass", text).status == "refused"

    (alert,) = site.alerts
    assert " more; all are listed by `claimwatch contract check`" in alert.message
    assert len(alert.message) < 20_000


def test_a_notification_about_a_pulled_file_names_its_source(glass: Site) -> None:
    glass.drop("claims/glass/pull/policy-system/00000001.csv", b"%PDF-1.7")
    glass.drop("claims/home/pull/old-system/00000001.csv", csv("G1,2026-03-01,1", header=HEADER))

    refused, parked = glass.alerts
    assert "Pulled from source: policy-system (`claimwatch sources` shows it)" in refused.message
    assert "If the source has changed its columns, change the contract" in refused.message
    assert "claimwatch replay 1" in refused.message
    assert "Pulled from source: old-system" in parked.message


def test_a_key_that_only_looks_pulled_names_no_source(glass: Site) -> None:
    for key in (
        f"claims/glass/pull/{PERSON}/1.csv",
        "claims/glass/pull/a.csv",
        "claims/glass/pulled/a/1.csv",
    ):
        glass.drop(key, b"%PDF-1.7")

    assert "Pulled" not in sent(glass)
