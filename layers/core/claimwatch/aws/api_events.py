"""Requests as API Gateway hands them to a function, in format 2.0, for calls without API Gateway."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

_FORMAT = "2.0"

WHAT_IF = "POST /what-if/{line}"
"""The route of a what-if. API Gateway has no such route, so only who may call the function itself can ask."""

ON_BEHALF_OF = "x-on-behalf-of"
"""The header of a what-if with the name of the person who asks."""


def signed_event(
    route: str,
    path: Mapping[str, str],
    *,
    caller: str | None,
    request_id: str,
    at: datetime,
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
) -> dict[str, Any]:
    """Return the event of a request to a route such as ``GET /v1/ready``.

    ``caller`` is the ARN of whoever signed it; None is a request to a route that needs no signature. Names of
    ``path`` stand in braces in the route.
    """
    method, _, pattern = route.partition(" ")
    place = pattern
    for name, value in path.items():
        place = place.replace(f"{{{name}}}", value).replace(f"{{{name}+}}", value)
    authorizer = {"authorizer": {"iam": _identity(caller)}} if caller is not None else {}
    event: dict[str, Any] = {
        "version": _FORMAT,
        "routeKey": route,
        "rawPath": place,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", **(headers or {})},
        "requestContext": {
            **authorizer,
            "accountId": _account(caller),
            "apiId": "none",
            "domainName": "none",
            "domainPrefix": "none",
            "http": {
                "method": method,
                "path": place,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "claimwatch",
            },
            "requestId": request_id,
            "routeKey": route,
            "stage": "$default",
            "time": at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(1000 * at.timestamp()),
        },
        "isBase64Encoded": False,
    }
    if path:
        event["pathParameters"] = dict(path)
    if body is not None:
        event["body"] = body
    return event


def _identity(arn: str) -> dict[str, Any]:
    return {
        "accountId": _account(arn),
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": arn,
    }


def _account(arn: str | None) -> str:
    parts = (arn or "").split(":")
    return parts[4] if len(parts) > 4 else ""
