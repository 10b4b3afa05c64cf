"""Make a model live, or go back to the one before it."""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.errors import RefusedData
from claimwatch.models.promote import Dependencies, Request, promote, rollback
from claimwatch.observability import logger, tracer
from claimwatch.scoring.bundle import BundleMismatch
from claimwatch.scoring.bundle_store import columns_of


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Promote, or roll back where no version is given; ``refused`` says why nothing was done."""
    deps = Dependencies(
        runtime.database(), lambda uri, sha256: columns_of(runtime.objects(), uri, sha256), runtime.backfill()
    )
    try:
        request = Request(event.get("request_id") or context.aws_request_id, event["by"], event["why"])
        if event.get("version") is None:
            promoted = rollback(deps, request, event["line"])
        else:
            promoted = promote(deps, request, event["line"], event["version"], event["role"])
    except (RefusedData, BundleMismatch) as refusal:
        logger.warning("promotion refused", extra={"line": event["line"], "version": event.get("version")})
        return {"refused": str(refusal)}
    logger.info("model promoted", extra=asdict(promoted))
    return asdict(promoted)
