"""Scores on request while PostgreSQL does not run, and from no model but the promoted one."""

import csv
import json
import uuid
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from claimwatch.errors import RefusedData
from cli.api import Answer, Api
from local.emulator import REGION, ROOT_KEY, ROOT_SECRET
from samples import Book, BookConfig, write_week
from tests.deployed import Deployed, eventually
from tests.e2e.champion import promoted
from tests.motor_model import MotorModel

REQUESTS = 40
OUTAGE, SEALED, FLIPPED, REPAIRED = "MTR-0A7A", "MTR-5EA1", "MTR-F11B", "MTR-FA12"
"""What the ids of the claims of a test begin with."""


@dataclass(frozen=True)
class Scores:
    """The route of scores, called as an administrator."""

    api: Api
    claims: list[dict[str, str]]

    def ask(self, number: int, count: int = 1, prefix: str = "MTR-0000") -> Answer:
        """Ask for scores of some claims, whose ids begin with a prefix."""
        chosen = [
            claim | {"claim_id": f"{prefix}{number:04X}{place:04X}"}
            for place, claim in enumerate(self.claims[:count])
        ]
        body = json.dumps({"claims": chosen}).encode()
        return self.api.request(
            "POST",
            "/v1/lines/motor/scores",
            body,
            {"x-purpose": "testing", "content-type": "application/json"},
        )


