"""Labels in files of claims become outcomes: once, with their row, and never of a row in quarantine."""

import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest

from claimwatch.domain.contract.contract_draft import draft_contract
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.ingest import commit, inspect, load
from claimwatch.storage.cohorts import OUTCOME, SHARED, CohortQuery, copy_cohort
from tests.cluster import ClonedDatabase
from tests.integration.ingest.environment import Site
from tests.integration.ingest.glass import GLASS
from training.take_snapshot import take_snapshot

LABEL = """\
      - name: class
        logicalType: boolean
        customProperties:
          - {property: role, value: label}
          - {property: trueValues, value: [Fraud]}
          - {property: falseValues, value: [Legit]}
          - {property: missingValues, value: [pending]}
      - name: closed_on
        logicalType: date
        customProperties: [{property: role, value: ignored}]
"""
LABELLED = (GLASS + LABEL).replace("version: 1.0.0", "version: 1.1.0")
CLOSED = LABELLED.replace(
    "  - {property: line, value: glass}",
    "  - {property: line, value: glass}\n  - {property: decisionColumn, value: closed_on}\n"
    "  - {property: decisionDays, value: 30}",
)
HEADER = "claim_id,broken_on,amount,class,closed_on"
RECEIVED = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def site(database: ClonedDatabase, tmp_path: Path) -> Site:
    return Site.below(database, tmp_path / "buckets")


def apply(site: Site, text: str) -> None:
    applied = site.put_contract("glass", text)
    assert applied.status == "applied", site.query("SELECT error FROM claimwatch.contract")


def drop(site: Site, name: str, *rows: str, at: datetime = RECEIVED, header: str = HEADER) -> dict[str, Any]:
    file = site.drop(f"claims/glass/{name}.csv", "\n".join([header, *rows, ""]), at=at)
    assert file["status"] == "committed"
    return file


def decide(site: Site, name: str, *rows: str, at: datetime = RECEIVED) -> None:
    text = "\n".join(["claim_id,is_fraud,decided_at", *rows, ""])
    assert site.drop(f"outcomes/glass/{name}.csv", text, at=at)["status"] == "committed"


def current(site: Site) -> dict[str, bool]:
    found = site.query("SELECT claim_id, is_fraud FROM claimwatch.current_outcome WHERE line = 'glass'")
    return {row["claim_id"]: row["is_fraud"] for row in found}


def test_labels_become_outcomes_with_the_row_that_they_come_from(site: Site) -> None:
    apply(site, LABELLED)
    file = drop(
        site,
        "a",
        "G1,2026-03-01,1,Fraud,",
        "G2,2026-03-02,1,legit,",
        "G3,2026-03-03,-1,Fraud,",  # quarantined
        "G4,2026-03-04,1,pending,",
        "G5,2026-03-05,1,,",
        "G1,2026-03-06,1,Legit,",  # repeats a claim id
        "G6,2026-03-07,1,perhaps,",  # neither true nor false
    )
    assert (file["rows_loaded"], file["rows_quarantined"]) == (4, 3)
    columns = "claim_id, is_fraud, row_number, line, source, file_id"
    same = ("glass", "label", file["file_id"])
    assert [tuple(row.values()) for row in site.query(f"SELECT {columns} FROM claimwatch.outcome")] == [
        ("G1", True, 1, *same),
        ("G2", False, 2, *same),
    ]


def test_a_label_counts_as_decided_at_its_date_or_some_days_after_the_event(site: Site) -> None:
    apply(site, CLOSED)
    drop(site, "a", "G1,2026-03-01,1,Fraud,2026-03-09", "G2,2026-03-01,1,Legit,", "G3,2026-11-10,1,Legit,")
    rows = site.query("SELECT claim_id, decided_at, effective_at FROM claimwatch.current_outcome")
    assert {row["claim_id"]: (row["decided_at"].date(), row["effective_at"].date()) for row in rows} == {
        "G1": (date(2026, 3, 9), date(2026, 3, 9)),
        "G2": (date(2026, 3, 31), date(2026, 3, 31)),
        "G3": (date(2026, 12, 10), RECEIVED.date()),
    }


def test_without_a_date_of_decision_the_outcome_is_decided_when_it_is_due(site: Site) -> None:
    apply(site, LABELLED)
    drop(site, "a", "G1,2026-03-01,1,Fraud,2026-03-09")
    [row] = site.query("SELECT decided_at FROM claimwatch.current_outcome")
    assert row["decided_at"] == datetime(2026, 4, 30, tzinfo=UTC)


