"""A contract was put in place: its table follows, and the files that waited for it are tried again."""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.events import created_object
from claimwatch.ingest.apply_contract import Dependencies, apply_contract
from claimwatch.ingest.replay import resume
from claimwatch.observability import logger, tracer

processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Apply each contract; those that met a passing fault come again."""
    return process_partial_response(event, apply, processor, context)


def apply(record: SQSRecord) -> None:
    """Apply the contract that a message is about."""
    try:
        created = created_object(record.json_body)
    except (AttributeError, KeyError, TypeError, ValueError):
        created = None
    if created is None:
        logger.warning("message ignored: it is about no object", extra={"message_id": record.message_id})
        return
    applied = apply_contract(dependencies(), created)
    logger.info(
        "contract seen",
        extra={
            "line": applied.line,
            "version": applied.version,
            "status": applied.status,
            "changes": applied.notes,
            "files_replayed": applied.replayed,
        },
    )


def dependencies() -> Dependencies:
    """What the work is done with."""
    return Dependencies(
        database=runtime.database(),
        objects=runtime.objects(),
        alerts=runtime.alerts(),
        replay=lambda file_id: resume(runtime.database(), runtime.pipeline(), file_id),
    )
