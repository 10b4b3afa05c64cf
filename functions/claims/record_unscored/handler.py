"""Send an alert that claims could not be scored; the claims stay stored."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.executions import FailedScoring, FileToScore, described
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.scoring.notifications import notify_unscored_file, notify_unscored_line


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> None:
    """Report that a file, or the stored claims of a line, could not all be scored."""
    failed = FailedScoring.parse(event)
    error = described(failed.error, failed.cause)
    if isinstance(failed.to_score, FileToScore):
        file_id = failed.to_score.file_id
        notify_unscored_file(runtime.database(), runtime.alerts(), file_id, error)
        logger.error("scoring failed", extra={"file_id": file_id})
    else:
        line = failed.to_score.line
        notify_unscored_line(runtime.alerts(), line, failed.to_score.since, error)
        logger.error("scoring failed", extra={"line": line})
