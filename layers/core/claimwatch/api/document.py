"""The OpenAPI document of the API, made from the list of its routes.

``python -m claimwatch.api.document`` prints it; ``make openapi`` writes it to ``openapi.json``.
"""

import json
import re
import sys
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from claimwatch.api.answers import GatewayMessage, Problem
from claimwatch.api.routes import JSON, ROUTES, Door, Route
from claimwatch.domain.contract.purposes import DEFAULT_PURPOSES, PURPOSE

VERSION = "1.0.0"
"""The version of the API as a whole: the paths of the machines' routes begin with its first number."""

PROBLEM_JSON = "application/problem+json"

_TEXT = {"type": "string", "maxLength": 500}
_MOMENT = {"type": "string", "format": "date-time"}

PARAMETERS: dict[str, dict[str, Any]] = {
    "line": {
        "in": "path",
        "description": "The line of business.",
        "schema": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"},
        "example": "motor",
    },
    "claim_id": {
        "in": "path",
        "description": "The id of a claim, percent-encoded.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 400},
        "example": "MTR-00A1B2C3D4E5",
    },
    "x-purpose": {
        "in": "header",
        "description": (
            "Why this is requested: one of the purposes of the line's contract (property `purposes`), by "
            f"default {', '.join(f'`{purpose}`' for purpose in DEFAULT_PURPOSES)}. It is on record."
        ),
        "schema": {"type": "string", "pattern": f"^{PURPOSE.pattern}$"},
        "example": "claim_handling",
    },
    "idempotency-key": {
        "in": "header",
        "description": "A text that names this submission; repeat it unchanged with the same body.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
        "example": "2026-03-02-batch-17",
    },
    "unmask": {
        "in": "query",
        "description": "Whether to show personal values, which needs another permission.",
        "schema": {"type": "boolean"},
    },
    "claim": {"in": "query", "description": "Only about this claim.", "schema": _TEXT},
    "filter_line": {"in": "query", "description": "Only of this line.", "schema": _TEXT},
    "model": {"in": "query", "description": "Only with this version of a model.", "schema": _TEXT},
    "actor": {"in": "query", "description": "Only of this identity.", "schema": _TEXT},
    "purpose": {"in": "query", "description": "Only for this purpose.", "schema": _TEXT},
    "action": {"in": "query", "description": "Only this action.", "schema": _TEXT},
    "since": {"in": "query", "description": "Only from this moment on.", "schema": _MOMENT},
    "until": {"in": "query", "description": "Only before this moment.", "schema": _MOMENT},
    "cursor": {
        "in": "query",
        "description": "The cursor of an earlier answer, for the page after it.",
        "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
    },
}
"""Parameters by name. Those of the path and of the header are required."""

_ERRORS: dict[int, str] = {
    400: "The request is malformed, or names no purpose that the line has (code `purpose`).",
    401: "The token is missing, expired or of somebody else.",
    403: "The identity may not call this route, or may not do this.",
    404: "It does not exist, or the identity may not know of it.",
    409: "It conflicts with what is there: no model is live, or the key was used with another body.",
    413: "The body is too large.",
    422: "The request is refused; `detail` says why.",
    429: "Too many requests: repeat it later.",
    500: "A bug, or a fault of the service. Nothing was answered.",
    503: "A service does not respond, or the database is waking up: repeat it after `Retry-After` seconds.",
}
_BY_DOOR = {
    Door.OPEN: (429, 500, 503),
    Door.MACHINES: (400, 403, 429, 500, 503),
    Door.PEOPLE: (400, 401, 403, 429, 500, 503),
}
_OF_THE_GATEWAY_ALONE = {401, 429, 500}

_SECURITY: dict[Door, list[dict[str, list[str]]]] = {
    Door.OPEN: [],
    Door.MACHINES: [{"sigv4": []}],
    Door.PEOPLE: [{"person": []}],
}


def openapi_document() -> dict[str, Any]:
    """Return the document."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Claimwatch",
            "version": VERSION,
            "summary": "Scores of insurance claims, and a record of who asked for them",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {
                "url": "https://{api}.execute-api.{region}.amazonaws.com",
                "description": "Output `ApiUrl` of the stack",
                "variables": {"api": {"default": "abcde12345"}, "region": {"default": "eu-central-1"}},
            }
        ],
        "tags": [{"name": name} for name in dict.fromkeys(route.tag for route in ROUTES)],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "responses": {HTTPStatus(status).name: _error(status) for status in _ERRORS},
            "securitySchemes": {
                "sigv4": {
                    "type": "apiKey",
                    "name": "Authorization",
                    "in": "header",
                    "description": "Signature version 4 of AWS, for service `execute-api`.",
                    "x-amazon-apigateway-authtype": "awsSigv4",
                },
                "person": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "An access token of the stack's user pool, or of the insurer's issuer.",
                },
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    answer: dict[str, Any] = {"schema": _reference(route.answer)}
    if route.example is not None:
        answer["example"] = route.example
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "tags": [route.tag],
        "summary": route.summary,
        **({"description": route.description} if route.description else {}),
        "security": _SECURITY[route.door],
        "parameters": list(_parameters(route)),
    }
    if route.method == "POST":
        body = {"schema": _reference(route.body) if route.body else {"type": "string"}}
        if route.body_example is not None:
            body["example"] = route.body_example
        operation["requestBody"] = {"required": True, "content": {route.body_kind: body}}
    operation["responses"] = {
        str(route.status): {"description": _summary_of(route.answer), "content": {JSON: answer}}
    } | {
        str(status): {"$ref": f"#/components/responses/{HTTPStatus(status).name}"}
        for status in sorted({*_BY_DOOR[route.door], *route.errors})
    }
    return operation


def _parameters(route: Route) -> Iterator[dict[str, Any]]:
    in_path = re.findall(r"{(\w+)}", route.path)
    for name in (*in_path, *route.parameters):
        found = PARAMETERS[f"filter_{name}" if name == "line" and name not in in_path else name]
        yield {"name": name, "required": found["in"] != "query"} | found


def _error(status: int) -> dict[str, Any]:
    content: dict[str, Any] = {JSON: {"schema": _reference(GatewayMessage)}}
    if status not in _OF_THE_GATEWAY_ALONE:
        content[PROBLEM_JSON] = {"schema": _reference(Problem)}
    error: dict[str, Any] = {"description": _ERRORS[status], "content": content}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        error["headers"] = {"retry-after": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return error


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _summary_of(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").partition("\n")[0]


def _schemas() -> dict[str, Any]:
    """Return the schemas of all models. Of answers, clients accept fields that later versions add."""
    models: list[type[BaseModel]] = [Problem, GatewayMessage]
    models += [model for route in ROUTES for model in (route.body, route.answer) if model is not None]
    _, found = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(models)],
        ref_template="#/components/schemas/{model}",
    )
    schemas: dict[str, Any] = _untitled(found["$defs"])
    bodies = {route.body.__name__ for route in ROUTES if route.body is not None}
    for name in schemas.keys() - bodies:
        schemas[name].pop("additionalProperties", None)
    return schemas


def _untitled(schema: Any) -> Any:
    """Leave out the titles that pydantic makes of names."""
    if isinstance(schema, list):
        return [_untitled(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _untitled(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(openapi_document(), indent=2, ensure_ascii=False) + "\n")
