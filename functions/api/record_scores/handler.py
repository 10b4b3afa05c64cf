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
def store(record: SQSRecord) -> None:
    """Store what a message records about a request."""
    request = RequestRecord.parse(record.json_body)
    added = record_scores(Dependencies(runtime.database(), runtime.seal_requests().request), request)
    logger.info(
        "record stored",
        extra={
            "request_id": request.request_id,
            "line": request.line,
            "outcome": request.outcome,
            "part": request.part,
            "claims": len(request.claims),
            "added": added,
        },
    )
