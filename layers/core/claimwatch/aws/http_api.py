"""Requests to the HTTP API and their answers, in format 2.0 of API Gateway.

API Gateway verifies a caller's signature and permissions before it calls a function, and names the caller in
the context of the request. Errors are problem documents (RFC 9457); they quote no value of the request.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

from claimwatch.aws.event_fields import Fields
from claimwatch.errors import ClaimwatchError, MalformedEvent, RefusedData, TransientFault

_RETRY_AFTER = "5"
"""Seconds until a client should repeat a request that met a transient fault."""


class UnknownCaller(ClaimwatchError):
    """A request that does not name a caller whom API Gateway has verified."""


@dataclass(frozen=True)
class HttpRequest:
    """A request: the caller's ARN, the id that API Gateway gave it, and the fields of its path and body."""

    caller: str
    request_id: str
    fields: Mapping[str, object]

    @classmethod
    def parse(cls, event: object) -> Self:
        """Parse a request to a route with IAM authorization.

        Raises ``UnknownCaller`` for a request without a verified caller, and ``MalformedEvent``.
        """
        request = Fields(event, "HTTP request")
        context = request.object("requestContext")
        caller = _caller(context)
        path = request.mapping("pathParameters") if request.has("pathParameters") else {}
        # A field of the path wins: the caller's permission is for this path.
        return cls(caller, context.text("requestId"), {**_body(request), **path})


def is_http(event: object) -> bool:
    """Return whether an event is a request to the HTTP API."""
    return isinstance(event, Mapping) and "requestContext" in event


def serve(event: object, use_case: Callable[[HttpRequest], Mapping[str, Any]]) -> dict[str, Any]:
    """Answer a request with the result of the use case, or with a problem document."""
    try:
        result = use_case(HttpRequest.parse(event))
    except UnknownCaller as unknown:
        return _problem(HTTPStatus.FORBIDDEN, str(unknown))
    except MalformedEvent as malformed:
        return _problem(HTTPStatus.BAD_REQUEST, str(malformed))
    except RefusedData as refusal:
        return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(refusal))
    except TransientFault:
        return _problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "the database or another service does not respond yet: repeat the request with the same id",
            {"retry-after": _RETRY_AFTER},
        )
    return _answer(HTTPStatus.OK, "application/json", result)


def _caller(context: Fields) -> str:
    try:
        caller = context.object("authorizer").object("iam").text("userArn")
    except MalformedEvent:
        caller = ""
    if not caller.startswith("arn:"):
        raise UnknownCaller("the request has no verified caller: sign it with AWS credentials")
    return caller


def _body(request: Fields) -> Mapping[str, object]:
    if not request.has("body"):
        return {}
    text: str | bytes = request.text("body")
    try:
        if request.has("isBase64Encoded") and request.flag("isBase64Encoded"):
            text = base64.b64decode(text, validate=True)
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise MalformedEvent("HTTP request: the body must be an object in JSON") from None
    if not isinstance(content, dict):
        raise MalformedEvent("HTTP request: the body must be an object in JSON")
    return content


def _problem(status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    problem = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    return _answer(status, "application/problem+json", problem, headers)


def _answer(
    status: HTTPStatus, kind: str, content: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    return {
        "statusCode": status.value,
        "headers": {"content-type": kind, "cache-control": "no-store", **(headers or {})},
        "body": json.dumps(dict(content)),
    }
