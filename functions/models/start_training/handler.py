"""A training was asked for, by hand, by the schedule or by an event: start an instance for it, once."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.errors import RefusedData
from claimwatch.models.trainings import start_training
from claimwatch.observability import logger, tracer


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Start it; an answer with ``refused`` says why there is none."""
    training_id = event.get("training_id") or context.aws_request_id
    try:
        training = start_training(
            runtime.training_dependencies(),
            training_id,
            event["line"],
            why=event["why"],
            asked_by=event.get("asked_by") or "an event",
        )
    except RefusedData as refusal:
        logger.warning("training refused", extra={"line": event["line"], "training_id": training_id})
        return {"training_id": training_id, "refused": str(refusal)}
    told = {
        "training_id": training_id,
        "line": training.line,
        "version": training.version,
        "status": training.status,
        "instance_id": training.instance_id,
    }
    logger.info("training asked for", extra=told)
    return told
