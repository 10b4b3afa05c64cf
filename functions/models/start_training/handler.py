"""Start a requested training on an instance, once; a person, the schedule or an event requests it."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.errors import RefusedData
from claimwatch.models.trainings import TrainingRequest, start_training
from claimwatch.observability import logger, tracer


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Start the training; ``refused`` in the answer gives a reason why it is not started."""
    request = TrainingRequest.parse(event)
    training_id = request.training_id or context.aws_request_id
    try:
        training = start_training(
            runtime.training_dependencies(),
            training_id,
            request.line,
            why=request.why,
            asked_by=request.asked_by,
        )
    except RefusedData as refusal:
        logger.warning("training refused", extra={"line": request.line, "training_id": training_id})
        return {"training_id": training_id, "refused": str(refusal)}
    answer = {
        "training_id": training_id,
        "line": training.line,
        "version": training.version,
        "status": training.status,
        "instance_id": training.instance_id,
    }
    logger.info("training requested", extra=answer)
    return answer
