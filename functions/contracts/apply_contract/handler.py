"""Apply a new contract: update the line's table, and retry the files that wait for the contract."""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.events import CreatedObject, object_event_of
from claimwatch.ingest.apply_contract import Dependencies, apply_contract
from claimwatch.ingest.replay import resume
from claimwatch.observability import logger, tracer, without_messages

processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Apply the contracts of a batch; messages that met a transient fault return to the queue."""
    return process_partial_response(event, apply, processor, context)


@without_messages
def apply(record: SQSRecord) -> None:
    """Apply the contract that a message names."""
    created = object_event_of(record.body)
    if not isinstance(created, CreatedObject):
        logger.warning(
            "message ignored: it is not about a created object", extra={"message_id": record.message_id}
        )
        return
    applied = apply_contract(dependencies(), created)
    logger.info(
        "contract processed",
        extra={
            "line": applied.line,
            "version": applied.version,
            "status": applied.status,
            "changes": applied.notes,
            "files_replayed": applied.replayed,
        },
    )


def dependencies() -> Dependencies:
    """Return the dependencies of ``apply_contract``."""
    return Dependencies(
        database=runtime.database(),
        objects=runtime.objects(),
        alerts=runtime.alerts(),
        replay=lambda file_id: resume(runtime.database(), runtime.pipeline(), file_id),
    )
