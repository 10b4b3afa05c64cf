"""Requests of people reach the functions through routes with IAM authorization, and in no other way."""

import json

import pytest

from tests.template.application import FUNCTIONS, RESOURCES, as_list, of_type, policies, referred

ROUTES = of_type("AWS::ApiGatewayV2::Route")
INTEGRATIONS = of_type("AWS::ApiGatewayV2::Integration")
PERMISSIONS = of_type("AWS::Lambda::Permission")
STAGE = RESOURCES["ApiStage"]["Properties"]
REQUESTED = {
    "POST /v1/lines/{line}/promotions": "PromoteModel",
    "POST /v1/lines/{line}/exceptions": "ApproveException",
    "POST /v1/lines/{line}/trainings": "StartTraining",
    "POST /v1/lines/{line}/evaluations": "PlanEvaluation",
}


def function_of(route: str) -> str | None:
    """The function that a route calls."""
    integration = ROUTES[route]["Target"]["Fn::Sub"].removeprefix("integrations/${").removesuffix("}")
    return referred(INTEGRATIONS[integration]["IntegrationUri"])


@pytest.mark.parametrize("name", ROUTES)
def test_a_route_accepts_only_signed_requests(name: str) -> None:
    assert ROUTES[name]["AuthorizationType"] == "AWS_IAM"


def test_each_route_calls_its_function() -> None:
    assert {ROUTES[name]["RouteKey"]: function_of(name) for name in ROUTES} == REQUESTED


def test_only_the_route_of_a_function_may_call_it() -> None:
    allowed = {
        referred(permission["FunctionName"]): permission["SourceArn"]["Fn::Sub"].partition("${Api}")[2]
        for permission in PERMISSIONS.values()
        if permission["Principal"] == "apigateway.amazonaws.com"
    }
    assert allowed == {
        function: f"/*/{key.replace(' ', '').replace('{line}', '*')}" for key, function in REQUESTED.items()
    }


def test_no_policy_lets_anybody_invoke_a_function_of_the_api_directly() -> None:
    """A caller who may invoke the function can write any identity into the event."""
    for name, statement in policies():
        actions = as_list(statement.get("Action", []))
        if statement["Effect"] == "Allow" and any(
            action in ("*", "lambda:*") or action.startswith("lambda:Invoke") for action in actions
        ):
            invoked = {referred(resource) for resource in as_list(statement["Resource"])}
            assert None not in invoked, name
            assert not invoked & set(REQUESTED.values()), name
    assert not of_type("AWS::Lambda::Url")
    assert not any("FunctionUrlConfig" in properties for properties in FUNCTIONS.values())
    assert {permission["Principal"] for permission in PERMISSIONS.values()} == {"apigateway.amazonaws.com"}


APPROVALS = "POST /v1/lines/{line}/exceptions"


@pytest.mark.parametrize(
    ("policy", "routes"),
    [("OperatorPolicy", REQUESTED.keys() - {APPROVALS}), ("ApproverPolicy", {APPROVALS})],
)
def test_a_policy_of_people_allows_exactly_its_routes_and_operators_approve_no_exceptions(
    policy: str, routes: set[str]
) -> None:
    [statement] = RESOURCES[policy]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "execute-api:Invoke")
    assert {resource["Fn::Sub"].partition("${Api}")[2] for resource in as_list(statement["Resource"])} == {
        f"/$default/{key.replace(' ', '').replace('{line}', '*')}" for key in routes
    }


def test_the_access_log_names_no_caller_address_or_path() -> None:
    logged = json.loads(STAGE["AccessLogSettings"]["Format"])
    assert set(logged.values()) == {
        "$context.requestId",
        "$context.requestTime",
        "$context.routeKey",
        "$context.status",
        "$context.responseLatency",
        "$context.integrationStatus",
    }


def test_requests_are_throttled() -> None:
    assert STAGE["DefaultRouteSettings"] == {"ThrottlingRateLimit": 10, "ThrottlingBurstLimit": 20}
