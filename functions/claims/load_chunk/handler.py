"""Validate and load one chunk of a file."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.ingest.load import Dependencies, load_chunk
from claimwatch.ingest.plan import ChunkToLoad
from claimwatch.observability import logger, tracer, without_messages


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> None:
    """Load the chunk of this attempt."""
    chunk = ChunkToLoad.parse(event)
    deps = Dependencies(
        runtime.database(),
        runtime.objects(),
        runtime.personal_data_key(),
        report=lambda fault: logger.error(
            "content breaks the reader",
            extra={"file_id": chunk.file_id, "chunk": chunk.number, "fault": fault},
        ),
    )
    counts = load_chunk(deps, chunk.file_id, chunk.attempt, chunk.number)
    logger.info(
        "chunk loaded",
        extra={
            "file_id": chunk.file_id,
            "chunk": chunk.number,
            "rows_read": counts.read,
            "rows_loaded": counts.loaded,
            "rows_quarantined": counts.quarantined,
        },
    )
