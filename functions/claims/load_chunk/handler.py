"""Check and load one chunk of a file."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.ingest.load import Dependencies, load_chunk
from claimwatch.observability import logger, tracer


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Load the chunk of this attempt."""
    deps = Dependencies(runtime.database(), runtime.objects(), runtime.personal_data_key())
    counts = load_chunk(deps, event["file_id"], event["attempt"], event["number"])
    logger.info(
        "chunk loaded",
        extra={
            "file_id": event["file_id"],
            "chunk": event["number"],
            "rows_read": counts.read,
            "rows_loaded": counts.loaded,
            "rows_quarantined": counts.quarantined,
        },
    )
