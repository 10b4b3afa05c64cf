"""Patches for S3. Each removes one of these differences from AWS.

- An "Object Created" event does not contain the version id of the object.
- GetObject ignores a range if a version is given.
- GetObject and HeadObject answer 404 for a missing object or version to everybody. S3 answers 403 to
  callers that may not list the bucket.
"""

import inspect
import json
from collections.abc import Callable
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.router import extract_access_key_id
from ministack.services import eventbridge, s3

type Answer = tuple[int, dict[str, str], bytes]


def add_object_versions_to_events() -> None:
    """Add detail.object.version-id to the S3 events of versioned buckets."""
    current: ContextVar[str | None] = ContextVar("current_version", default=None)
    fire: Callable[..., None] = s3._fire_s3_event
    dispatch: Callable[..., Any] = eventbridge._dispatch_event
    if "version_id" not in inspect.signature(fire).parameters:
        raise SystemExit("ministack's S3 events have changed: see local/emulator_server")

    def fire_with_version(*args: Any, **kwargs: Any) -> None:
        token = current.set(kwargs.get("version_id"))
        try:
            fire(*args, **kwargs)
        finally:
            current.reset(token)

    def dispatch_with_version(event: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        version = current.get()
        if version and event.get("Source") == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"].setdefault("version-id", version)
            event["Detail"] = json.dumps(detail)
        return dispatch(event, *args, **kwargs)

    s3._fire_s3_event = fire_with_version
    eventbridge._dispatch_event = dispatch_with_version


def support_ranges_of_versions() -> None:
    """Make GetObject with VersionId and Range return that range (206), or 416 if it is beyond the end."""
    get: Callable[..., tuple[int, dict[str, str], bytes]] = s3._get_object

    def get_range(
        bucket: str, key: str, headers: dict[str, str], query: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        wanted = headers.get("range")
        if not wanted or "versionId" not in (query or {}):
            return get(bucket, key, headers, query)
        # The client would compare the checksum of the whole object with the part.
        unchecked = {name: value for name, value in headers.items() if name != "x-amz-checksum-mode"}
        status, answered, body = get(bucket, key, unchecked, query)
        if status != HTTPStatus.OK:
            return status, answered, body
        found = s3._parse_range(wanted, len(body))
        if found is None:
            unsatisfiable = {"Content-Type": "application/xml", "Content-Range": f"bytes */{len(body)}"}
            return 416, unsatisfiable, s3._xml_body(s3._range_error_xml(bucket, key))
        start, end = found
        part = body[start : end + 1]
        part_headers = {"Content-Length": str(len(part)), "Content-Range": f"bytes {start}-{end}/{len(body)}"}
        return 206, answered | part_headers, part

    s3._get_object = get_range


def hide_missing_objects() -> None:
    """Answer 403 instead of 404 for a missing object to callers that may not list the whole bucket."""
    wanted = 'return _error("NoSuchVersion", "The specified version does not exist.", 404'
    if wanted not in inspect.getsource(s3._get_object) or "denied = enforce(" not in inspect.getsource(
        app._enforce_data_plane
    ):
        raise SystemExit("ministack's reads of objects have changed: see local/emulator_server")

    def hiding(call: Callable[..., Answer]) -> Callable[..., Answer]:
        def read(
            bucket: str, key: str, headers: dict[str, str] | None = None, query: dict[str, Any] | None = None
        ) -> Answer:
            answer = call(bucket, key, headers or {}, query or {})
            missing = answer[0] == HTTPStatus.NOT_FOUND and s3._ensure_bucket(bucket) is not None
            if not missing or not (headers or {}).get("authorization"):
                return answer
            caller = extract_access_key_id(headers, query)
            denied = iam_evaluator.enforce(
                caller, "s3:ListBucket", "s3", s3.get_region(), resource_arn=f"arn:aws:s3:::{bucket}"
            )
            forbidden: Answer = s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}/{key}")
            return forbidden if denied else answer

        return read

    s3._get_object, s3._head_object = hiding(s3._get_object), hiding(s3._head_object)
