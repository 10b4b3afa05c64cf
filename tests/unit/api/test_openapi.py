"""openapi.json describes the API completely, and is what the routes and models say."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from claimwatch.api.document import openapi_document
from claimwatch.api.route import JSON, Door, Route
from claimwatch.api.routes import ROUTES

PROJECT = Path(__file__).parents[3]
DOCUMENT = openapi_document()
BY_KEY = {route.key: route for route in ROUTES}


def operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][route.path][route.method.lower()]
    return found


def test_the_committed_document_is_the_generated_one() -> None:
    assert json.loads((PROJECT / "openapi.json").read_text("utf-8")) == DOCUMENT, "run `make openapi`"


def test_the_document_is_valid() -> None:
    errors = OpenAPIV31SpecValidator(DOCUMENT).iter_errors()
    assert [error.message for error in errors] == []


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [route.operation for route in ROUTES]
    assert len(set(names)) == len(names) == len(BY_KEY)


@pytest.mark.parametrize("key", BY_KEY)
def test_the_examples_of_a_route_fit_its_models(key: str) -> None:
    route = BY_KEY[key]
    if route.body is not None:
        route.body.model_validate(route.body_example)
    if route.example is not None:
        assert route.answer is not None
        route.answer.model_validate(route.example)


@pytest.mark.parametrize("key", BY_KEY)
def test_a_route_declares_how_its_caller_is_verified_and_refused(key: str) -> None:
    route = BY_KEY[key]
    declared = operation(route)
    statuses = set(declared["responses"])
    assert {"429", "500", "503"} <= statuses
    expected: dict[Door, tuple[list[dict[str, list[str]]], set[str]]] = {
        Door.OPEN: ([], set()),
        Door.MACHINES: ([{"sigv4": []}], {"400", "403"}),
        Door.PEOPLE: ([{"person": []}], {"400", "401", "403"}),
    }
    security, refusals = expected[route.door]
    assert declared["security"] == security
    assert statuses & {"400", "401", "403"} == refusals


def test_every_new_route_but_health_and_me_asks_for_the_purpose() -> None:
    """Routes that change which models are live state a reason (why) instead."""
    without = {
        route.key
        for route in ROUTES
        if "x-purpose" not in {p["name"] for p in operation(route)["parameters"]}
    }
    stating_why = {route.key for route in ROUTES if route.body and "why" in route.body.model_fields}
    assert without <= {"GET /v1/health", "GET /app/me", "POST /v1/lines/{line}/evaluations"} | stating_why
    assert "POST /v1/permissions" not in without


def test_every_model_has_a_name_of_its_own() -> None:
    """Pydantic puts the module before a name that two models have, and references would name neither."""
    schemas = DOCUMENT["components"]["schemas"]
    assert not [name for name in schemas if "__" in name]
    referred = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(DOCUMENT)))
    assert referred == schemas.keys()


@pytest.mark.parametrize("key", [key for key, route in BY_KEY.items() if route.etag])
def test_an_answer_with_a_case_has_its_version_as_entity_tag(key: str) -> None:
    assert "etag" in operation(BY_KEY[key])["responses"]["200"]["headers"]


def test_what_changes_a_case_that_the_person_has_seen_needs_its_entity_tag() -> None:
    conditional = {
        route.key: {"412", "428"} <= operation(route)["responses"].keys()
        for route in ROUTES
        if "if-match" in {parameter["name"] for parameter in operation(route)["parameters"]}
    }
    assert conditional == {
        "POST /app/cases/{case_id}/decision": True,
        "POST /app/cases/{case_id}/assignment": True,
    }


def test_problems_and_messages_of_the_gateway_are_told_apart_by_their_content_type() -> None:
    for response in DOCUMENT["components"]["responses"].values():
        kinds = {
            kind: body["schema"]["$ref"].rpartition("/")[2] for kind, body in response["content"].items()
        }
        assert kinds.items() <= {(JSON, "GatewayMessage"), ("application/problem+json", "Problem")}


def test_no_example_has_a_value_of_a_person() -> None:
    contract = yaml.safe_load((PROJECT / "contracts" / "motor.yaml").read_text("utf-8"))
    columns = contract["schema"][0]["properties"]
    shown = {
        column
        for route in ROUTES
        if isinstance(route.body_example, dict)
        for claim in route.body_example.get("claims", [])
        for column in claim
    }
    assert shown
    assert shown <= {column["name"] for column in columns if column["classification"] != "personal"}
