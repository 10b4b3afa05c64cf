"""Register each file that was dropped, and start its pipeline once."""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.events import CreatedObject, parse_object_event
from claimwatch.ingest.register import register
from claimwatch.observability import logger, tracer, without_messages

processor = BatchProcessor(event_type=EventType.SQS)


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Register the files of a batch; messages that met a transient fault return to the queue."""
    return process_partial_response(event, start_pipeline, processor, context)


@without_messages
def start_pipeline(record: SQSRecord) -> None:
    """Register the file that a message names."""
    created = parse_object_event(record.json_body)
    if not isinstance(created, CreatedObject):
        logger.info(
            "message ignored: it is not about a created object", extra={"message_id": record.message_id}
        )
        return
    file = register(runtime.database(), runtime.pipeline(), runtime.alerts(), runtime.objects(), created)
    logger.info("file registered", extra={"file_id": file.file_id, "line": file.line, "status": file.status})
