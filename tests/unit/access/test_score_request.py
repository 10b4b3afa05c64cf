"""Scores come from the promoted champion, for one of the line's purposes, and never without a record."""

import json
from http import HTTPStatus
from typing import Any

import pytest

from claimwatch.access.request_record import RequestRecord, claim_digest
from claimwatch.aws.http_api import RawRequest, RequestProblem, UnknownCaller
from claimwatch.errors import MalformedEvent, TransientFault
from claimwatch.scoring.bundle import BundleMismatch
from claimwatch.scoring.readiness import Dependencies as ReadinessDependencies
from claimwatch.scoring.readiness import ready
from claimwatch.scoring.score_request import LARGEST_BODY, MOST_CLAIMS, score_claims
from tests.unit.access.environment import KEY, PREFIX, REASON, ROLE, Scoring, request


class Api(Scoring):
    """The surroundings, asked for scores."""

    def score(self, given: RawRequest) -> dict[str, Any]:
        return score_claims(self.deps, given).document

    def problem(self, given: RawRequest) -> tuple[HTTPStatus, str]:
        """Return status and code of the problem that a request is answered with."""
        with pytest.raises(RequestProblem) as raised:
            self.score(given)
        assert "secret" not in raised.value.detail
        return raised.value.status, raised.value.code


@pytest.fixture
def scoring() -> Api:
    return Api()


def claims(*ids: str, **headers: str) -> RawRequest:
    """A request for the scores of claims with these ids."""
    return request(json.dumps({"claims": [{"claim_id": each} for each in ids]}).encode(), **headers)


def test_the_answer_has_a_result_for_each_claim_in_order(scoring: Api) -> None:
    assert scoring.score(claims("C-1", "broken", "C-2")) == {
        "request_id": "request-1",
        "line": "motor",
        "model_version": "7",
        "contract_version": "1.2.0",
        "results": [
            {
                "position": 0,
                "claim_id": "C-1",
                "status": "scored",
                "probability": 0.1 + 0.2,
                "percentile": 99.00000000000001,
                "refer": True,
                "reasons": [REASON],
                "model_version": "7",
            },
            {
                "position": 1,
                "claim_id": None,
                "status": "rejected",
                "problems": [
                    {"column": "amount", "rule": "type", "message": "the value is not a number"},
                    {"column": None, "rule": "json", "message": "x"},
                ],
            },
            {
                "position": 2,
                "claim_id": "C-2",
                "status": "scored",
                "probability": 0.1 + 0.2,
                "percentile": 99.00000000000001,
                "refer": True,
                "reasons": [REASON],
                "model_version": "7",
            },
        ],
    }


def test_the_record_says_who_asked_why_and_what_the_answer_was(scoring: Api) -> None:
    scoring.score(claims("C-1", "broken"))

    [message] = scoring.records
    record = RequestRecord.parse(message)
    assert (record.actor, record.purpose, record.line) == (ROLE, "claim_handling", "motor")
    assert (record.outcome, record.problem, record.code_version) == ("answered", None, "9.9.9")
    assert (record.model_version, record.model_sha256) == ("7", "7" * 64)
    assert (record.contract_version, record.threshold) == ("1.2.0", 0.25)
    assert list(record.claims) == [
        {
            "position": 0,
            "claim_id": "C-1",
            "claim_hmac": claim_digest('{"claim_id":"C-1"}', KEY),
            "probability": 0.1 + 0.2,
            "percentile": 99.00000000000001,
            "referred": True,
            "reasons": [REASON],
        },
        {"position": 1, "claim_id": None, "rules": ["type amount", "json"]},
    ]


def test_a_claim_has_one_digest_however_it_is_written() -> None:
    digest = claim_digest('{"a": 1, "b": "\\u00fc"}', KEY)

    assert claim_digest(' {"b":"ü" , "a":1}', KEY) == digest
    assert claim_digest('{"a": 2, "b": "ü"}', KEY) != digest
    assert claim_digest('{"a": 1, "b": "ü"}', b"another key") != digest


def test_a_claim_with_a_number_of_any_length_has_a_digest() -> None:
    digits = "9" * 5_000

    digest = claim_digest(f'{{"code": {digits}}}', KEY)

    assert digest == claim_digest(f'{{ "code":{digits} }}', KEY)
    assert digest != claim_digest(f'{{"code": {digits}9}}', KEY)


