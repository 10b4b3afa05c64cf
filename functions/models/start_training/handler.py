"""Start a requested training on an instance, once; a person, the schedule or an event requests it."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.http_api import HttpRequest, is_http, serve
from claimwatch.errors import RefusedData
from claimwatch.models.trainings import EVENT_BUS, TrainingRequest, start_training
from claimwatch.observability import logger, tracer, without_messages


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Start the training that a request of the API or an event asks for."""
    if is_http(event):
        return serve(event, requested)
    request = TrainingRequest.parse(event)
    training_id = request.training_id or context.aws_request_id
    try:
        return started(request, training_id, EVENT_BUS)
    except RefusedData as refusal:
        logger.warning("training refused", extra={"training_id": training_id})
        return {"training_id": training_id, "refused": str(refusal)}


def requested(http: HttpRequest) -> dict[str, Any]:
    """Start the training for a verified caller; raises ``RefusedData``."""
    request = TrainingRequest.parse(http.fields)
    return started(request, request.training_id or http.request_id, http.caller)


def started(request: TrainingRequest, training_id: str, caller: str) -> dict[str, Any]:
    """Start the training once for each id; raises ``RefusedData``."""
    training = start_training(runtime.training_dependencies(), training_id, request, caller)
    answer = {
        "training_id": training_id,
        "line": training.line,
        "version": training.version,
        "status": training.status,
        "instance_id": training.instance_id,
    }
    logger.info("training requested", extra=answer)
    return answer
