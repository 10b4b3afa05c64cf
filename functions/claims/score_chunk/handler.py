"""Score the claims of one chunk by the live models."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.scoring.live_models import ModelCache
from claimwatch.scoring.plan_scoring import ChunkToScore
from claimwatch.scoring.score_rows import Dependencies, score_chunk
from claimwatch.settings import settings

models = ModelCache()


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> None:
    """Score the chunk."""
    chunk = ChunkToScore.parse(event)
    deps = Dependencies(
        database=runtime.database(),
        alerts=runtime.alerts(),
        model=lambda live: models.get(runtime.objects(), live),
        code_version=settings.code_version,
    )
    scored = score_chunk(deps, chunk.file_id, chunk.number)
    logger.info(
        "chunk scored",
        extra={
            "file_id": chunk.file_id,
            "chunk": chunk.number,
            "claims": scored.claims,
            "referred": scored.referred,
            "waits": scored.waits,
        },
    )
