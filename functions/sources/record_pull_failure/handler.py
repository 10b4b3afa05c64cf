"""Record that a source could not be pulled, and send an alert."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.pull_events import FailedPull
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.sources.record_pull_failure import Dependencies, record_pull_failure


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> dict[str, str]:
    """Record that an execution failed with an error that no retry cured."""
    failed = FailedPull.parse(event)
    status = record_pull_failure(Dependencies(runtime.database(), runtime.alerts()), failed)
    logger.error("pull failed", extra={"source": failed.source, "status": status, "error": failed.error})
    return {"source": failed.source, "status": status}
