"""A decision at the desk of the deployed stack: one outcome, in the next snapshot; each view is one event."""

import json
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from claimwatch.domain.contract.parse import parse_contract
from local.sign_in import request, sign_in
from samples import Book, BookConfig, write_week
from tests.cluster import MOTOR, database_at
from tests.deployed import Deployed, Row, eventually
from tests.e2e.champion import promoted
from tests.e2e.test_photos import jpeg, row, scene
from training.take_snapshot import take_snapshot

OUTCOMES = """
    SELECT o.claim_id, o.is_fraud, o.source, o.decided_by, f.status, f.rows_quarantined
    FROM claimwatch.outcome AS o JOIN claimwatch.file AS f USING (file_id)
    WHERE starts_with(f.key, 'outcomes/motor/decisions/') ORDER BY o.claim_id
"""
DECIDED = """
    SELECT d.claim_id, d.verdict = 'fraud' AS is_fraud, c.origin AS source, d.by AS decided_by
    FROM claimwatch.decision AS d JOIN claimwatch.review_case AS c USING (case_id)
    LEFT JOIN claimwatch.decision_undo AS u ON u.decision_id = d.decision_id
    WHERE d.final AND d.verdict <> 'inconclusive' AND u.decision_id IS NULL ORDER BY d.claim_id
"""


