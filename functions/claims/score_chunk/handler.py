"""Score the claims of one chunk by the models that are live."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.observability import logger, tracer
from claimwatch.scoring.live_models import ModelCache
from claimwatch.scoring.score_rows import Dependencies, score_chunk
from claimwatch.settings import settings

models = ModelCache()


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Score the chunk."""
    deps = Dependencies(
        database=runtime.database(),
        alerts=runtime.alerts(),
        model=lambda live: models.get(runtime.objects(), live),
        code_version=settings().code_version,
    )
    scored = score_chunk(deps, event["file_id"], event["number"])
    logger.info(
        "chunk scored",
        extra={
            "file_id": event["file_id"],
            "chunk": event["number"],
            "claims": scored.claims,
            "referred": scored.referred,
            "waits": scored.waits,
        },
    )
