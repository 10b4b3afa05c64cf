"""Seal the access events that are not sealed yet."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.governance.seal_audit import Dependencies, seal_audit
from claimwatch.observability import logger, tracer, without_messages

TIME_OF_A_SEAL = 60_000
"""Milliseconds that are left when the last seal is begun."""


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(_event: object, context: LambdaContext) -> dict[str, Any]:
    """Seal all events, for a batch of requests or for the schedule; an error returns all requests."""
    sealed = seal_audit(
        dependencies(), time_is_up=lambda: context.get_remaining_time_in_millis() < TIME_OF_A_SEAL
    )
    if not sealed.finished:
        runtime.seal_requests().request()
    logger.info("access events sealed", extra=vars(sealed))
    return {"batchItemFailures": []}


@cache
def dependencies() -> Dependencies:
    """Return the dependencies of ``seal_audit``."""
    return Dependencies(runtime.database(), runtime.seal_store(), runtime.alerts(), lambda: datetime.now(UTC))
