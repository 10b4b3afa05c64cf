"""Plan the weekly checks of one line or of every line: send a message for each check."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.http_api import HttpRequest, is_http, serve
from claimwatch.errors import RefusedData
from claimwatch.evaluation.plan import Dependencies, EvaluationRequest, plan_all, plan_window, planned
from claimwatch.models.request_texts import check_line
from claimwatch.observability import logger, tracer, without_messages


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, _context: LambdaContext) -> dict[str, Any]:
    """Plan a week of one line for a request of the API, or the last week of every line for the schedule."""
    if is_http(event):
        return serve(event, requested)
    request = EvaluationRequest.parse(event)
    if request.line is None:
        windows = [planned(window) for window in plan_all(_dependencies(), datetime.now(UTC))]
        logger.info("evaluations planned", extra={"windows": windows})
        return {"windows": windows}
    try:
        return plan_line(request.line, request.window)
    except RefusedData as refusal:
        logger.warning("evaluation refused", extra={"line": request.line, "window": request.window})
        return {"refused": str(refusal)}


def requested(http: HttpRequest) -> dict[str, Any]:
    """Plan a week of the line in the path; raises ``RefusedData``."""
    request = EvaluationRequest.parse(http.fields)
    line = request.line or ""
    check_line(line)
    return plan_line(line, request.window)


def plan_line(line: str, window: str | None) -> dict[str, Any]:
    """Plan a week of a line; raises ``RefusedData``."""
    answer = planned(plan_window(_dependencies(), line, window, datetime.now(UTC)))
    logger.info("evaluation planned", extra=answer)
    return answer


def _dependencies() -> Dependencies:
    return Dependencies(runtime.database(), runtime.evaluation_queue())
