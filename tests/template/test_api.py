"""Requests of people reach the functions through routes with IAM authorization, and in no other way."""

import json
from fnmatch import fnmatchcase

import pytest

from claimwatch.aws.api_events import WHAT_IF
from claimwatch.aws.clients import LONGEST_REQUEST, LONGEST_SCORE
from claimwatch.cases.database import CONNECTION, STATEMENT_TIMEOUT
from claimwatch.cases.routes import ROUTES as CASE_ROUTES
from tests.template.application import (
    ALARMS,
    FUNCTIONS,
    PROJECT,
    RESOURCES,
    as_list,
    of_type,
    policies,
    referred,
)

ROUTES = of_type("AWS::ApiGatewayV2::Route")
INTEGRATIONS = of_type("AWS::ApiGatewayV2::Integration")
PERMISSIONS = of_type("AWS::Lambda::Permission")
STAGE_RESOURCE = RESOURCES["ApiStage"]
STAGE = STAGE_RESOURCE["Properties"]
HEALTH = "GET /v1/health"
REQUESTED = {
    "POST /v1/lines/{line}/promotions": "PromoteModel",
    "POST /v1/lines/{line}/exceptions": "ApproveException",
    "POST /v1/lines/{line}/trainings": "StartTraining",
    "POST /v1/lines/{line}/evaluations": "PlanEvaluation",
    "POST /v1/lines/{line}/claims": "ReceiveClaims",
    "POST /v1/lines/{line}/scores": "ScoreClaim",
    "GET /v1/ready": "ScoreClaim",
    HEALTH: "ScoreClaim",
    **dict.fromkeys(CASE_ROUTES, "CaseApi"),
}
"""Each route with its function."""


def function_of(route: str) -> str | None:
    """The function that a route calls."""
    integration = ROUTES[route]["Target"]["Fn::Sub"].removeprefix("integrations/${").removesuffix("}")
    return referred(INTEGRATIONS[integration]["IntegrationUri"])


def resource_of(key: str) -> str:
    """The resource of a route in a policy, below API and stage, with a line and a claim in its path."""
    return "/" + key.replace(" ", "").replace("{line}", "motor").replace("{claim_id+}", "C-1")


@pytest.mark.parametrize("name", ROUTES)
def test_machines_sign_requests_and_people_bring_a_token_of_the_sign_in_page(name: str) -> None:
    route = ROUTES[name]
    if route["RouteKey"] == HEALTH:  # says only that the function answers
        assert route["AuthorizationType"] == "NONE"
    elif " /v1/" in route["RouteKey"]:
        assert route["AuthorizationType"] == "AWS_IAM"
    else:
        assert route["RouteKey"].partition(" ")[2].startswith("/app/")
        assert route["AuthorizationType"] == "JWT"
        assert route["AuthorizerId"] == {"Ref": "PeopleAuthorizer"}
        scopes = ["OwnIdentity", ["openid"], {"Ref": "AWS::NoValue"}]
        assert route["AuthorizationScopes"] == {"Fn::If": scopes}


def test_each_route_calls_its_function() -> None:
    assert {ROUTES[name]["RouteKey"]: function_of(name) for name in ROUTES} == REQUESTED


def test_only_the_routes_of_a_function_may_call_it() -> None:
    for permission in PERMISSIONS.values():
        pattern = permission["SourceArn"]["Fn::Sub"].partition("${Api}/*")[2]
        own = {key for key, function in REQUESTED.items() if function == referred(permission["FunctionName"])}
        allowed = {key for key in REQUESTED if fnmatchcase(resource_of(key), pattern)}
        assert allowed, pattern
        assert allowed <= own, pattern


@pytest.mark.parametrize("key", REQUESTED)
def test_a_route_may_call_its_function(key: str) -> None:
    assert any(
        fnmatchcase(resource_of(key), permission["SourceArn"]["Fn::Sub"].partition("${Api}/*")[2])
        for permission in PERMISSIONS.values()
        if referred(permission["FunctionName"]) == REQUESTED[key]
    )


def test_no_route_of_the_api_is_that_of_a_what_if() -> None:
    """A caller of such a route could name any person."""
    assert WHAT_IF not in REQUESTED
    assert not WHAT_IF.partition(" ")[2].startswith(("/v1/", "/app/"))


def test_the_api_of_cases_answers_itself_that_the_scorer_does_not() -> None:
    """A what-if waits for the database first; API Gateway waits for 30 seconds."""
    database = STATEMENT_TIMEOUT + CONNECTION["connect_timeout"]
    assert database + LONGEST_SCORE < FUNCTIONS["CaseApi"]["Timeout"] < 30


ASKS_NEW_VERSIONS = {("CheckScores", "AskVersions"), ("CheckCaseApi", "AskVersions")}
"""The checks of a new version, which no request reaches yet. Only CodeDeploy calls them."""


