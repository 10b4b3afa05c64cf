"""Take a source for an execution, and plan the next window of its rows or files."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.pull_events import PullRequest
from claimwatch.aws.secrets import source_secret
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.sources.open_reader import open_reader
from claimwatch.sources.plan_pull import Dependencies, plan_pull


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Plan the pull."""
    deps = Dependencies(
        runtime.database(),
        runtime.alerts(),
        open_reader=lambda source: open_reader(source, source_secret(source.secret)),
    )
    plan = plan_pull(deps, PullRequest.parse(event))
    if plan.changed:  # their number: names that nobody has approved may be personal data
        logger.warning("columns changed", extra={"source": plan.source, "columns": len(plan.changed)})
    if plan.skipped:
        logger.warning("files skipped", extra={"source": plan.source, "files": plan.skipped})
    logger.info("pull planned", extra={"source": plan.source, "status": plan.status, "window": plan.number})
    return plan.to_event()
