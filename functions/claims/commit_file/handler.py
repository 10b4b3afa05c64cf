"""Account for every row of a file and make it visible."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.ingest.commit import Dependencies, commit_file
from claimwatch.observability import logger, tracer


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Commit the file of this attempt."""
    committed = commit_file(
        Dependencies(runtime.database(), runtime.objects()), event["file_id"], event["attempt"]
    )
    logger.info("file committed", extra=committed)
    return committed
