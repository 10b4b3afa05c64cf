"""Patches for CloudFront. Each removes one of these differences from AWS.

- A distribution cannot have an API of API Gateway as its origin: requests get 502.
- Nothing is compressed.
- Browsers reach a distribution only by a name that their machine does not resolve, and without TLS. A port
  of its own (``VIEWERS_PORT``) stands for the edge that ends TLS: all its requests go to the distribution.
"""

import gzip
import inspect
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote

import hypercorn.asyncio
from ministack import app
from ministack.services import cloudfront

API = re.compile(r"^([a-f0-9]{8})\.execute-api\.[a-z0-9-]+\.amazonaws\.com$")

SMALLEST, LARGEST = 1_000, 10_000_000
"""Bytes of the responses that CloudFront compresses."""

COMPRESSED = (
    "application/javascript",
    "application/json",
    "image/svg+xml",
    "text/css",
    "text/html",
    "text/javascript",
    "text/plain",
)

type Answer = tuple[int, Mapping[str, Any], bytes]


def serve_apis_as_origins() -> None:
    """Answer requests to an origin ``<api>.execute-api.<region>.amazonaws.com`` in this process."""
    fetch: Callable[..., Awaitable[Any]] = cloudfront._fetch_from_origin
    given = list(inspect.signature(fetch).parameters)[:6]
    if given != ["origin", "method", "uri", "query_string", "headers", "body"]:
        raise SystemExit("ministack's origins have changed: see local/emulator_server")

    async def fetch_from_api(
        origin: Mapping[str, Any],
        method: str,
        uri: str,
        query_string: str,
        headers: Mapping[str, Any],
        body: bytes,
        *others: Any,
    ) -> Any:
        named = API.match(cloudfront._normalize_origin_host(origin["domain_name"]))
        if named is None:
            return await fetch(origin, method, uri, query_string, headers, body, *others)
        _, client_ip, forwarded_for, _ = others
        sent = cloudfront._origin_request_headers(origin, headers, client_ip, forwarded_for)
        sent = {name.lower(): value for name, value in sent.items()}
        if sent["host"] != origin["domain_name"]:  # a policy forwarded the host of the distribution
            return HTTPStatus.FORBIDDEN, "Forbidden", {}, b'{"message":"Forbidden"}'
        path = (origin.get("origin_path") or "") + uri
        status, answered, content = await app._handle_execute_api_request(
            f"{named[1]}.execute-api.{app._MINISTACK_HOST}",
            unquote(path),
            method,
            sent,
            body or b"",
            parse_qs(query_string, keep_blank_values=True),
            raw_path=path,
            raw_query_string=query_string,
        )
        pairs = [
            (name, each)
            for name, values in answered.items()
            for each in (values if isinstance(values, list) else [values])
        ]
        return status, HTTPStatus(status).phrase, cloudfront._multidict_from_pairs(pairs), content

    cloudfront._fetch_from_origin = fetch_from_api


def compress_answers() -> None:
    """Compress text with gzip where the behavior says ``Compress`` and its cache policy allows gzip."""
    handle: Callable[..., Awaitable[Answer]] = cloudfront.handle_viewer_request
    behavior: Callable[..., dict[str, Any]] = cloudfront._dataplane_behavior
    if list(inspect.signature(behavior).parameters) != ["behavior_el", "path_pattern"]:
        raise SystemExit("ministack's cache behaviors have changed: see local/emulator_server")

    def behavior_with_compression(element: Any, path_pattern: str | None = None) -> dict[str, Any]:
        compress = cloudfront._text(element, "Compress") == "true"
        return behavior(element, path_pattern) | {"compress": compress}

    async def compressed(
        distribution: Mapping[str, Any],
        method: str,
        path: str,
        raw_uri: str,
        raw_query: str,
        headers: Mapping[str, str],
        *others: Any,
    ) -> Answer:
        status, answered, content = await handle(
            distribution, method, path, raw_uri, raw_query, headers, *others
        )
        names = {name.lower(): name for name in answered}
        kind = str(answered.get(names.get("content-type", ""), "")).partition(";")[0]
        matched = cloudfront._match_behavior(
            cloudfront.parse_distribution_dataplane_config(distribution), path
        )
        policy = cloudfront.cache_policy_params(matched.get("cache_policy_id")) or {} if matched else {}
        if (
            matched
            and matched["compress"]
            and policy.get("EnableAcceptEncodingGzip")
            and "gzip" in headers.get("accept-encoding", "")
            and kind in COMPRESSED
            and "content-encoding" not in names
            and SMALLEST <= len(content) <= LARGEST
        ):
            length = names.get("content-length")
            kept = {name: value for name, value in answered.items() if name != length}
            added = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
            return status, kept | added, gzip.compress(content, 6, mtime=0)
        return status, answered, content

    cloudfront._dataplane_behavior = behavior_with_compression
    cloudfront.handle_viewer_request = compressed


def listen_for_viewers() -> None:
    """Serve the only distribution on the port ``VIEWERS_PORT``, as if its requests had come by TLS."""
    server: Any = hypercorn.asyncio
    serve: Callable[..., Awaitable[None]] = server.serve
    port = int(os.environ["VIEWERS_PORT"])

    async def serve_both(gateway: Callable[..., Awaitable[None]], config: Any, **options: Any) -> None:
        async def by_port(scope: dict[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] == "http" and scope["server"][1] == port:
                await _answer_viewer(scope, receive, send)
            else:
                await gateway(scope, receive, send)

        config.bind.append(f"127.0.0.1:{port}")
        await serve(by_port, config, **options)

    server.serve = serve_both


async def _answer_viewer(scope: dict[str, Any], receive: Any, send: Any) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    raw_query = scope["query_string"].decode("latin-1")
    distribution = next(iter(cloudfront._distributions.values()), None)
    if distribution is None:
        answer: Answer = (HTTPStatus.NOT_FOUND, {}, b"no distribution is deployed here")
    else:
        answer = await cloudfront.handle_viewer_request(
            distribution,
            scope["method"],
            scope["path"],
            scope["raw_path"].decode("latin-1"),
            raw_query,
            headers | {"x-forwarded-proto": "https"},
            body,
            parse_qs(raw_query, keep_blank_values=True),
            scope["client"][0],
        )
    status, answered, content = answer
    pairs = [
        (name.lower().encode("latin-1"), str(each).encode("latin-1"))
        for name, values in answered.items()
        for each in (values if isinstance(values, list) else [values])
        if name.lower() != "content-length"
    ]
    pairs.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": int(status), "headers": pairs})
    await send({"type": "http.response.body", "body": content})
