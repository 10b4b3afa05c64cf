"""Decisions at the desk count in the weekly checks exactly as the same decisions in dropped files."""

import csv
import io
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from claimwatch.domain.evaluation.finding import CHECKS, Finding
from claimwatch.storage import desk
from claimwatch.storage.case_api import Caller
from tests.cluster import Cluster
from tests.integration.evaluation.motor_book import LEARNT, QUIET, Book, load_book
from tests.integration.publications.environment import Decisions
from tests.motor_model import MotorModel

WEEKS = (*LEARNT[-2:], QUIET)
IDA = Caller("ida", "fraud_investigation", "request-1", ("investigator",))
COLUMNS = ("claim_id", "is_fraud", "decided_at", "decided_by", "source")

type Row = dict[str, Any]


@pytest.fixture
def books(
    cluster: Cluster, tmp_path: Path, delivered: tuple[Path, list[str]], grown: list[MotorModel]
) -> Iterator[tuple[Book, Book]]:
    """Two equal books with scores and without outcomes; both are clones, so they draw the same audit."""
    folder, keys = delivered
    claims = folder, [key for key in keys if key.startswith("claims/")]
    with (
        cluster.clone() as one,
        cluster.clone() as other,
        closing(cluster.database(one)) as by_desk,
        closing(cluster.database(other)) as by_file,
    ):
        yield (
            load_book(by_desk, tmp_path / "desk", claims, grown),
            load_book(by_file, tmp_path / "file", claims, grown),
        )


def truth(delivered: tuple[Path, list[str]]) -> dict[str, bool]:
    folder, keys = delivered
    found = {}
    for key in keys:
        if key.startswith("outcomes/"):
            for row in csv.DictReader(io.StringIO((folder / key).read_text("utf-8"))):
                found[row["claim_id"]] = row["is_fraud"].strip().lower() in ("true", "1", "yes")
    return found


def decide_everything(book: Book, is_fraud: dict[str, bool]) -> None:
    """Work through the queue as one person; a few decisions are inconclusive."""
    book.site.query(
        "UPDATE claimwatch.contract SET compiled = jsonb_set(compiled, '{review}',"
        " compiled -> 'review' || '{\"second_look_above\": 1000000000}') RETURNING 1"
    )
    while True:
        with book.site.database.as_task("api").transaction() as cursor:
            case = desk.ask(cursor, "next_case", {}, IDA).document["case"]
            if case is None:
                break
            verdict = "fraud" if is_fraud.get(case["claim_id"], False) else "not_fraud"
            answer = desk.ask(
                cursor,
                "decide",
                {
                    "case_id": case["case_id"],
                    "decision_id": str(uuid.uuid4()),
                    "if_match": f'"v{case["version"]}"',
                    "generation": case["lease"]["generation"],
                    "verdict": "inconclusive" if hash_of(case["claim_id"]) % 20 == 0 else verdict,
                    "grounds": [case["grounds"][0]],
                    "note": "",
                },
                IDA,
            )
            assert answer.outcome == "answered", answer
    book.site.query(
        "ALTER TABLE claimwatch.decision DISABLE TRIGGER USER;"
        # Before the weeks end that are checked, and in the order in which they were taken.
        "UPDATE claimwatch.decision SET at = '2026-01-20Z'::timestamptz + (at - (SELECT min(at) FROM"
        " claimwatch.decision));"
        "ALTER TABLE claimwatch.decision ENABLE TRIGGER USER; SELECT 1"
    )


def hash_of(claim: str) -> int:
    return uuid.uuid5(uuid.NAMESPACE_OID, claim).int


def rounded(found: list[Finding]) -> list[Row]:
    """Return findings without their last digits: sums of rows in another order differ there."""
    return [
        {name: float(f"{value:.12g}") if isinstance(value, float) else value for name, value in each.items()}
        for each in map(asdict, found)
    ]


def scores(book: Book) -> list[Row]:
    return book.site.query(
        "SELECT claim_id, file_id, model_version, role, probability, referred, audit_sample"
        ' FROM claimwatch.score ORDER BY claim_id COLLATE "C", file_id, model_version, role'
    )


def outcomes(book: Book) -> list[Row]:
    return book.site.query(
        "SELECT line, claim_id, is_fraud, decided_at, decided_by, source FROM claimwatch.current_outcome"
        ' ORDER BY line, claim_id COLLATE "C"'
    )


def drop_decisions(book: Book, decided: list[Row]) -> None:
    """Drop the same decisions as the file of a team that keeps its own list."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in decided:
        source = "random_audit" if row["origin"] == "random_audit" else "referral"
        fraud = str(row["verdict"] == "fraud").lower()
        writer.writerow((row["claim_id"], fraud, row["at"].isoformat(), row["by"], source))
    at = datetime.now(UTC) + timedelta(seconds=1)
    file = book.site.drop("outcomes/motor/own-list.csv", text.getvalue(), at=at)
    assert (file["status"], file["rows_quarantined"]) == ("committed", 0)


def test_every_measure_of_the_weekly_checks_is_the_same_by_desk_and_by_file(
    books: tuple[Book, Book], delivered: tuple[Path, list[str]]
) -> None:
    by_desk, by_file = books
    assert scores(by_desk) == scores(by_file)
    decide_everything(by_desk, truth(delivered))
    decided = by_desk.site.query(
        "SELECT d.claim_id, d.verdict, d.at, d.by, c.origin FROM claimwatch.decision AS d"
        " JOIN claimwatch.review_case AS c USING (case_id) WHERE d.final ORDER BY d.at"
    )
    drop_decisions(by_file, [row for row in decided if row["verdict"] != "inconclusive"])

    decisions = Decisions(by_desk.site.database, by_desk.site)
    assert decisions.publish().waiting == 0
    assert {row["status"] for row in decisions.load()} == {"committed"}

    assert outcomes(by_desk) == outcomes(by_file)
    sources = Counter(row["source"] for row in outcomes(by_desk))
    assert sources["referral"] > 100
    assert sources["random_audit"] > 20
    compared = 0
    for week in WEEKS:
        for check in CHECKS:
            if check != "operations":  # it is about queues and functions
                one, other = (book.check(check, week, challenger="2") for book in books)
                if check == "data_quality":  # it counts files, also those of outcomes
                    one, other = (
                        [each for each in found if each.metric != "file_count"] for found in (one, other)
                    )
                assert rounded(one) == rounded(other), (week, check)
                compared += len(one)
    measured = [each for each in by_desk.check("performance", WEEKS[0]) if each.value is not None]
    assert measured
    assert compared > 300
    # Cases of both are over: those of the other one were settled by its file.
    states = [
        Counter(row["state"] for row in book.site.query("SELECT state FROM claimwatch.review_case"))
        for book in books
    ]
    assert states[0]["decided"] == len(decided)
    assert states[1]["settled"] == len([row for row in decided if row["verdict"] != "inconclusive"])
