"""Services that ministack does not have: requests reach a stand-in, after IAM has decided about them."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ministack import app
from ministack.core import iam_actions, router

type Answer = tuple[int, dict[str, str], bytes]
type Handler = Callable[[str, str, Mapping[str, str], bytes, Mapping[str, Any]], Awaitable[Answer]]
"""Answers a request: method, path, headers, body and query."""

JSON_HEADERS = {"Content-Type": "application/x-amz-json-1.1"}


def add_service(
    name: str, target_prefix: str, handle: Handler, resource: Callable[[Mapping[str, str], bytes], str]
) -> None:
    """Serve a service with the protocol JSON 1.1.

    `target_prefix` is how the header x-amz-target of its requests begins. `resource` returns what a request
    is about, from its headers and body: the part of an ARN behind the account.
    """
    resource_of: Callable[..., str] = iam_actions.extract_resource_arn
    if name in app.SERVICE_HANDLERS or "service" not in inspect.signature(resource_of).parameters:
        raise SystemExit("ministack's services have changed: see local/emulator_server")

    def resource_with_service(
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        query: Mapping[str, Any],
        region: str,
        account: str,
    ) -> str:
        if service != name:
            return resource_of(service, method, path, headers, body, query, region, account)
        return f"arn:aws:{name}:{region}:{account}:{resource(headers, body)}"

    router.SERVICE_PATTERNS[name] = {
        "target_prefixes": [target_prefix],
        "host_patterns": [rf"{name}\."],
        "credential_scope": name,
    }
    iam_actions.SERVICE_TO_IAM_NAMESPACE[name] = name
    iam_actions.extract_resource_arn = resource_with_service
    app.SERVICE_HANDLERS[name] = handle