@dataclass
class Person:
    """A person at the desk; ``asked`` counts the requests by the action of their events."""

    deployed: Deployed
    name: str
    token: str
    asked: Counter[str]

    @classmethod
    def of(cls, deployed: Deployed, name: str) -> "Person":
        [user] = [each for each in deployed.stack.users if each.name == name]
        client = deployed.outputs["UserPoolClientId"]
        tokens = sign_in(deployed.stack.endpoint_url, client, user.name, user.password)
        return cls(deployed, name, tokens["access_token"], Counter())

    def ask(
        self, action: str, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a request, and check that exactly one event of this action was added, and no other."""
        sent = {"authorization": f"Bearer {self.token}", "x-purpose": "fraud_investigation"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        before = self.events()
        answer = request(
            self.deployed.stack.desk_url, method, path, None if body is None else json.dumps(body), sent
        )
        assert answer[0] < 400, (path, answer)
        assert self.events() - before == Counter({action: 1}), path
        self.asked[action] += 1
        return answer

    def get(self, action: str, method: str, path: str, body: object = None, **headers: str) -> Any:
        return json.loads(self.ask(action, method, path, body, **headers)[2])

    def events(self) -> Counter[str]:
        found = self.deployed.query("SELECT action FROM claimwatch.access_event WHERE actor = %s", self.name)
        return Counter(event["action"] for event in found)

    def decide(self, case: Row, verdict: str) -> Row:
        answer: Row = self.get(
            "case.decide",
            "POST",
            f"/app/cases/{case['case_id']}/decision",
            {
                "generation": case["lease"]["generation"],
                "verdict": verdict,
                "grounds": [case["grounds"][0]],
                "note": "a test",
            },
            if_match=f'"v{case["version"]}"',
            idempotency_key=str(uuid.uuid4()),
        )
        return answer


@pytest.fixture(scope="module")
def ida(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """An investigator, for whom cases wait."""
    folder = tmp_path_factory.mktemp("desk")
    promoted(deployed, folder, "desk")
    write_week(folder / "desk.csv", Book(BookConfig(seed=77, claims_per_week=400)), 0)
    version = deployed.drop("claims/motor/desk.csv", (folder / "desk.csv").read_bytes())
    assert deployed.ended(version)["status"] == "committed"
    eventually(lambda: waiting(deployed) > 8, "cases wait")
    return Person.of(deployed, "ida")


@pytest.fixture(scope="module", autouse=True)
def one_look_each(deployed: Deployed) -> Iterator[None]:
    """No amount is so high that a second person has to decide too; the demo shows that."""
    limit = "UPDATE claimwatch.contract SET compiled = jsonb_set(compiled, '{review,second_look_above}', %s)"
    of_line = " WHERE line = 'motor' AND compiled -> 'review' ? 'second_look_above'"
    [found] = deployed.query(
        "SELECT compiled -> 'review' -> 'second_look_above' AS limit FROM claimwatch.contract"
        " WHERE line = 'motor' AND status = 'applied' ORDER BY contract_id DESC LIMIT 1"
    )
    deployed.query(limit + of_line, "1000000000")
    yield
    deployed.query(limit + of_line, json.dumps(found["limit"]))


def waiting(deployed: Deployed) -> int:
    [found] = deployed.query("SELECT count(*) FROM claimwatch.review_case WHERE closed_at IS NULL")
    return int(found["count"])


@pytest.mark.timeout(600)
def test_each_view_of_a_claim_a_photo_and_personal_values_is_exactly_one_event(
    deployed: Deployed, ida: Person
) -> None:
    listed = ida.get("queue.list", "GET", "/app/queue")
    assert listed["cases"]
    case = ida.get("case.next", "POST", "/app/queue/next", {})["case"]
    path = f"/app/cases/{case['case_id']}"
    assert ida.get("case.read", "GET", path)["case_id"] == case["case_id"]
    unmasked = ida.get("claim.unmask", "POST", f"{path}/unmask", {"reason": "to compare the names"})
    assert unmasked["columns"]

    row(deployed, deployed.drop(f"images/{event_of(deployed, case)}/front.jpg", jpeg(scene(9))))
    [photo] = ida.get("photo.list", "GET", f"{path}/photos")["photos"]
    status, headers, content = ida.ask("photo.view", "GET", f"{path}/photos/{photo['image_id']}")
    assert (status, headers["content-type"], content[:2]) == (200, "image/jpeg", b"\xff\xd8")
    ida.get("claim.read", "GET", f"/app/claims/motor/{case['claim_id']}")


def event_of(deployed: Deployed, case: Row) -> str:
    column = next((e for e in MOTOR.read_text("utf-8").splitlines() if "eventColumn" in e), "")
    name = column.split("value:")[1].strip(" }") if column else "claim_id"
    [found] = deployed.query(
        f"SELECT {name} AS event FROM claimwatch.current_claim_motor WHERE claim_id = %s", case["claim_id"]
    )
    return str(found["event"])


@pytest.mark.timeout(600)
def test_every_decision_is_one_outcome_and_in_the_next_snapshot(
    deployed: Deployed, ida: Person, tmp_path: Path
) -> None:
    verdicts = ["fraud", "not_fraud", "inconclusive", "not_fraud", "fraud", "not_fraud"]
    for number, verdict in enumerate(verdicts):
        case = ida.get("case.next", "POST", "/app/queue/next", {})["case"]
        decided = ida.decide(case, verdict)
        if number == 3:  # a mistake, which is taken back at once
            undone = ida.get(
                "case.undo",
                "POST",
                f"/app/cases/{case['case_id']}/undo",
                {"decision_id": decided["decision"]["decision_id"]},
            )
            ida.decide(undone["case"], "fraud")
    sure = deployed.query(DECIDED)
    assert len(sure) == verdicts.count("fraud") + verdicts.count("not_fraud")

    eventually(lambda: len(deployed.query(OUTCOMES)) >= len(sure), "each decision is an outcome")
    found = deployed.query(OUTCOMES)
    assert {(each["status"], each["rows_quarantined"]) for each in found} == {("committed", 0)}
    assert [{name: each[name] for name in sure[0]} for each in found] == sure
    claims = [each["claim_id"] for each in sure]
    current = deployed.query(
        "SELECT claim_id, is_fraud FROM claimwatch.current_outcome"
        " WHERE line = 'motor' AND claim_id = ANY (%s) ORDER BY claim_id",
        claims,
    )
    assert current == [{"claim_id": each["claim_id"], "is_fraud": each["is_fraud"]} for each in sure]

    contract = parse_contract(MOTOR.read_text("utf-8"), "motor")
    path = tmp_path / "snapshot.parquet"
    with closing(database_at(deployed.stack.database_url)) as database, database.transaction() as cursor:
        take_snapshot(cursor, contract, None, path)
    rows = pq.read_table(path, columns=["claim_id", "is_fraud", "source"]).to_pylist()
    learnt = [each for each in rows if each["claim_id"] in set(claims)]
    assert sorted(learnt, key=lambda each: each["claim_id"]) == [
        {name: each[name] for name in ("claim_id", "is_fraud", "source")} for each in sure
    ]
