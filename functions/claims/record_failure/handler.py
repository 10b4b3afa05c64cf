"""A fault that no retry mended: write it down and tell people."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.ingest.fail import record_failure
from claimwatch.observability import logger, tracer


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Record that this attempt failed."""
    status = record_failure(
        runtime.database(),
        runtime.alerts(),
        event["file_id"],
        event["attempt"],
        event["error"],
        event["cause"],
    )
    logger.error("file failed", extra={"file_id": event["file_id"], "status": status})
    return {"file_id": event["file_id"], "status": status}
