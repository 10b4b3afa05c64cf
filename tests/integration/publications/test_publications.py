"""A decision becomes one outcome: once, whole, not before it is sure, and never without a later chance."""

import json
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from claimwatch.cases.publish_decisions import OtherDecisions, publish_decisions
from claimwatch.errors import TransientFault
from claimwatch.storage.connection import StatementRefused
from tests.cluster import ClonedDatabase
from tests.integration.ingest.environment import LANDING
from tests.integration.publications.environment import Decisions


@pytest.fixture
def decisions(database: ClonedDatabase, tmp_path: Path) -> Decisions:
    return Decisions.below(database, tmp_path)


def test_a_decision_becomes_the_outcome_of_its_claim(decisions: Decisions) -> None:
    before = datetime.now(UTC)
    decisions.decide("C-1", "fraud", by="ida", ago=60)
    decisions.decide("C-2", "not_fraud", by="ivo", ago=50, origin="random_audit")
    published = decisions.publish()
    assert (published.files, published.decisions, published.waiting) == (1, 2, 0)

    [row] = decisions.load()

    assert (row["key"], row["status"]) == ("outcomes/motor/decisions/1-2.ndjson", "committed")
    assert (row["rows_loaded"], row["rows_quarantined"]) == (2, 0)
    outcomes = decisions.site.query(
        "SELECT o.claim_id, o.is_fraud, o.decided_by, o.source, o.decided_at, d.at"
        " FROM claimwatch.current_outcome AS o JOIN claimwatch.decision AS d USING (line, claim_id)"
        " ORDER BY o.claim_id"
    )
    assert [(o["claim_id"], o["is_fraud"], o["decided_by"], o["source"]) for o in outcomes] == [
        ("C-1", True, "ida", "referral"),
        ("C-2", False, "ivo", "random_audit"),
    ]
    assert all(o["decided_at"] == o["at"] for o in outcomes)  # to the microsecond
    assert outcomes[0]["at"] < before - timedelta(seconds=50)


@pytest.mark.parametrize(
    "claim", ["007", " 7 ", "null", "true", "1e5", "ä\u0301 ", '"', "a,b", "x" * 500, "\u2028", "{}", "👩‍🔧"]
)
def test_whatever_a_claim_is_called_its_outcome_has_the_same_id(decisions: Decisions, claim: str) -> None:
    loaded = decisions.site.drop("outcomes/motor/ids.ndjson", _outcome(claim))
    if loaded["rows_loaded"] == 0:
        pytest.skip("no claim can have this id")
    [stored] = decisions.site.query("SELECT claim_id FROM claimwatch.current_outcome")
    decisions.decide(stored["claim_id"])
    decisions.publish()
    [row] = decisions.load()
    assert (row["rows_loaded"], row["rows_quarantined"]) == (1, 0)
    assert decisions.site.query("SELECT claim_id, source FROM claimwatch.current_outcome") == [
        {"claim_id": stored["claim_id"], "source": "referral"}
    ]


def _outcome(claim: str) -> str:
    return json.dumps({"claim_id": claim, "is_fraud": False, "decided_at": "2026-01-01T00:00:00Z"}) + "\n"


def test_only_decisions_that_are_final_and_say_something_are_published(decisions: Decisions) -> None:
    decisions.decide("first-look", final=False)
    decisions.decide("inconclusive", "inconclusive")
    decisions.undo(decisions.decide("undone"))
    decisions.decide("sure")
    assert decisions.publish().waiting == 0
    assert decisions.claims() == ["sure"]
    # The second look at the first one, and another decision after the undone one.
    decisions.decide("first-look", "not_fraud")
    decisions.decide("undone", "not_fraud")
    assert decisions.publish().waiting == 0
    assert sorted(decisions.claims()) == ["first-look", "sure", "undone"]


def test_a_decision_that_can_still_be_undone_waits_and_is_published_later(decisions: Decisions) -> None:
    young = decisions.decide("young", ago=10)
    decisions.decide("old", ago=20)
    assert decisions.publish().waiting == 1
    assert decisions.claims() == ["old"]
    decisions.undo(young)
    assert decisions.publish().waiting == 0
    assert decisions.claims() == ["old"]


def test_a_decision_whose_case_is_being_changed_waits(decisions: Decisions) -> None:
    """Whoever undoes it has locked the case, and may commit at any time."""
    decisions.decide("C-1")
    with decisions.database.transaction() as cursor:
        cursor.execute("SELECT FROM claimwatch.review_case FOR UPDATE")
        assert (decisions.publish().decisions, decisions.publish().waiting) == (0, 1)
    assert decisions.publish().decisions == 1


def test_a_published_decision_cannot_be_undone(decisions: Decisions) -> None:
    decision = decisions.decide("C-1")
    decisions.publish()
    with pytest.raises(StatementRefused):
        decisions.undo(decision)


