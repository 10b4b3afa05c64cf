"""Find out what a file is, whether its contract knows it, and where to cut it."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.ingest.inspect import Dependencies, inspect
from claimwatch.observability import logger, tracer
from claimwatch.settings import settings


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Inspect the file of this attempt."""
    deps = Dependencies(runtime.database(), runtime.objects(), runtime.alerts(), settings().artifact_bucket)
    found = inspect(deps, event["file_id"], event["attempt"])
    logger.info(
        "file inspected",
        extra={"file_id": found["file_id"], "status": found["status"], "chunks": len(found["chunks"])},
    )
    return found
