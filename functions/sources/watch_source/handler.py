"""Alert people if a source has had no new row or file for too long."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.pull_events import WatchedSource
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.sources.watch_source import Dependencies, watch_source


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> dict[str, str]:
    """Watch the source."""
    watched = WatchedSource.parse(event)
    status = watch_source(Dependencies(runtime.database(), runtime.alerts()), watched)
    logger.info("source watched", extra={"source": watched.source, "status": status})
    return {"source": watched.source, "status": status}
