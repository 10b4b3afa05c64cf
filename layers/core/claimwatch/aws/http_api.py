"""Requests to the HTTP API and their answers, in format 2.0 of API Gateway.

API Gateway verifies a caller's signature and permissions before it calls a function, and names the caller in
the context of the request. Errors are problem documents (RFC 9457); they quote no value of the request.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self

from claimwatch.aws.event_fields import Fields
from claimwatch.errors import ClaimwatchError, MalformedEvent, RefusedData, TransientFault

JSON, PROBLEM_JSON = "application/json", "application/problem+json"
JPEG, HTML = "image/jpeg", "text/html; charset=utf-8"

RETRY_AFTER = 5
"""Seconds until a client should repeat a request that met a transient fault."""


_NO_CALLER = "the request has no verified caller: sign it with AWS credentials"


class UnknownCaller(ClaimwatchError):
    """A request that does not name a caller whom API Gateway has verified."""


class RequestProblem(ClaimwatchError):
    """A request that is answered with a problem document.

    ``code`` names the problem for programs, and ``detail`` describes it for people; it quotes no value of the
    request. ``retry_after`` are the seconds until a client should repeat the request.
    """

    def __init__(self, status: HTTPStatus, code: str, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after

    @classmethod
    def unavailable(cls, detail: str) -> Self:
        """Return the problem of a request that a fault of this side prevented."""
        return cls(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, RETRY_AFTER)


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


@dataclass(frozen=True)
class RawRequest:
    """A request whose body is left to the use case: the caller's ARN, the id of the request, and its parts.

    The names of the headers are in lower case. The caller is None on a route without authorization.
    """

    caller: str | None
    request_id: str
    route: str
    path: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, event: object) -> Self:
        """Parse a request; raises ``MalformedEvent``."""
        request = Fields(event, "HTTP request")
        context = request.object("requestContext")
        return cls(
            caller=_verified_arn(context) or None,
            request_id=context.text("requestId"),
            route=request.text("routeKey"),
            path=_texts(request, "pathParameters"),
            headers={name.lower(): value for name, value in _texts(request, "headers").items()},
            body=_bytes(request),
            query=_texts(request, "queryStringParameters"),
        )

    def verified_caller(self) -> str:
        """Return the ARN of the caller; raises ``UnknownCaller`` if API Gateway has verified none."""
        if self.caller is None:
            raise UnknownCaller(_NO_CALLER)
        return self.caller


def is_http(event: object) -> bool:
    """Return whether an event is a request to the HTTP API."""
    return isinstance(event, Mapping) and "requestContext" in event


def serve(event: object, use_case: Callable[[HttpRequest], Mapping[str, Any]]) -> dict[str, Any]:
    """Answer a request with the result of the use case, or with a problem document."""
    return answer_or_problem(lambda: answer_of(HTTPStatus.OK, JSON, use_case(HttpRequest.parse(event))))


def serve_raw(
    event: object, use_case: Callable[[RawRequest], tuple[HTTPStatus, Mapping[str, Any]]]
) -> dict[str, Any]:
    """Answer a request with the status and the result of the use case, or with a problem document."""

    def answer() -> dict[str, Any]:
        status, result = use_case(RawRequest.parse(event))
        return answer_of(status, JSON, result)

    return answer_or_problem(answer)


def answer_or_problem(answer: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what API Gateway is to answer: the result, or the problem document of an error."""
    try:
        return answer()
    except RequestProblem as problem:
        return _problem(problem)
    except UnknownCaller as unknown:
        return _problem(RequestProblem(HTTPStatus.FORBIDDEN, "forbidden", str(unknown)))
    except MalformedEvent as malformed:
        return _problem(RequestProblem(HTTPStatus.BAD_REQUEST, "malformed", str(malformed)))
    except RefusedData as refusal:
        return _problem(RequestProblem(HTTPStatus.UNPROCESSABLE_ENTITY, "refused", str(refusal)))
    except TransientFault:
        return _problem(
            RequestProblem.unavailable(
                "the database or another service does not respond yet: repeat the request with the same id"
            )
        )


def _caller(context: Fields) -> str:
    caller = _verified_arn(context)
    if not caller:
        raise UnknownCaller(_NO_CALLER)
    return caller


def _verified_arn(context: Fields) -> str:
    """Return the ARN of the caller that API Gateway has verified; empty if there is none."""
    try:
        caller = context.object("authorizer").object("iam").text("userArn")
    except MalformedEvent:
        return ""
    return caller if caller.startswith("arn:") else ""


def _texts(request: Fields, name: str) -> dict[str, str]:
    """Return the fields of an object that are texts; none if there is no such object."""
    found = request.mapping(name) if request.has(name) else {}
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _bytes(request: Fields) -> bytes:
    """Return the body as bytes, empty if there is none."""
    if not request.has("body"):
        return b""
    text = request.text("body")
    try:
        if request.has("isBase64Encoded") and request.flag("isBase64Encoded"):
            return base64.b64decode(text, validate=True)
        return text.encode()
    except ValueError:
        raise MalformedEvent("HTTP request: the body cannot be read") from None


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


def _problem(problem: RequestProblem) -> dict[str, Any]:
    document = {
        "type": "about:blank",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
        "code": problem.code,
    }
    headers = {} if problem.retry_after is None else {"retry-after": str(problem.retry_after)}
    return answer_of(problem.status, PROBLEM_JSON, document, headers)


def code_of(answer: Mapping[str, Any]) -> str | None:
    """Return the code of an answer that is a problem document; None for other answers."""
    if answer["headers"]["content-type"] != PROBLEM_JSON:
        return None
    return str(json.loads(answer["body"])["code"])


def answer_of(
    status: HTTPStatus, kind: str, content: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return an answer as API Gateway expects it; no cache keeps it."""
    return {
        "statusCode": status.value,
        "headers": {"content-type": kind, "cache-control": "no-store", **(headers or {})},
        "body": json.dumps(dict(content)),
    }


def page_of(content: str) -> dict[str, Any]:
    """Return an answer with a page of HTML that a browser shows without scripts; no cache keeps it."""
    headers = {
        "content-type": HTML,
        "cache-control": "private, no-store",
        "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
        "x-content-type-options": "nosniff",
    }
    return {"statusCode": HTTPStatus.OK.value, "headers": headers, "body": content}


def encoded_answer_of(status: HTTPStatus, kind: str, content: str) -> dict[str, Any]:
    """Return an answer with bytes, which ``content`` has in base64; no cache keeps it."""
    headers = {
        "content-type": kind,
        "cache-control": "private, no-store",
        "x-content-type-options": "nosniff",
    }
    return {"statusCode": status.value, "headers": headers, "body": content, "isBase64Encoded": True}
