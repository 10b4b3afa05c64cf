"""openapi.json describes the API completely, and is what the routes and models say."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from claimwatch.api.document import openapi_document
from claimwatch.api.routes import JSON, ROUTES, Door, Route

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
