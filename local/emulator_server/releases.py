"""Patches for pipelines. Each removes one of these differences from AWS.

- There is no CodePipeline. Requests go to the stand-in of `make rehearsal` at CLAIMWATCH_CODE_PIPELINE, if
  there is one; see local/rehearsal/code_pipeline.py. IAM decides here whether the caller may send them.
"""

import asyncio
import inspect
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from ministack import app
from ministack.core import iam_actions, router

TIMEOUT = 60.0
"""Seconds."""

type Answer = tuple[int, dict[str, str], bytes]


def serve_code_pipeline() -> None:
    """Forward requests to the stand-in for CodePipeline, with IAM enforced on the pipeline and its stage."""
    address = os.environ.get("CLAIMWATCH_CODE_PIPELINE", "")
    if not address:
        return
    resource_of: Callable[..., str] = iam_actions.extract_resource_arn
    if "codepipeline" in app.SERVICE_HANDLERS or "service" not in inspect.signature(resource_of).parameters:
        raise SystemExit("ministack's services have changed: see local/emulator_server")

    async def handle(
        _method: str, _path: str, headers: Mapping[str, str], body: bytes, _query: Mapping[str, Any]
    ) -> Answer:
        return await asyncio.to_thread(forward, address, headers.get("x-amz-target", ""), body)

    def resource_with_pipelines(
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        query: Mapping[str, Any],
        region: str,
        account: str,
    ) -> str:
        if service != "codepipeline":
            return resource_of(service, method, path, headers, body, query, region, account)
        asked = json.loads(body or b"{}")
        stage = f"/{asked['stageName']}" if "stageName" in asked else ""
        return (
            f"arn:aws:codepipeline:{region}:{account}:{asked.get('pipelineName') or asked.get('name')}{stage}"
        )

    router.SERVICE_PATTERNS["codepipeline"] = {
        "target_prefixes": ["CodePipeline_20150709"],
        "host_patterns": [r"codepipeline\."],
        "credential_scope": "codepipeline",
    }
    iam_actions.SERVICE_TO_IAM_NAMESPACE["codepipeline"] = "codepipeline"
    iam_actions.extract_resource_arn = resource_with_pipelines
    app.SERVICE_HANDLERS["codepipeline"] = handle


def forward(address: str, target: str, body: bytes) -> Answer:
    """Send a request to the stand-in and return its answer."""
    request = urllib.request.Request(address, body, {"x-amz-target": target})  # noqa: S310 - on loopback
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    kind = {"Content-Type": "application/x-amz-json-1.1"}
    try:
        with opener.open(request, timeout=TIMEOUT) as answer:
            return answer.status, kind, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, kind, refused.read()
