"""Watch all trainings, every few minutes and when an instance ends: none is forgotten or left running."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.models.trainings import watch_instances
from claimwatch.observability import logger, tracer, without_messages


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, context: LambdaContext) -> None:
    """Watch all trainings; the event says nothing that is not read from EC2 and the database."""
    logger.info("trainings watched", extra={"ended": watch_instances(runtime.training_dependencies())})