def test_no_policy_lets_anybody_invoke_a_function_of_the_api_directly() -> None:
    """A caller who may invoke the function can write any identity into the event.

    Only the API of cases asks the scorer for a what-if, of people whom API Gateway has verified.
    """
    for name, statement in policies():
        actions = as_list(statement.get("Action", []))
        if statement["Effect"] == "Allow" and any(
            action in ("*", "lambda:*") or action.startswith("lambda:Invoke") for action in actions
        ):
            if (name, statement["Sid"]) in ASKS_NEW_VERSIONS:
                continue
            if (name, statement["Sid"]) == ("CaseApi", "AskWhatIf"):
                assert statement["Resource"] == {"Ref": "ScoreClaim.Alias"}
                continue
            invoked = {referred(resource) for resource in as_list(statement["Resource"])}
            assert None not in invoked, name
            assert not invoked & set(REQUESTED.values()), name
    assert not of_type("AWS::Lambda::Url")
    assert not any("FunctionUrlConfig" in properties for properties in FUNCTIONS.values())
    assert {permission["Principal"] for permission in PERMISSIONS.values()} == {"apigateway.amazonaws.com"}


ANY_LINE, OWN_LINE = "lines/*", "lines/${!aws:PrincipalTag/claimwatch-line}"


@pytest.mark.parametrize(
    ("policy", "routes"),
    [
        (
            "OperatorPolicy",
            {f"POST/v1/{ANY_LINE}/{name}" for name in ("promotions", "trainings", "evaluations")},
        ),
        ("ApproverPolicy", {f"POST/v1/{ANY_LINE}/exceptions"}),
        ("CallScoresPolicy", {f"POST/v1/{OWN_LINE}/scores", "GET/v1/ready"}),
        ("CallClaimsPolicy", {f"POST/v1/{OWN_LINE}/claims"}),
        ("CallReadsPolicy", {f"GET/v1/{OWN_LINE}/claims/*", f"GET/v1/{OWN_LINE}/models"}),
        (
            "ManagePermissionsPolicy",
            {"GET/v1/permissions", "POST/v1/permissions", "POST/v1/permissions/revocations"},
        ),
    ],
)
def test_a_policy_allows_exactly_its_routes_and_operators_approve_no_exceptions(
    policy: str, routes: set[str]
) -> None:
    [statement] = RESOURCES[policy]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "execute-api:Invoke")
    assert {
        resource["Fn::Sub"].partition("${Api}/$default/")[2] for resource in as_list(statement["Resource"])
    } == routes


def test_no_policy_of_machines_reaches_the_routes_of_people() -> None:
    for name, statement in policies():
        if "execute-api:Invoke" in as_list(statement["Action"]):
            for resource in as_list(statement["Resource"]):
                path = resource["Fn::Sub"].partition("${Api}/$default/")[2]
                assert path.partition("/")[2].startswith("v1/"), name


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


def test_each_route_is_throttled_and_scores_have_a_limit_of_their_own() -> None:
    limits = {
        route: (each["ThrottlingRateLimit"], each["ThrottlingBurstLimit"])
        for route, each in STAGE["RouteSettings"].items()
    }
    assert limits == {"POST /v1/lines/{line}/scores": (100, 200), "POST /v1/lines/{line}/claims": (10, 20)}
    keys = {name: ROUTES[name]["RouteKey"] for name in STAGE_RESOURCE["DependsOn"]}
    assert set(keys.values()) == set(limits)  # API Gateway refuses settings of a route that does not exist


@pytest.mark.parametrize("name", ["ScoreClaim", "ReceiveClaims"])
def test_a_function_answers_itself_that_the_queue_of_records_does_not(name: str) -> None:
    """The record of the answer fails, and then that of the refusal; API Gateway waits for 30 seconds."""
    timeout = FUNCTIONS[name]["Timeout"]
    assert 2 * LONGEST_REQUEST < timeout < 30
    waits = {
        each["TimeoutInMillis"] for each in INTEGRATIONS.values() if referred(each["IntegrationUri"]) == name
    }
    assert waits == {30_000}


def test_an_alarm_watches_the_line_that_is_logged_when_no_scores_are_available() -> None:
    [pattern] = [
        properties["FilterPattern"]
        for properties in of_type("AWS::Logs::MetricFilter").values()
        if properties["MetricTransformations"][0]["MetricName"] == "ScoresUnavailable"
    ]
    message = pattern.removeprefix('{ $.message = "').removesuffix('" }')
    code = (PROJECT / FUNCTIONS["ScoreClaim"]["CodeUri"] / "handler.py").read_text()
    assert f'logger.error("{message}"' in code
    alarm = ALARMS["ScoresUnavailableAlarm"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Threshold"]) == (
        "Claimwatch",
        "ScoresUnavailable",
        0,
    )
    assert alarm["TreatMissingData"] == "notBreaching"
