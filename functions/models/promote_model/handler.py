"""Make a model live, or roll the champion back to the previous one, for a verified caller."""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.http_api import HttpRequest, serve
from claimwatch.errors import RefusedData
from claimwatch.models.promote import Dependencies, ModelChange, Request, promote, rollback
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.scoring.bundle import BundleMismatch
from claimwatch.scoring.bundle_store import columns_of


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, _context: LambdaContext) -> dict[str, Any]:
    """Answer a request to promote a version, or to roll back if none is named."""
    return serve(event, promote_model)


def promote_model(http: HttpRequest) -> dict[str, Any]:
    """Promote or roll back once for each request id; raises ``RefusedData``."""
    change = ModelChange.parse(http.fields)
    deps = Dependencies(
        runtime.database(), lambda uri, sha256: columns_of(runtime.objects(), uri, sha256), runtime.backfill()
    )
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
