"""Record a failed attempt at a file, and send an alert."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.executions import FailedAttempt
from claimwatch.ingest.fail import record_failure
from claimwatch.observability import logger, tracer, without_messages


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> dict[str, int | str]:
    """Record that this attempt failed with an error that no retry cured."""
    failed = FailedAttempt.parse(event)
    file_id = failed.file.file_id
    status = record_failure(
        runtime.database(), runtime.alerts(), file_id, failed.file.attempt, failed.error, failed.cause
    )
    logger.error("file failed", extra={"file_id": file_id, "status": status})
    return {"file_id": file_id, "status": status}
