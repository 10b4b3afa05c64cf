"""A photo was dropped or deleted: it becomes evidence, or a reason why not."""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.events import CreatedObject, DeletedObject, created_object, deleted_object
from claimwatch.observability import logger, tracer
from claimwatch.photos.decoder import Decoder
from claimwatch.photos.receive import Dependencies, receive, withdraw

processor = BatchProcessor(event_type=EventType.SQS)


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Take each photo of a batch; what failed by a passing fault comes again."""
    return process_partial_response(event, process_image, processor, context)


def process_image(record: SQSRecord) -> None:
    """Take the photo that one message is about, or note that it was deleted."""
    match told_by(record):
        case CreatedObject() as created:
            outcome = receive(dependencies(), created)
            logger.info(
                "photo seen",
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
            logger.warning("message ignored: it is about no object", extra={"message_id": record.message_id})


def told_by(record: SQSRecord) -> CreatedObject | DeletedObject | None:
    """What a message is about; None if it is no event of S3's."""
    try:
        body = record.json_body
        return created_object(body) or deleted_object(body)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


@cache
def dependencies() -> Dependencies:
    """What the work is done with; the decoder stays warm as the environment does."""
    return Dependencies(runtime.database(), runtime.objects(), Decoder())
