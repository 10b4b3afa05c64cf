"""Account for every row of a file and make the file visible."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.executions import FileAttempt
from claimwatch.ingest.commit import Dependencies, commit_file
from claimwatch.observability import logger, tracer, without_messages


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Commit the file of this attempt."""
    file = FileAttempt.parse(event)
    deps = Dependencies(runtime.database(), runtime.objects(), runtime.alerts())
    committed = commit_file(deps, file.file_id, file.attempt)
    logger.info("file committed", extra=committed)
    return committed
