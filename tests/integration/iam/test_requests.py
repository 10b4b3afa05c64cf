"""Systems may call exactly the routes of their policies, for the line in their tag, and are on record."""

import gzip
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

from local.emulator import REGION
from local.processes import wait_until
from tests.deployed import PATIENCE, Deployed, Row

CLAIMS = {"claims": [{"claim_id": "IAM-1", "claim_amount": "Erika"}]}
SCORES, SUBMISSIONS, READY, HEALTH = (
    "/v1/lines/motor/scores",
    "/v1/lines/motor/claims",
    "/v1/ready",
    "/v1/health",
)
ALLOWED = {200, 202, 400, 409}
"""Answers of a function: API Gateway has let the caller through."""


@dataclass(frozen=True)
class Answer:
    """Status and document of an answer."""

    status: int
    document: Row


@dataclass(frozen=True)
class System:
    """A system of the insurer, with its credentials."""

    name: str
    session: boto3.Session
    url: str
    address: str

    @property
    def arn(self) -> str:
        """The identity that API Gateway verifies."""
        return f"arn:aws:iam::000000000000:user/{self.name}"

    def call(
        self,
        path: str,
        body: object = None,
        *,
        purpose: str | None = "claim_handling",
        tampered: bytes | None = None,
        **headers: str,
    ) -> Answer:
        """Send a signed request; ``tampered`` replaces the body after it is signed."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {"host": urlsplit(self.url).netloc, "content-type": "application/x-ndjson"}
        sent |= {"x-purpose": purpose} if purpose else {}
        method = "POST" if content else "GET"
        request = AWSRequest(method, self.address + path, headers=sent, data=content)
        credentials = self.session.get_credentials()
        assert credentials is not None
        SigV4Auth(credentials.get_frozen_credentials(), "execute-api", REGION).add_auth(request)
        return _send(method, self.address + path, dict(request.headers), tampered or content)


type Systems = Callable[..., System]


def _send(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    request = AWSRequest(method, url, headers=dict(headers), data=body).prepare()
    answer = URLLib3Session(timeout=60, proxies={}).send(request)
    return Answer(answer.status_code, json.loads(answer.content or b"{}"))


@pytest.fixture(scope="module")
def systems(deployed: Deployed) -> Systems:
    """Create users with policies and tags, and return the systems that use their credentials."""
    iam = deployed.client("iam")

    def create(*policies: str, line: str | None = "motor") -> System:
        name = f"system-{uuid.uuid4().hex[:8]}"
        tags = [{"Key": "claimwatch-line", "Value": line}] if line else []
        iam.create_user(UserName=name, Tags=tags)
        for policy in policies:
            iam.attach_user_policy(UserName=name, PolicyArn=deployed.outputs[policy])
        key = iam.create_access_key(UserName=name)["AccessKey"]
        session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)
        return System(name, session, deployed.outputs["ApiUrl"], deployed.stack.endpoint_url)

    return create


@pytest.fixture(scope="module")
def scorer(systems: Systems) -> System:
    return systems("CallScoresPolicyArn")


@pytest.fixture(scope="module")
def submitter(systems: Systems) -> System:
    return systems("CallClaimsPolicyArn")


def recorded(deployed: Deployed, system: System, number: int = 1) -> list[Row]:
    """Wait until so many events of a system are stored, and return them."""
    found: list[Row] = []

    def arrived() -> bool:
        found[:] = deployed.query(
            "SELECT * FROM claimwatch.access_event WHERE actor = %s ORDER BY at", system.arn
        )
        return len(found) >= number

    assert wait_until(arrived, PATIENCE, every=0.2), found
    return found


def test_a_system_may_call_the_routes_of_its_policy_and_no_others(scorer: System, submitter: System) -> None:
    assert scorer.call(SCORES, CLAIMS).status in ALLOWED
    assert scorer.call(READY, purpose="operations").status == 200
    assert scorer.call(SUBMISSIONS, CLAIMS).status == 403

    assert submitter.call(SUBMISSIONS, CLAIMS).status in ALLOWED
    assert submitter.call(SCORES, CLAIMS).status == 403
    assert submitter.call(READY, purpose="operations").status == 403


@pytest.mark.parametrize(
    "policy", [(), ("OperatorPolicyArn",), ("ApproverPolicyArn",), ("CallReadsPolicyArn",)]
)
def test_no_other_policy_reaches_scores_or_submissions(systems: Systems, policy: tuple[str, ...]) -> None:
    other = systems(*policy)
    for path in (SCORES, SUBMISSIONS, READY):
        assert other.call(path, None if path == READY else CLAIMS).status == 403, path


@pytest.mark.parametrize("line", ["home", None])
def test_the_tag_of_another_line_or_no_tag_reaches_nothing(systems: Systems, line: str | None) -> None:
    other = systems("CallScoresPolicyArn", "CallClaimsPolicyArn", line=line)
    assert other.call(SCORES, CLAIMS).status == 403
    assert other.call(SUBMISSIONS, CLAIMS, idempotency_key="a").status == 403


def test_a_line_that_does_not_exist_is_not_found_for_the_system_that_it_is_granted(
    systems: Systems, deployed: Deployed
) -> None:
    other = systems("CallScoresPolicyArn", line="home")

    answer = other.call("/v1/lines/home/scores", CLAIMS)

    assert (answer.status, answer.document["code"]) == (404, "not_found")
    [event] = recorded(deployed, other)
    assert (event["action"], event["outcome"], event["line"]) == ("score", "not_found", "home")


def test_a_body_that_was_changed_after_it_was_signed_is_denied(scorer: System, submitter: System) -> None:
    tampered = json.dumps(CLAIMS).replace("IAM-1", "IAM-2").encode()
    assert scorer.call(SCORES, CLAIMS, tampered=tampered).status == 403
    assert submitter.call(SUBMISSIONS, CLAIMS, tampered=tampered, idempotency_key="a").status == 403


def test_an_unsigned_request_reaches_only_the_health_check(deployed: Deployed) -> None:
    base = deployed.stack.endpoint_url
    headers = {"host": urlsplit(deployed.outputs["ApiUrl"]).netloc, "x-purpose": "testing"}
    assert _send("GET", base + HEALTH, headers, b"") == Answer(200, {"status": "ok"})
    for path in (SCORES, SUBMISSIONS):
        assert _send("POST", base + path, headers, b"{}").status in (401, 403)
    assert _send("GET", base + READY, headers, b"").status in (401, 403)


@pytest.mark.parametrize("purpose", [None, "curiosity", "Erika Mustermann"])
def test_without_a_purpose_of_the_line_nothing_is_answered_and_the_attempt_is_on_record(
    systems: Systems, deployed: Deployed, purpose: str | None
) -> None:
    curious = systems("CallScoresPolicyArn", "CallClaimsPolicyArn")

    answers = [
        curious.call(SCORES, CLAIMS, purpose=purpose),
        curious.call(SUBMISSIONS, CLAIMS, purpose=purpose, idempotency_key="a"),
    ]

    assert [(answer.status, answer.document["code"]) for answer in answers] == [(400, "purpose")] * 2
    assert "Erika" not in str(answers)
    events = recorded(deployed, curious, 2)
    assert sorted(event["action"] for event in events) == ["claims.submit", "score"]
    assert {(event["outcome"], event["reason"], event["line"]) for event in events} == {
        ("refused", "purpose", "motor")
    }
    assert curious.call(READY, purpose=purpose).status == 400


def test_claims_that_a_system_sends_become_one_file_and_its_name_is_on_record(
    submitter: System, deployed: Deployed
) -> None:
    name = uuid.uuid4().hex
    claims = f'{{"claim_id": "IAM-{name[:8]}"}}\n'.encode()

    first = submitter.call(SUBMISSIONS, claims, idempotency_key=name)
    again = submitter.call(SUBMISSIONS, gzip.compress(claims), idempotency_key=name, content_encoding="gzip")
    other = submitter.call(SUBMISSIONS, b'{"claim_id": "IAM-other"}', idempotency_key=name)

    assert (first.status, again.status) == (202, 202)
    without_id = [
        {k: v for k, v in answer.document.items() if k != "request_id"} for answer in (first, again)
    ]
    assert without_id[0] == without_id[1]
    assert (other.status, other.document["code"]) == (409, "conflict")
    file = deployed.ended(first.document["version_id"])
    assert (file["key"], file["line"]) == (first.document["key"], "motor")
    assert file["status"] == "refused", "the file lacks required columns, so it is not loaded"
    assert submitter.name not in file["key"]
    events = [event for event in recorded(deployed, submitter, 3) if event["object"] == file["key"]]
    assert [(event["action"], event["outcome"]) for event in events] == [("claims.submit", "answered")] * 2


def test_each_answer_is_on_record_with_caller_and_purpose(scorer: System, deployed: Deployed) -> None:
    answer = scorer.call(SCORES, {"claims": []}, purpose="testing")

    assert (answer.status, answer.document["code"]) == (400, "malformed")
    events = [event for event in recorded(deployed, scorer) if event["purpose"] == "testing"]
    assert wait_until(
        lambda: bool(
            deployed.query(
                "SELECT FROM claimwatch.score_request WHERE actor = %s AND purpose = 'testing'"
                " AND problem = 'malformed'",
                scorer.arn,
            )
        ),
        PATIENCE,
        every=0.2,
    ), events