def test_a_contract_without_a_label_makes_no_outcomes(site: Site) -> None:
    apply(site, (GLASS + LABEL.replace("role, value: label", "role, value: ignored")))
    drop(site, "a", "G1,2026-03-01,1,Fraud,2026-03-09")
    assert current(site) == {}
    apply(site, LABELLED)
    drop(site, "a", "G1,2026-03-01,1,Fraud,2026-03-09", at=RECEIVED + timedelta(1))  # dropped again
    assert current(site) == {"G1": True}


def test_a_later_file_corrects_the_label_and_a_missing_one_leaves_it(site: Site) -> None:
    apply(site, CLOSED)
    drop(site, "a", "G1,2026-03-01,1,Fraud,2026-05-01", "G2,2026-03-01,1,Legit,", "G3,2026-03-01,1,Fraud,")
    drop(site, "b", "G1,2026-03-01,2,Legit,2026-04-01", "G2,2026-03-01,2,,", at=RECEIVED + timedelta(1))
    drop(site, "c", "G3,2026-03-01,2,7", at=RECEIVED + timedelta(2), header="claim_id,broken_on,amount,panes")
    assert current(site) == {"G1": False, "G2": False, "G3": True}


def test_a_decision_in_a_file_of_outcomes_counts_before_any_label(site: Site) -> None:
    apply(site, CLOSED)
    decide(site, "court", "G1,true,2026-03-05", "G2,false,2026-03-05")
    drop(site, "a", "G1,2026-03-01,1,Legit,2026-10-01", "G2,2026-03-01,1,Fraud,", at=RECEIVED + timedelta(1))
    assert current(site) == {"G1": True, "G2": False}


def test_a_second_attempt_at_a_file_makes_no_second_outcome(site: Site) -> None:
    apply(site, LABELLED)
    file = site.drop("claims/glass/a.csv", f"{HEADER}\nG1,2026-03-01,1,Fraud,\n", events=2, run=False)
    found = inspect.inspect(site.inspection, file["file_id"], 1)
    load.load_chunk(site.loading, **found["chunks"][0])
    site.waiting.clear()
    site.fail(file["file_id"], 1)
    assert site.replay(file["file_id"])["status"] == "committed"
    commit.commit_file(site.committing, file["file_id"], 2)
    assert len(site.query("SELECT FROM claimwatch.outcome")) == 1


def test_a_claim_id_that_is_a_number_finds_its_outcome(site: Site) -> None:
    numbered = LABELLED.replace(
        "- name: claim_id\n        logicalType: string", "- name: claim_id\n        logicalType: integer"
    )
    apply(site, numbered)
    drop(site, "a", "007,2026-03-01,1,Fraud,", "8,,1,Legit,")
    assert current(site) == {"7": True}