def test_no_score_is_answered_without_a_record(scoring: Api) -> None:
    scoring.queue_works = False
    with pytest.raises(TransientFault):
        scoring.score(claims("C-1"))


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        (claims("C-1", x_purpose=""), 400, "purpose"),
        (claims("C-1", x_purpose="curiosity"), 400, "purpose"),
        (claims("C-1", x_purpose="secret purpose"), 400, "purpose"),
        (request(b'{"claims": []}'), 400, "malformed"),
        (claims(*map(str, range(MOST_CLAIMS + 1))), 413, "too_large"),
        (request(b'{"claims": ["' + b"x" * LARGEST_BODY + b'"]}'), 413, "too_large"),
        (request(b'{"claims": [{}]}', "home"), 404, "not_found"),
        (request(b'{"claims": [{}]}', "a secret line"), 404, "not_found"),
    ],
)
def test_a_refused_request_is_on_record_too(scoring: Api, given: RawRequest, status: int, code: str) -> None:
    assert scoring.problem(given) == (status, code)

    [record] = scoring.records
    assert (record["outcome"], record["problem"], record["claims"]) == ("refused", code, [])
    assert (record["actor"], record["request_id"]) == (ROLE, "request-1")
    assert "secret" not in str(record)


@pytest.mark.parametrize(
    "body", [b"", b"secret", b'["secret"]', b'{"claims": "secret"}', b'{"secret": []}', b"\xff"]
)
def test_a_malformed_body_is_refused_without_its_content(scoring: Api, body: bytes) -> None:
    with pytest.raises(MalformedEvent) as raised:
        scoring.score(request(body))

    assert "secret" not in str(raised.value)
    assert [(record["outcome"], record["problem"]) for record in scoring.records] == [
        ("refused", "malformed")
    ]


def test_the_purpose_of_a_refused_request_is_on_record_if_it_is_one(scoring: Api) -> None:
    scoring.problem(request(b'{"claims": []}'))
    scoring.problem(claims("C-1", x_purpose="curiosity"))
    assert [record["purpose"] for record in scoring.records] == ["claim_handling", "curiosity"]


def test_a_line_without_a_champion_has_no_scores(scoring: Api) -> None:
    scoring.publish("live", "motor", None)
    assert scoring.problem(claims("C-1")) == (HTTPStatus.CONFLICT, "no_model")
    assert scoring.records[0]["problem"] == "no_model"


def test_a_model_that_is_not_the_promoted_one_scores_nothing_and_neither_does_the_earlier_one(
    scoring: Api,
) -> None:
    scoring.score(claims("C-1"))
    scoring.promote("8")
    scoring.damaged = {"8"}
    scoring.pass_seconds(30)

    for _ in range(2):
        with pytest.raises(BundleMismatch):
            scoring.score(claims("C-1"))

    assert [record["problem"] for record in scoring.records] == [None, "unavailable", "unavailable"]


def test_a_promotion_is_seen_within_thirty_seconds(scoring: Api) -> None:
    assert scoring.score(claims("C-1"))["model_version"] == "7"
    scoring.promote("8")
    scoring.pass_seconds(30)
    assert scoring.score(claims("C-1"))["model_version"] == "8"


def test_while_the_parameters_cannot_be_read_nothing_is_scored(scoring: Api) -> None:
    scoring.score(claims("C-1"))
    scoring.parameters_work = False
    scoring.pass_seconds(30)
    with pytest.raises(TransientFault):
        scoring.score(claims("C-1"))


def test_a_caller_who_is_not_verified_gets_nothing(scoring: Api) -> None:
    with pytest.raises(UnknownCaller):
        scoring.score(request(b'{"claims": [{"claim_id": "C-1"}]}', caller=None))
    assert scoring.records == []


def readiness(scoring: Api, given: RawRequest) -> dict[str, Any]:
    names = [
        name.rpartition("/")[2] for name in scoring.parameters if name.startswith(f"{PREFIX}/contracts/")
    ]
    return ready(ReadinessDependencies(scoring.deps, lambda: names), given)


def test_readiness_loads_every_champion(scoring: Api) -> None:
    assert readiness(scoring, request(x_purpose="operations")) == {
        "ready": True,
        "lines": [{"line": "motor", "ready": True, "model_version": "7"}],
    }
    scoring.damaged = {"7"}
    with pytest.raises(BundleMismatch):
        readiness(scoring, request(x_purpose="operations"))


def test_a_line_without_a_champion_is_not_ready_which_is_no_fault(scoring: Api) -> None:
    scoring.publish("live", "motor", None)
    assert readiness(scoring, request(x_purpose="operations"))["lines"] == [
        {"line": "motor", "ready": False, "model_version": None}
    ]


@pytest.mark.parametrize("purpose", ["", "curiosity"])
def test_readiness_needs_a_purpose_and_a_caller(scoring: Api, purpose: str) -> None:
    with pytest.raises(RequestProblem, match="x-purpose"):
        readiness(scoring, request(x_purpose=purpose))
    with pytest.raises(UnknownCaller):
        readiness(scoring, request(caller=None))