def test_later_decisions_get_later_files_and_files_have_at_most_so_many(decisions: Decisions) -> None:
    for number in range(5):
        decisions.decide(f"C-{number}", ago=1000 - number)
    decisions.decide("H-1", line="home", ago=500)
    published = decisions.publish(most=2)
    assert (published.decisions, published.waiting) == (6, 0)
    decisions.decide("C-9")
    decisions.publish()
    assert {key: [row["claim_id"] for row in rows] for key, rows in decisions.files().items()} == {
        "outcomes/home/decisions/1-1.ndjson": ["H-1"],
        "outcomes/motor/decisions/1-2.ndjson": ["C-0", "C-1"],
        "outcomes/motor/decisions/3-4.ndjson": ["C-2", "C-3"],
        "outcomes/motor/decisions/5-5.ndjson": ["C-4"],
        "outcomes/motor/decisions/6-6.ndjson": ["C-9"],
    }


def test_two_runs_at_once_publish_each_decision_once(decisions: Decisions) -> None:
    for number in range(300):
        decisions.decide(f"C-{number}")
    done: list[int] = []

    def run() -> None:
        with closing(decisions.database.separately("decisions")) as own:
            deps = decisions.dependencies(most=20)
            done.append(publish_decisions(type(deps)(own, deps.objects, deps.bucket, deps.most)).decisions)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == len(threads)
    assert sorted(decisions.claims()) == sorted(f"C-{number}" for number in range(300))


def test_if_time_is_up_the_rest_waits(decisions: Decisions) -> None:
    for number in range(4):
        decisions.decide(f"C-{number}")
    looks = iter([False, True])
    published = publish_decisions(decisions.dependencies(most=2), time_is_up=lambda: next(looks))
    assert (published.files, published.waiting) == (1, 2)
    assert decisions.publish().waiting == 0
    assert len(decisions.claims()) == 4


def test_a_run_that_ended_anywhere_is_continued_with_the_same_key_and_bytes(decisions: Decisions) -> None:
    class Breaking:
        """Stores an object, and then fails to say so; or fails before it stores one."""

        def __init__(self, stores: bool) -> None:
            self.stores = stores

        def add(self, bucket: str, key: str, content: bytes) -> str | None:
            if self.stores:
                decisions.site.objects.add(bucket, key, content)
            raise TransientFault("S3 did not answer")

    decisions.decide("C-1")
    deps = decisions.dependencies()
    for stores in (False, True):
        with pytest.raises(TransientFault):
            publish_decisions(type(deps)(deps.database, Breaking(stores), deps.bucket))
        decisions.decide(f"later-{stores}")  # no file that is fixed gets another decision
    decisions.publish()
    assert decisions.claims() == ["C-1", "later-False", "later-True"]
    stored = (decisions.site.objects.folder / LANDING).glob("*/*")
    assert {path.name for path in stored} == {"1"}  # no key has a second version


def test_the_source_is_that_of_the_moment_at_which_the_file_was_fixed(decisions: Decisions) -> None:
    decisions.decide("C-1")
    with decisions.database.as_task("decisions").transaction() as cursor:
        cursor.execute("SELECT FROM claimwatch.fix_publications(10)")
    decisions.site.query("UPDATE claimwatch.review_case SET origin = 'random_audit' RETURNING 1")
    decisions.publish()
    assert [row["source"] for rows in decisions.files().values() for row in rows] == ["referral"]


def test_a_file_with_other_decisions_is_neither_replaced_nor_passed_over(decisions: Decisions) -> None:
    decisions.site.objects.write(
        LANDING, "outcomes/motor/decisions/1-1.ndjson", [b"of a database that was restored"]
    )
    decisions.decide("C-1")
    with pytest.raises(OtherDecisions, match=r"motor/decisions/1-1\.ndjson"):
        decisions.publish()
    decisions.decide("C-2")
    decisions.decide("C-3")
    with pytest.raises(OtherDecisions, match=r"motor/decisions/1-1\.ndjson"):
        decisions.publish()
    # What docs/runbook.md says.
    decisions.site.query(
        "UPDATE claimwatch.decision_publication SET number = number + 3, first = first + 3, last = last + 3"
        " WHERE line = 'motor' AND stored_at IS NULL RETURNING 1"
    )
    assert decisions.publish().decisions == 3


def test_a_line_whose_file_has_other_decisions_stops_no_other_line(decisions: Decisions) -> None:
    decisions.site.objects.write(
        LANDING, "outcomes/home/decisions/1-1.ndjson", [b'{"claim_id": "restored"}\n']
    )
    for line in ("home", "motor"):
        decisions.decide("C-1", line=line)
    with pytest.raises(OtherDecisions, match=r"home/decisions/1-1\.ndjson"):
        decisions.publish()
    assert {key: [row["claim_id"] for row in rows] for key, rows in decisions.files().items()} == {
        "outcomes/home/decisions/1-1.ndjson": ["restored"],
        "outcomes/motor/decisions/1-1.ndjson": ["C-1"],
    }


def test_a_long_name_of_a_person_does_not_cost_the_outcome(decisions: Decisions) -> None:
    decisions.decide("C-1", by="ü" * 450)
    decisions.publish()
    [row] = decisions.load()
    assert (row["rows_loaded"], row["rows_quarantined"]) == (1, 0)
