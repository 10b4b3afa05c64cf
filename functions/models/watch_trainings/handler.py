"""Every few minutes, and when an instance ends: no training is forgotten, no instance left running."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.models.trainings import watch_machines
from claimwatch.observability import logger, tracer


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Look after all trainings."""
    logger.info("trainings looked after", extra={"ended": watch_machines(runtime.training_dependencies())})
