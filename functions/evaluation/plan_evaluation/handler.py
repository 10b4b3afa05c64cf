"""Plan the weekly checks of one line or of every line: send a message for each check."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.errors import RefusedData
from claimwatch.evaluation.plan import Dependencies, EvaluationRequest, plan_all, plan_window, planned
from claimwatch.observability import logger, tracer


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Plan a week of one line, or the last week of every line; ``refused`` in the answer gives a reason."""
    request = EvaluationRequest.parse(event)
    deps = Dependencies(runtime.database(), runtime.evaluation_queue())
    now = datetime.now(UTC)
    if request.line is None:
        windows = [planned(window) for window in plan_all(deps, now)]
        logger.info("evaluations planned", extra={"windows": windows})
        return {"windows": windows}
    try:
        answer = planned(plan_window(deps, request.line, request.window, now))
    except RefusedData as refusal:
        logger.warning("evaluation refused", extra={"line": request.line, "window": request.window})
        return {"refused": str(refusal)}
    logger.info("evaluation planned", extra=answer)
    return answer