@pytest.fixture(scope="module")
def model(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> MotorModel:
    """A model that is the champion of line motor."""
    return promoted(deployed, tmp_path_factory.mktemp("book"), "scores")


@pytest.fixture(scope="module")
def scores(deployed: Deployed, model: MotorModel, tmp_path_factory: pytest.TempPathFactory) -> Scores:
    path = tmp_path_factory.mktemp("claims") / "week.csv"
    write_week(path, Book(BookConfig(seed=11, claims_per_week=20)), 0)
    with path.open(encoding="utf-8", newline="") as file:
        claims = list(csv.DictReader(file))
    session = boto3.Session(ROOT_KEY, ROOT_SECRET, region_name=REGION)
    api = Api(deployed.outputs["ApiUrl"], session, deployed.stack.endpoint_url, sleep=_never)
    scores = Scores(api, claims)

    def shown() -> bool:
        try:
            return bool(scores.ask(0).content["model_version"] == model.version)
        except RefusedData:  # before the promotion, the line perhaps had no model
            return False

    eventually(shown, "the promotion shows")
    return scores


def _never(_: float) -> None:
    raise AssertionError("the API must answer at once")


def records(deployed: Deployed, prefix: str) -> list[dict[str, Any]]:
    return deployed.query(
        "SELECT request_id, claim_id, probability, model_version FROM claimwatch.score_request"
        " WHERE claim_id LIKE %s || '%%' ORDER BY claim_id",
        prefix,
    )


@pytest.mark.timeout(600)
def test_scores_continue_while_postgresql_does_not_run_and_all_are_on_record_once_it_does(
    deployed: Deployed, scores: Scores, model: MotorModel
) -> None:
    database = deployed.stack.servers.postgres
    database.stop("immediate")
    try:
        answers = [scores.ask(number, 1 + number % 3, OUTAGE) for number in range(REQUESTS)]
    finally:
        database.restart()

    handed_out = {
        (answer.content["request_id"], result["claim_id"]): (result["probability"], result["model_version"])
        for answer in answers
        for result in answer.content["results"]
    }
    assert len(handed_out) == sum(1 + number % 3 for number in range(REQUESTS))
    eventually(lambda: len(records(deployed, OUTAGE)) >= len(handed_out), "each answer is on record")
    stored = records(deployed, OUTAGE)
    assert {
        (row["request_id"], row["claim_id"]): (row["probability"], row["model_version"]) for row in stored
    } == handed_out
    assert len(stored) == len(handed_out)
    events = deployed.query(
        "SELECT object FROM claimwatch.access_event WHERE action = 'score' AND object LIKE %s || '%%'",
        OUTAGE,
    )
    assert sorted(row["object"] for row in events) == sorted(row["claim_id"] for row in stored)


def test_scores_are_on_record_sealed_and_verified(deployed: Deployed, scores: Scores) -> None:
    request_id = scores.ask(1, 3, SEALED).content["request_id"]
    eventually(lambda: len(records(deployed, SEALED)) == 3, "each answer is on record")
    stored = deployed.query(
        "SELECT seq, action, outcome, purpose FROM claimwatch.access_event WHERE request_id = %s", request_id
    )
    assert [(row["action"], row["outcome"], row["purpose"]) for row in stored] == [
        ("score", "answered", "testing")
    ] * 3

    deployed.invoke("SealAudit", {})

    [sealed] = deployed.query(
        "SELECT max(last_seq) AS last, sum(events) AS events FROM claimwatch.audit_seal"
    )
    assert sealed["last"] >= max(row["seq"] for row in stored)
    verified = deployed.command("audit", "verify", "--because", "testing")
    assert (verified["agrees"], verified["verified"]) == (True, sealed["events"])
    listed = deployed.command("audit", "list", "--claim", f"{SEALED}00010000", "--because", "testing")[
        "events"
    ]
    assert [event["request_id"] for event in listed] == [request_id]


def test_claims_that_were_sent_are_scored_and_their_status_tells_the_same_score(
    deployed: Deployed, scores: Scores
) -> None:
    claim = scores.claims[0] | {"claim_id": f"MTR-{uuid.uuid4().hex[:12].upper()}"}
    asked = scores.api.request(
        "POST", "/v1/lines/motor/scores", json.dumps({"claims": [claim]}).encode(), {"x-purpose": "testing"}
    ).content["results"][0]

    sent = scores.api.request(
        "POST",
        "/v1/lines/motor/claims",
        f"{json.dumps(claim)}\n".encode(),
        {
            "x-purpose": "testing",
            "idempotency-key": claim["claim_id"],
            "content-type": "application/x-ndjson",
        },
    ).content
    file = deployed.ended(sent["version_id"])
    assert (file["key"], file["status"], file["rows_loaded"]) == (sent["key"], "committed", 1)

    def status() -> dict[str, Any]:
        path = f"/v1/lines/motor/claims/{claim['claim_id']}"
        return scores.api.request("GET", path, b"", {"x-purpose": "testing"}).content

    eventually(lambda: status()["status"] == "scored", "the pipeline scores the claim")
    score = status()["score"]
    assert (score["probability"], score["model_version"]) == (asked["probability"], asked["model_version"])


def test_a_bundle_with_one_flipped_bit_scores_nothing_and_the_refusal_is_on_record(
    deployed: Deployed, scores: Scores, model: MotorModel
) -> None:
    s3, bucket = deployed.client("s3"), deployed.outputs["ArtifactBucket"]
    key = f"models/motor/{model.version}/explainer.npz"
    content = bytearray(model.keys()[key])
    content[len(content) // 2] ^= 1

    def replace(content: bytes) -> None:
        s3.delete_object(Bucket=bucket, Key=key)  # the policy lets nobody replace a file of a model
        s3.put_object(Bucket=bucket, Key=key, Body=content, IfNoneMatch="*")

    replace(bytes(content))
    try:
        # Another memory size starts a new process, which has no model in memory.
        function = deployed.resource("ScoreClaim")
        deployed.client("lambda").update_function_configuration(FunctionName=function, MemorySize=1800)
        version = deployed.client("lambda").publish_version(FunctionName=function)["Version"]
        alias = deployed.client("lambda").get_alias(FunctionName=function, Name="live")["FunctionVersion"]
        deployed.client("lambda").update_alias(FunctionName=function, Name="live", FunctionVersion=version)
        with pytest.raises(AssertionError, match="at once"):  # 503, which the client would repeat
            scores.ask(1, prefix=FLIPPED)
    finally:
        replace(model.keys()[key])
    assert alias != version
    refused = "SELECT FROM claimwatch.access_event WHERE action = 'score' AND reason = 'unavailable'"
    eventually(lambda: len(deployed.query(refused)) >= 1, "the refusal is on record")
    assert records(deployed, FLIPPED) == []
    assert scores.ask(2, prefix=REPAIRED).content["results"][0]["status"] == "scored"
