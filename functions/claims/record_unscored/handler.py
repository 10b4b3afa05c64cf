"""A fault in scoring that no retry mended: tell people; the claims are stored all the same."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.ingest.fail import described
from claimwatch.observability import logger, tracer
from claimwatch.scoring.notifications import notify_unscored_file, notify_unscored_line


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Tell that a file, or a line's claims, could not be scored."""
    error = described(event["error"], event["cause"])
    if "file_id" in event:
        notify_unscored_file(runtime.database(), runtime.alerts(), event["file_id"], error)
    else:
        notify_unscored_line(runtime.alerts(), event["line"], event["since"], error)
    logger.error("scoring failed", extra={"file_id": event.get("file_id"), "line": event.get("line")})
