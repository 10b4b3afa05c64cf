"""Make a model live, or roll the champion back to the previous one, for a verified caller.

An event names a request that a person has made at the desk. At deployment, publish the champions of all
lines again.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws import custom_resource
from claimwatch.aws.http_api import HttpRequest, is_http, serve
from claimwatch.errors import RefusedData
from claimwatch.models.desk_requests import PromotionRequested, carry_out
from claimwatch.models.live_pointers import publish_champions
from claimwatch.models.promote import Dependencies, ModelChange, Request, promote, rollback
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.scoring.bundle import BundleMismatch
from claimwatch.scoring.bundle_store import columns_of


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Answer a request to promote a version, or to roll back if none is named, or answer CloudFormation.

    Any other event names a request of the desk.
    """
    if custom_resource.is_custom_resource(event):
        custom_resource.respond(event, context, publish)
        return {}
    if is_http(event):
        return serve(event, promote_model)
    return carry_out_request(event)


def promote_model(http: HttpRequest) -> dict[str, Any]:
    """Promote or roll back once for each request id; raises ``RefusedData``."""
    change = ModelChange.parse(http.fields)
    deps = dependencies()
    request = Request(
        change.request_id or http.request_id, change.by, change.why, http.caller, change.as_of, change.trust
    )
    try:
        if change.version is None:
            promoted = rollback(deps, request, change.line)
        else:
            promoted = promote(deps, request, change.line, change.version, change.role)
    except BundleMismatch as mismatch:
        raise RefusedData(str(mismatch)) from mismatch
    answer = asdict(promoted)
    logger.info("model promoted", extra={name: value for name, value in answer.items() if name != "remarks"})
    return answer


def carry_out_request(event: object) -> dict[str, Any]:
    """Carry out what a person has requested at the desk; raises ``RefusedData`` for an unknown request."""
    ended = carry_out(dependencies(), PromotionRequested.parse(event), datetime.now(UTC))
    answer = {"request_id": ended.request_id, "outcome": ended.outcome}
    logger.info("request of the desk ended", extra=answer)
    return answer


def dependencies() -> Dependencies:
    """Return the dependencies of promotions."""
    return Dependencies(
        runtime.database(),
        lambda uri, sha256: columns_of(runtime.objects(), uri, sha256),
        runtime.backfill(),
        runtime.live_pointers(),
    )


def publish(request: custom_resource.Request) -> Mapping[str, str]:
    """Publish the champions again; with the stack, their pointers are deleted."""
    pointers = runtime.live_pointers()
    if request.kind == "Delete":
        pointers.delete(pointers.lines())
        return {}
    lines = publish_champions(runtime.database(), pointers)
    logger.info("champions published", extra={"lines": lines})
    return {"Lines": ", ".join(lines)}
