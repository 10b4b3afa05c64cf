"""openapi.json describes the routes of the template."""

import json

from claimwatch.api.routes import ROUTES
from tests.template.application import PROJECT, of_type

DECLARED = of_type("AWS::ApiGatewayV2::Route")


def test_every_route_is_described_with_the_way_its_caller_is_verified() -> None:
    described = {route.key: route.door.value for route in ROUTES}
    deployed = {route["RouteKey"]: route["AuthorizationType"] for route in DECLARED.values()}
    assert deployed == described


def test_the_document_describes_no_other_route() -> None:
    document = json.loads((PROJECT / "openapi.json").read_text("utf-8"))
    keys = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert keys == {route.key.replace("+}", "}") for route in ROUTES}
