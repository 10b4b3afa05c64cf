"""The function that answers score requests, called as Lambda calls it, and served by uvicorn for comparison.

Served as ``uvicorn benchmarks.online_claimwatch:app``: the application only turns a request into the event of
API Gateway and the answer of the function into a response. It verifies no signature, as the function's own
code does not either, and as the peers do not. With the environment variable ``DROP_RECORDS``, the records of
requests are made and not sent, because the peers keep none.
"""

import importlib.util
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

HANDLER = Path(__file__).resolve().parent.parent / "functions" / "api" / "score_claim" / "handler.py"
LINE = "motor"
DROPPED = "DROP_RECORDS"
CONTEXT = SimpleNamespace(
    function_name="ScoreClaim",
    function_version="1",
    memory_limit_in_mb=1769,
    invoked_function_arn="arn:aws:lambda:eu-central-1:123456789012:function:ScoreClaim",
    aws_request_id="request",
)
_numbers = count()

type Send = Callable[[dict[str, Any]], Awaitable[None]]
type Receive = Callable[[], Awaitable[dict[str, Any]]]


@cache
def handler() -> Callable[[object, object], dict[str, Any]]:
    """Return the handler of the function."""
    spec = importlib.util.spec_from_file_location("score_claim_handler", HANDLER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if DROPPED in os.environ:
        drop_records()
    found: Callable[[object, object], dict[str, Any]] = module.handler
    return found


def drop_records() -> None:
    """Let the function send no record from now on."""
    from claimwatch import online_runtime  # noqa: PLC0415 - after the environment is set

    deps = online_runtime.scoring()
    silent = replace(deps, access=replace(deps.access, send=lambda _messages: None))
    online_runtime.scoring = cache(lambda: silent)


def event_of(body: str) -> dict[str, Any]:
    """Return the event of API Gateway for a request with this body."""
    return {
        "version": "2.0",
        "routeKey": "POST /v1/lines/{line}/scores",
        "pathParameters": {"line": LINE},
        "headers": {"content-type": "application/json", "x-purpose": "claim_handling"},
        "requestContext": {
            "requestId": f"benchmark-{next(_numbers)}",
            "authorizer": {"iam": {"userArn": "arn:aws:iam::123456789012:user/benchmark"}},
        },
        "body": body,
        "isBase64Encoded": False,
    }


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer a request by the protocol ASGI."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    answer = handler()(event_of(body.decode()), CONTEXT)
    content = answer["body"].encode()
    named = answer["headers"] | {"content-length": str(len(content))}
    headers = [(name.encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": answer["statusCode"], "headers": headers})
    await send({"type": "http.response.body", "body": content})
