"""Find out what there is to score: of a file that was committed, or of all that a line has stored."""

from datetime import datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.observability import logger, tracer
from claimwatch.scoring.plan_scoring import Dependencies, plan_file, plan_line


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Plan the scoring of a file or of a line."""
    deps = Dependencies(runtime.database(), runtime.alerts())
    if "file_id" in event:
        planned = plan_file(deps, event["file_id"])
    else:
        since = datetime.fromisoformat(event["since"]) if event["since"] else None
        planned = plan_line(deps, event["line"], since, only_unscored=event["only_unscored"])
    logger.info(
        "scoring planned",
        extra={"line": planned["line"], "status": planned["status"], "units": len(planned["units"])},
    )
    return planned
