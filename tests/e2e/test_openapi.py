"""The deployed API answers whatever is sent to it, and only as openapi.json says."""

import json
import os
from collections.abc import Iterator
from http import HTTPStatus
from math import ceil
from pathlib import Path
from random import Random

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from claimwatch.api.answers import Problem
from claimwatch.api.document import PROBLEM_JSON
from claimwatch.api.route import Door
from claimwatch.storage import models
from local.people import create_user
from samples import BookConfig
from samples.delivery import Delivery, deliver
from tests.cluster import PROJECT, database_at
from tests.deployed import Deployed, eventually
from tests.e2e.generated_requests import BY_LABEL, CHANGING, Client, Sent
from tests.motor_model import grow
from tests.sign_in import sign_in

CASES = int(os.environ.get("CLAIMWATCH_API_CASES", "400"))
"""Requests in all; `make schemathesis` sends more."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(json.loads((PROJECT / "openapi.json").read_text("utf-8")))
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations()}
DEPENDING = {
    *("decideCase", "undoDecision", "actOnCase", "assignCase", "askWhatIf"),
    *("viewPhoto", "readModelCard", "readWeekReport", "requestPromotion", "searchClaims"),
}
"""Operations that answer only what fits the state of a case, or something else that no generator guesses."""

WITHOUT_PARAMETERS = {"GET /v1/health", "GET /app/me"}
REFUSED_WITHOUT_IDENTITY = {
    Door.OPEN: {HTTPStatus.OK},
    Door.MACHINES: {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND},
    Door.PEOPLE: {HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND},
}


@pytest.fixture(scope="module")
def client(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """The API of a stack whose line motor has a case and a live model, and people who may do everything.

    A person with a conflicting pair of permissions would have neither, so nobody decides and audits.
    """
    stack = deployed.stack
    make_model_live(deployed, tmp_path_factory.mktemp("book"))
    [claim] = deployed.query("SELECT claim_id FROM claimwatch.current_claim_motor LIMIT 1")
    claim_id: str = claim["claim_id"]
    cognito, pool = deployed.client("cognito-idp"), deployed.outputs["UserPoolId"]
    person = create_user(cognito, pool, "olga", "auditor", "privacy_officer", "data_scientist")
    colleague = create_user(cognito, pool, "dora", "investigator", "lead")
    token, desk_token = (
        sign_in(stack.endpoint_url, deployed.outputs["UserPoolClientId"], each.name, each.password)[
            "access_token"
        ]
        for each in (person, colleague)
    )
    cases = "SELECT case_id::text FROM claimwatch.review_case WHERE line = 'motor' ORDER BY due_at LIMIT 1"
    eventually(lambda: bool(deployed.query(cases)), "the claims are scored, and one is a case")
    [case] = deployed.query(cases)
    return Client(
        *(deployed.outputs["ApiUrl"], stack.endpoint_url, token, desk_token, claim_id, case["case_id"])
    )


def make_model_live(deployed: Deployed, folder: Path) -> None:
    """Load a week of claims and promote a model that was fitted to them, unless a champion is live."""
    if deployed.query("SELECT FROM claimwatch.live_model WHERE line = 'motor' AND role = 'champion'"):
        return
    deliver(BookConfig(seed=21, claims_per_week=300, weeks=1), folder, Delivery(), parts=("claims", "truth"))
    [week] = [path.stem for path in (folder / "claims" / "motor").glob("*.csv")]
    content = (folder / "claims" / "motor" / f"{week}.csv").read_bytes()
    assert deployed.ended(deployed.drop("claims/motor/openapi.csv", content))["status"] == "committed"
    model = grow(folder, [week], "openapi")
    bucket = deployed.outputs["ArtifactBucket"]
    for key, part in model.keys().items():
        deployed.client("s3").put_object(Bucket=bucket, Key=key, Body=part)
    with database_at(deployed.stack.database_url).transaction() as cursor:
        models.add_version(cursor, model.registered(bucket))
    answer = deployed.command(
        *("promote", "motor", model.version, "--as", "champion", "--why", "the test", "--by", "ann")
    )
    assert answer.get("changed"), answer


def faults_of(case: Case, sent: Sent) -> Iterator[str]:
    """Yield what is wrong with an answer."""
    answer = sent.answer
    try:
        case.validate_response(answer, checks=CHECKS)
    except FailureGroup as group:
        yield from (str(failure) for failure in group.exceptions)
    except Failure as failure:
        yield str(failure)
    if not sent.signed and answer.status_code not in REFUSED_WITHOUT_IDENTITY[sent.route.door]:
        yield f"a request without an identity is answered with {answer.status_code}"
    if sent.quoted:
        yield f"the answer quotes {sent.quoted}"
    try:
        if answer.ok and sent.route.answer is not None:
            sent.route.answer.model_validate_json(answer.content)
        elif PROBLEM_JSON in answer.headers.get("content-type", ""):
            problem = Problem.model_validate_json(answer.content)
            assert problem.status == answer.status_code
    except ValidationError as error:
        yield f"fields that the models do not have: {error.errors(include_input=False)}"


@pytest.mark.parametrize("label", OPERATIONS)
def test_every_generated_request_has_a_declared_answer_that_quotes_nothing(
    client: Client, label: str
) -> None:
    operation = OPERATIONS[label]
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE][: 1 if label in WITHOUT_PARAMETERS else 2]
    for mode in modes:

        @settings(
            max_examples=ceil(CASES / len(OPERATIONS) / len(modes)),
            database=None,
            derandomize=True,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode), seed=st.integers(0, 2**64))
        def answers(case: Case, seed: int) -> None:
            sent = client.send(case, Random(seed))
            faults = list(faults_of(case, sent))
            assert not faults, (sent.answer.status_code, sent.answer.text[:500], faults)

        answers()


def test_enough_requests_were_sent_and_every_new_route_has_answered_some(client: Client) -> None:
    by_label = {
        label: {status: n for (named, status), n in client.counts.items() if named == label}
        for label in OPERATIONS
    }
    print(f"schemathesis: {sum(client.counts.values()):,} requests", json.dumps(by_label, indent=1))
    assert sum(client.counts.values()) >= CASES
    silent = {
        label
        for label, statuses in by_label.items()
        if BY_LABEL[label].operation not in CHANGING | DEPENDING and not statuses.keys() & {200, 202}
    }
    assert not silent