@pytest.mark.parametrize("seed", range(2))
def test_all_readers_take_the_last_decision_and_without_one_the_newest_label(
    site: Site, tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    apply(site, CLOSED)
    labels: dict[str, tuple[int, bool]] = {}
    decisions: dict[str, tuple[int, int, bool]] = {}
    for place in range(6):
        arrival = random.randint(0, 40) * 10 + place
        at = RECEIVED + timedelta(hours=arrival)
        rows = []
        for claim in random.sample([f"G{number}" for number in range(9)], 6 if place < 5 else 3):
            label = random.choice(["Fraud", "Legit", "pending", "nonsense"])
            closed = random.choice(["", "2026-04-01", "2026-11-30"])
            rows.append(f"{claim},2026-03-01,1,{label},{closed}")
            if place != 2 and label in ("Fraud", "Legit"):
                labels[claim] = max(labels.get(claim, (-1, False)), (arrival, label == "Fraud"))
            day = random.randint(1, 9)
            if place == 2:
                decisions[claim] = (day, arrival, label == "Fraud")
                rows[-1] = f"{claim},{label == 'Fraud'},2026-03-0{day}"
        if place == 2:
            decide(site, f"f{place}", *rows, at=at)
        else:
            drop(site, f"f{place}", *rows, at=at)
    found = {claim: fraud for claim, (_, fraud) in labels.items()}
    found |= {claim: fraud for claim, (*_, fraud) in decisions.items()}
    assert current(site) == found
    everything = snapshot(site, tmp_path, date(2026, 12, 31))
    known = {claim: fraud for claim, fraud in everything.items() if fraud is not None}
    assert known == {claim: fraud for claim, fraud in found.items() if claim in everything}
    assert everything == snapshot(site, tmp_path, None)
    assert everything == weekly_cohort(site)


def weekly_cohort(site: Site) -> dict[str, bool | None]:
    """Return the outcomes that a weekly check reads, after a model has scored every row."""
    with site.database.transaction() as cursor:
        cursor.execute(
            "INSERT INTO claimwatch.score (claim_id, line, file_id, model_version, role, probability,"
            " percentile, threshold, referred, audit_sample, contract_version, code_version)"
            " SELECT claim_id, 'glass', file_id, '1', 'champion', 0.5, 50, 0.8, false, false, '1', '1'"
            " FROM claimwatch.claim_glass"
        )
    files = [row["file_id"] for row in site.query("SELECT file_id FROM claimwatch.file")]
    text = io.BytesIO()
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    with site.database.as_task("evaluation").transaction() as cursor:
        query = CohortQuery("glass", "1", files, start, end, end)
        copy_cohort(cursor, parse_contract(CLOSED, "glass"), query, text)
    cells = [row.split(",") for row in text.getvalue().decode().splitlines()]
    place = 1 + SHARED.index(OUTCOME)
    return {row[0]: {"t": True, "f": False, "": None}[row[place]] for row in cells}


def snapshot(site: Site, folder: Path, as_of: date | None) -> dict[str, bool | None]:
    """Return the outcomes in the snapshot of a training."""
    path = folder / "snapshot.parquet"
    with site.database.as_task("training").transaction() as cursor:
        take_snapshot(cursor, parse_contract(CLOSED, "glass"), None, path, as_of)
    table = pq.read_table(path).to_pydict()
    return dict(zip(table["claim_id"], table["is_fraud"], strict=True))


def test_neither_the_label_nor_its_date_is_in_the_snapshot_of_a_training(site: Site, tmp_path: Path) -> None:
    apply(site, CLOSED)
    drop(site, "a", "G1,2026-03-01,1,Fraud,2026-03-09", "G2,2026-03-01,1,,")
    path = tmp_path / "snapshot.parquet"
    with site.database.as_task("training").transaction() as cursor:
        take_snapshot(cursor, parse_contract(CLOSED, "glass"), None, path)
    table = pq.read_table(path).to_pydict()
    assert not {"class", "closed_on"} & table.keys()
    assert (table["is_fraud"], table["source"]) == ([True, None], ["label", None])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            ("logicalType: boolean", "logicalType: integer"),
            "logicalType is integer; write 'logicalType: bool",
        ),
        (("role, value: ignored}]\n", "role, value: label}]\n"), "only one column can have role label"),
    ],
)
def test_a_label_that_makes_no_outcomes_is_refused(site: Site, change: tuple[str, str], why: str) -> None:
    text = GLASS + LABEL.replace(*change)
    if "integer" in text:
        text = "\n".join(row for row in text.splitlines() if "Values, value: [F" not in row)
        text = text.replace("- {property: falseValues, value: [Legit]}", "")
    assert site.put_contract("glass", text).status == "refused"
    [row] = site.query("SELECT error FROM claimwatch.contract WHERE status = 'refused'")
    assert why in row["error"]


def test_a_file_brings_its_outcomes_by_the_contract_that_was_drafted_from_it(site: Site) -> None:
    random = Random(5)
    for line, name, fraud, others in (
        ("motor_a", "fraud_reported", "Y", ["N"]),
        ("motor_b", "Class", "1", ["0"]),
        ("motor_c", "Status", "Fraud", ["Legit", "in progress"]),
        ("motor_d", "ehrlich", "kein Betrug", ["Betrug"]),
    ):
        labels = [fraud if random.random() < 0.2 else random.choice(others) for _ in range(80)]
        rows = [
            [f"C{n}", f"2025-0{n % 9 + 1}-11", str(n * 37 % 901), label] for n, label in enumerate(labels)
        ]
        header = ["claim_no", "loss_date", "amount", name]
        draft = draft_contract(line, header, rows).replace("status: draft", "status: active")
        assert site.put_contract(line, draft).status == "applied"
        text = "\n".join(",".join(row) for row in [header, *rows]) + "\n"
        file = site.drop(f"claims/{line}/a.csv", text, at=RECEIVED)
        assert (file["status"], file["rows_quarantined"]) == ("committed", 0)
        found = site.query("SELECT claim_id, is_fraud FROM claimwatch.current_outcome WHERE line = %s", line)
        assert {row["claim_id"]: row["is_fraud"] for row in found} == {
            row[0]: row[3] in ("Y", "1", "Fraud", "Betrug") for row in rows if row[3] != "in progress"
        }


def test_a_labelled_file_that_waited_for_its_contract_brings_its_outcomes(site: Site) -> None:
    text = f"{HEADER}\nG1,2026-03-01,1,Fraud,\nG2,2026-03-01,1,Legit,\n"
    assert site.drop("claims/glass/a.csv", text, at=RECEIVED)["status"] == "parked"
    apply(site, LABELLED)
    assert current(site) == {"G1": True, "G2": False}
