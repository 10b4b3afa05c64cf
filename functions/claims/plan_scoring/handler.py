"""Plan what is left to score: of a committed file, or of all that a line has stored."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.executions import FileToScore, parse_scoring
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.scoring.plan_scoring import Dependencies, plan_file, plan_line


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Plan the scoring of a file or of a line."""
    to_score = parse_scoring(event)
    deps = Dependencies(runtime.database(), runtime.alerts())
    if isinstance(to_score, FileToScore):
        plan = plan_file(deps, to_score.file_id)
    else:
        plan = plan_line(deps, to_score.line, to_score.since, only_unscored=to_score.only_unscored)
    logger.info("scoring planned", extra={"line": plan.line, "status": plan.status, "units": len(plan.units)})
    return plan.to_event()
