"""Detect the format of a file, match it with its contract, and plan its chunks."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.executions import FileAttempt
from claimwatch.ingest.inspect import Dependencies, inspect
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.settings import settings


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Inspect the file of this attempt."""
    file = FileAttempt.parse(event)
    deps = Dependencies(
        runtime.database(),
        runtime.objects(),
        runtime.alerts(),
        settings.artifact_bucket,
        report=lambda fault: logger.error(
            "content breaks the reader", extra={"file_id": file.file_id, "fault": fault}
        ),
    )
    inspected = inspect(deps, file.file_id, file.attempt)
    logger.info(
        "file inspected",
        extra={
            "file_id": inspected["file_id"],
            "status": inspected["status"],
            "chunks": len(inspected["chunks"]),
        },
    )
    return inspected
