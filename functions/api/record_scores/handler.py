"""Store the records of requests to the API, each with its access events."""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.access.request_record import RequestRecord
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.scoring.record_scores import Dependencies, record_scores

processor = BatchProcessor(event_type=EventType.SQS)


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Store the records of a batch; messages that cannot be stored return to the queue."""
    return process_partial_response(event, store, processor, context)


@without_messages
def store(message: SQSRecord) -> None:
    """Store the record in a message."""
    record = RequestRecord.parse(message.json_body)
    added = record_scores(Dependencies(runtime.database(), runtime.seal_requests().request), record)
    logger.info(
        "record stored",
        extra={
            "request_id": record.request_id,
            "line": record.line,
            "outcome": record.outcome,
            "part": record.part,
            "claims": len(record.claims),
            "added": added,
        },
    )
