"""A what-if is scored for a person whom another function names, and its record is that person's."""

import json

import pytest

from claimwatch.access.request_record import RequestRecord
from claimwatch.aws.api_events import ON_BEHALF_OF
from claimwatch.aws.http_api import RawRequest, RequestProblem, UnknownCaller
from claimwatch.errors import TransientFault
from claimwatch.scoring.score_request import score_claims, score_what_if
from tests.unit.access.environment import ROLE, Scoring, request

BODY = json.dumps({"claims": [{"claim_id": "C-1"}, {"claim_id": "C-1", "amount": 2}]}).encode()


def what_if(person: str = "ida", **headers: str) -> RawRequest:
    """What the API of cases asks; nobody has signed it."""
    asked = request(BODY, caller=None, **headers)
    return RawRequest(
        None,
        "request-1",
        "",
        asked.path,
        {**asked.headers, **({ON_BEHALF_OF: person} if person else {})},
        BODY,
    )


def test_the_record_of_a_what_if_names_the_person_and_the_action() -> None:
    scoring = Scoring()

    answered = score_what_if(scoring.deps, what_if())

    assert [result["status"] for result in answered.document["results"]] == ["scored", "scored"]
    [message] = scoring.records
    record = RequestRecord.parse(message)
    assert (record.actor, record.action, record.purpose) == ("ida", "what_if", "claim_handling")
    assert [claim["position"] for claim in record.claims] == [0, 1]


def test_a_what_if_without_a_person_is_refused() -> None:
    scoring = Scoring()
    with pytest.raises(UnknownCaller):
        score_what_if(scoring.deps, what_if(""))
    assert scoring.records == []


def test_a_machine_cannot_name_a_person() -> None:
    scoring = Scoring()
    score_claims(
        scoring.deps, request(json.dumps({"claims": [{"claim_id": "C-1"}]}).encode(), x_on_behalf_of="ida")
    )
    [message] = scoring.records
    assert (message["actor"], message["action"]) == (ROLE, "score")


def test_without_a_record_there_is_no_what_if() -> None:
    scoring = Scoring()
    scoring.queue_works = False
    with pytest.raises(TransientFault):
        score_what_if(scoring.deps, what_if())


def test_the_purpose_of_the_person_must_be_one_of_the_line() -> None:
    scoring = Scoring()
    with pytest.raises(RequestProblem) as raised:
        score_what_if(scoring.deps, what_if(x_purpose="curiosity"))
    assert raised.value.code == "purpose"
