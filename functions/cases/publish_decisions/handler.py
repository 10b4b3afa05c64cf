"""Publish decisions as files of outcomes."""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.cases.publish_decisions import Dependencies, publish_decisions
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.settings import settings

TIME_OF_A_FILE = 30_000
"""Milliseconds that are left when the last file is begun."""


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(_event: object, context: LambdaContext) -> dict[str, Any]:
    """Publish all decisions, for a batch of requests; an error returns all requests."""
    published = publish_decisions(
        dependencies(), time_is_up=lambda: context.get_remaining_time_in_millis() < TIME_OF_A_FILE
    )
    if published.waiting:
        runtime.publication_requests().request()
    logger.info("decisions published", extra=vars(published))
    return {"batchItemFailures": []}


@cache
def dependencies() -> Dependencies:
    """Return the dependencies of ``publish_decisions``."""
    return Dependencies(runtime.database(), runtime.objects(), settings.landing_bucket)
