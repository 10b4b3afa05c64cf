"""By the schedule, or when somebody asks: send a message for each check of a week."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.errors import RefusedData
from claimwatch.evaluation.plan import Dependencies, plan_all, plan_window, planned
from claimwatch.observability import logger, tracer


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Plan the week of a line that is named, or the last one of every line; ``refused`` says why not."""
    deps = Dependencies(runtime.database(), runtime.evaluation_queue())
    now = datetime.now(UTC)
    if "line" not in event:
        windows = [planned(window) for window in plan_all(deps, now)]
        logger.info("evaluations planned", extra={"windows": windows})
        return {"windows": windows}
    try:
        told = planned(plan_window(deps, event["line"], event.get("window"), now))
    except RefusedData as refusal:
        logger.warning("evaluation refused", extra={"line": event["line"], "window": event.get("window")})
        return {"refused": str(refusal)}
    logger.info("evaluation planned", extra=told)
    return told
