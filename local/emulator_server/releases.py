"""Patches for pipelines. Each removes one of these differences from AWS.

- There is no CodePipeline. Requests go to the stand-in of `make rehearsal` at CLAIMWATCH_CODE_PIPELINE, if
  there is one; see local/rehearsal/code_pipeline.py. IAM decides here whether the caller may send them.
"""

import asyncio
import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from local.emulator_server.services import JSON_HEADERS, Answer, add_service

TIMEOUT = 60.0
"""Seconds."""


def serve_code_pipeline() -> None:
    """Forward requests to the stand-in for CodePipeline, with IAM enforced on the pipeline and its stage."""
    address = os.environ.get("CLAIMWATCH_CODE_PIPELINE", "")
    if not address:
        return

    async def handle(
        _method: str, _path: str, headers: Mapping[str, str], body: bytes, _query: Mapping[str, Any]
    ) -> Answer:
        return await asyncio.to_thread(forward, address, headers.get("x-amz-target", ""), body)

    def resource(_headers: Mapping[str, str], body: bytes) -> str:
        asked = json.loads(body or b"{}")
        stage = f"/{asked['stageName']}" if "stageName" in asked else ""
        return f"{asked.get('pipelineName') or asked.get('name')}{stage}"

    add_service("codepipeline", "CodePipeline_20150709", handle, resource)


def forward(address: str, target: str, body: bytes) -> Answer:
    """Send a request to the stand-in and return its answer."""
    request = urllib.request.Request(address, body, {"x-amz-target": target})  # noqa: S310 - on loopback
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    kind = dict(JSON_HEADERS)
    try:
        with opener.open(request, timeout=TIMEOUT) as answer:
            return answer.status, kind, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, kind, refused.read()
