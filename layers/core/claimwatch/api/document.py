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
from claimwatch.api.route import HTML, JPEG, JSON, Door, Route
from claimwatch.api.routes import ROUTES
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
    "case_id": {
        "in": "path",
        "description": "The id of a case.",
        "schema": {"type": "string", "format": "uuid"},
        "example": "6f1d3f0a-0c1e-4f6e-9a53-2b8f6f0f7c11",
    },
    "image_id": {
        "in": "path",
        "description": "The number of a photo.",
        "schema": {"type": "string", "pattern": "^[1-9][0-9]{0,17}$"},
        "example": "17",
    },
    "version": {
        "in": "path",
        "description": "The version of a model.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "example": "7",
    },
    "window": {
        "in": "path",
        "description": "A week of ISO 8601.",
        "schema": {"type": "string", "pattern": "^[0-9]{4}-W[0-9]{2}$"},
        "example": "2026-W09",
    },
    "if-match": {
        "in": "header",
        "description": "The `ETag` of the case that the person has seen: 428 without it, 412 if it changed.",
        "schema": {"type": "string", "pattern": '^"v[0-9]{1,18}"$'},
        "example": '"v3"',
    },
    "decision_id": {
        "name": "idempotency-key",
        "in": "header",
        "description": "A new UUID for each decision, which is its id; repeat it with the same body only.",
        "schema": {"type": "string", "format": "uuid"},
        "example": "0b7c0f6e-5a57-4b67-8f0e-6a3f3f7d9b02",
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
    "filter_line": {"name": "line", "in": "query", "description": "Only of this line.", "schema": _TEXT},
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
    "queue_cursor": {
        "name": "cursor",
        "in": "query",
        "description": "The cursor of an earlier answer, for the page after it.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    },
    "state": {
        "in": "query",
        "description": "Only cases in this state; without it, those that are to be decided.",
        "schema": {
            "type": "string",
            "enum": ["open", "second_look", "third_look", "decided", "settled", "withdrawn"],
        },
    },
    "holder": {
        "in": "query",
        "description": "Only cases that the person holds.",
        "schema": {"type": "string", "enum": ["me"]},
    },
    "claim_prefix": {
        "name": "q",
        "in": "query",
        "description": "Only claims whose ids begin with this text.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 400},
    },
    "due_before": {"in": "query", "description": "Only cases that are due before.", "schema": _MOMENT},
    "hops": {
        "in": "query",
        "description": "How far to follow links.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 2, "default": 1},
    },
    "of_line": {
        "name": "line",
        "in": "query",
        "required": True,
        "description": "The line of business.",
        "schema": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"},
        "example": "motor",
    },
    "weeks": {
        "in": "query",
        "description": "How many weeks to show.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 104, "default": 13},
    },
}
"""Parameters by name, unless they have another ``name``. Those of path and header are required."""

_ERRORS: dict[int, str] = {
    400: "The request is malformed, or names no purpose that the line has (code `purpose`).",
    401: "The token is missing, expired or of somebody else.",
    403: "The identity may not call this route, or may not do this.",
    404: "It does not exist, or the identity may not know of it.",
    409: "It conflicts with what is there; `code` says how.",
    412: "The case has changed since the person saw it (`If-Match`): read it again.",
    413: "The body is too large.",
    422: "The request is refused; `detail` says why.",
    428: "The header `If-Match` is missing.",
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

_BYTES = {JPEG: {"type": "string", "format": "binary"}, HTML: {"type": "string"}}
_OTHER_ANSWERS = {JPEG: "The picture", HTML: "A page without scripts"}

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
    operation["responses"] = {str(route.status): _answer(route)} | {
        str(status): {"$ref": f"#/components/responses/{HTTPStatus(status).name}"}
        for status in sorted({*_BY_DOOR[route.door], *route.errors})
    }
    return operation


def _answer(route: Route) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": _summary_of(route.answer) or _OTHER_ANSWERS[route.answer_kind]
    }
    if route.etag:
        described["headers"] = {
            "etag": {"description": "The version of the case.", "schema": {"type": "string"}}
        }
    content: dict[str, Any] = {
        "schema": _reference(route.answer) if route.answer else _BYTES[route.answer_kind]
    }
    if route.example is not None:
        content["example"] = route.example
    return described | {"content": {route.answer_kind: content}}


def _parameters(route: Route) -> Iterator[dict[str, Any]]:
    in_path = re.findall(r"{(\w+)}", route.path)
    for name in (*in_path, *route.parameters):
        found = PARAMETERS[name]
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


def _summary_of(model: type[BaseModel] | None) -> str:
    if model is None:
        return ""
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
