"""Process each photo that was dropped or deleted: store it as evidence, or record why it is rejected."""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.events import CreatedObject, DeletedObject, object_event_of
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.photos.decoder import Decoder
from claimwatch.photos.receive import Dependencies, receive, withdraw

processor = BatchProcessor(event_type=EventType.SQS)


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Process the photos of a batch; messages that met a transient fault return to the queue."""
    return process_partial_response(event, process_image, processor, context)


@without_messages
def process_image(record: SQSRecord) -> None:
    """Store the photo that a message names, or record its deletion."""
    match object_event_of(record.body):
        case CreatedObject() as created:
            outcome = receive(dependencies(), created)
            if outcome.fault:
                logger.error("photo causes an unexpected error", extra={"error": outcome.fault})
            logger.info(
                "photo processed",
                extra={
                    "status": outcome.status,
                    "image_id": outcome.image_id,
                    "reason": outcome.reason,
                    "matches": outcome.matches,
                    "size_bytes": created.size_bytes,
                },
            )
        case DeletedObject() as deleted:
            withdraw(runtime.database(), deleted)
            logger.info("photo deleted", extra={"permanent": deleted.permanent})
        case None:
            logger.warning(
                "message ignored: it is not about an object", extra={"message_id": record.message_id}
            )


@cache
def dependencies() -> Dependencies:
    """Return the dependencies of ``receive``; the decoder stays warm while the environment lives."""
    return Dependencies(runtime.database(), runtime.objects(), Decoder())
