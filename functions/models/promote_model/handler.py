"""Make a model live, or roll the champion back to the previous one."""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.errors import RefusedData
from claimwatch.models.promote import Dependencies, ModelChange, Request, promote, rollback
from claimwatch.observability import logger, tracer
from claimwatch.scoring.bundle import BundleMismatch
from claimwatch.scoring.bundle_store import columns_of


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Promote a version, or roll back if none is named; ``refused`` in the answer gives a reason."""
    change = ModelChange.parse(event)
    deps = Dependencies(
        runtime.database(), lambda uri, sha256: columns_of(runtime.objects(), uri, sha256), runtime.backfill()
    )
    try:
        request = Request(change.request_id or context.aws_request_id, change.by, change.why)
        if change.version is None:
            promoted = rollback(deps, request, change.line)
        else:
            promoted = promote(deps, request, change.line, change.version, change.role)
    except (RefusedData, BundleMismatch) as refusal:
        logger.warning("promotion refused", extra={"line": change.line, "version": change.version})
        return {"refused": str(refusal)}
    logger.info("model promoted", extra=asdict(promoted))
    return asdict(promoted)
