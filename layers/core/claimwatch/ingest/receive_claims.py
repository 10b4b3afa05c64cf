"""Claims that a machine sends by a request: they become one file in the landing bucket, and no more.

The pipeline does the rest, as for any other file.
"""

import hashlib
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from claimwatch.access.machine_request import Dependencies as AccessDependencies
from claimwatch.access.machine_request import attempt
from claimwatch.aws.http_api import RawRequest, RequestProblem

LARGEST_BODY = 5 << 20
"""Bytes of claims in a request, unpacked."""

IDEMPOTENCY_HEADER = "idempotency-key"

_KEY = re.compile(r"[!-~]{1,200}")
_GZIP = 31
"""What zlib calls gzip with the largest window."""
_SESSION = re.compile(r"(arn:[^:]+:sts::\d+:assumed-role/[^/]+)/.+")


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``receive_claims``.

    ``add`` stores the only object of a key and returns the id of its version. Adding the same bytes again
    changes nothing; None says that the key has other bytes.
    """

    access: AccessDependencies
    add: Callable[[str, bytes], str | None]


@dataclass(frozen=True)
class Received:
    """Where the claims of a request were stored; nothing has read them yet."""

    request_id: str
    line: str
    key: str
    version_id: str
    see: str


def receive_claims(deps: Dependencies, request: RawRequest) -> Received:
    """Store the claims of a request as one file; its record is sent before this returns.

    Raises ``RequestProblem``, ``MalformedEvent`` and ``UnknownCaller`` for requests that are refused, and
    ``TransientFault``. A request that is repeated with its Idempotency-Key has no further effect.
    """
    with attempt(deps.access, request, "claims.submit") as attempted:
        _, contract = attempted.admit()
        name = request.headers.get(IDEMPOTENCY_HEADER, "")
        if not _KEY.fullmatch(name):
            raise RequestProblem(
                HTTPStatus.BAD_REQUEST,
                "idempotency_key",
                "the header idempotency-key must have 1 to 200 visible characters of ASCII, and stay the same"
                " when the request is repeated",
            )
        content = _unpacked(request)
        _check(content)
        key = landing_key(contract.line, request.verified_caller(), name)
        version = deps.add(key, content)
        if version is None:
            raise RequestProblem(
                HTTPStatus.CONFLICT,
                "conflict",
                "other claims were sent with this idempotency-key: use another one for other claims",
            )
        attempted.answer(landed_key=key)
    return Received(
        request.request_id, contract.line, key, version, f"claimwatch files --line {contract.line}"
    )


def landing_key(line: str, caller: str, name: str) -> str:
    """Return the key of the claims that a caller sends with an Idempotency-Key.

    It has a digest, because both texts could contain personal data. The sessions of a role are one caller: a
    request may be repeated by another machine of the same system.
    """
    session = _SESSION.fullmatch(caller)
    identity = session[1] if session else caller
    digest = hashlib.sha256(json.dumps([identity, name]).encode()).hexdigest()
    return f"claims/{line}/api/{digest}.ndjson"


def _unpacked(request: RawRequest) -> bytes:
    """Return the body; if it is compressed with gzip, unpacked."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        content = request.body
    elif encoding == "gzip":
        content = _gunzipped(request.body)
    else:
        raise RequestProblem(
            HTTPStatus.BAD_REQUEST, "malformed", "the content-encoding of a body must be gzip, if it has one"
        )
    if len(content) > LARGEST_BODY:
        raise RequestProblem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "too_large",
            f"the claims have more than {LARGEST_BODY:,} bytes: send them in several requests, or as a file",
        )
    return content


def _gunzipped(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        content = unpacker.decompress(packed, LARGEST_BODY + 1)
    except zlib.error:
        raise _malformed("the body is not valid gzip") from None
    if len(content) <= LARGEST_BODY and (not unpacker.eof or unpacker.unused_data):
        raise _malformed("the body is not exactly one gzip file")
    return content


def _check(content: bytes) -> None:
    """Refuse what cannot be claims at all; the pipeline validates each claim."""
    if not content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        raise _malformed("the body must be NDJSON: a claim as a JSON object on each line")


def _malformed(detail: str) -> RequestProblem:
    return RequestProblem(HTTPStatus.BAD_REQUEST, "malformed", detail)
