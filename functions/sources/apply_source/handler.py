"""Apply a new, changed or deleted file of a source, and keep its schedules."""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.events import object_event_of
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.sources.apply_source import Dependencies, apply_source

processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Apply the files of a batch; messages that met a transient fault return to the queue."""
    return process_partial_response(event, apply, processor, context)


@without_messages
def apply(record: SQSRecord) -> None:
    """Apply the file that a message names."""
    changed = object_event_of(record.body)
    if changed is None:
        logger.warning("message ignored: it is not about an object", extra={"message_id": record.message_id})
        return
    deps = Dependencies(runtime.database(), runtime.objects(), runtime.alerts(), runtime.schedules())
    applied = apply_source(deps, changed)
    logger.info(
        "source processed",
        extra={"source": applied.source, "status": applied.status, "began_again": applied.began_again},
    )
