"""Commit a window, and how far its source was pulled."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.pull_events import WindowRef
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.settings import settings
from claimwatch.sources.commit_window import Dependencies, commit_window


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Commit the window."""
    deps = Dependencies(runtime.database(), runtime.objects(), runtime.alerts(), settings.landing_bucket)
    committed = commit_window(deps, WindowRef.parse(event)).to_event()
    logger.info("window committed", extra=committed)
    return committed
