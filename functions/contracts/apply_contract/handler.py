"""Apply a new contract: update the line's table, retry the files that wait for the contract, and publish it.

At deployment, publish the running contracts of all lines again.
"""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws import custom_resource
from claimwatch.aws.events import CreatedObject, object_event_of
from claimwatch.ingest import publish_running
from claimwatch.ingest.apply_contract import Dependencies, apply_contract
from claimwatch.ingest.replay import resume
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.settings import settings

processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Apply the contracts of a batch, or answer CloudFormation.

    Messages that met a transient fault return to the queue.
    """
    if custom_resource.is_custom_resource(event):
        custom_resource.respond(event, context, publish)
        return {}
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
        publish=lambda line: publish_running.publish_running(publishing(), line),
    )


def publish(request: custom_resource.Request) -> Mapping[str, str]:
    """Publish the running contracts again; with the stack, their pointers are deleted."""
    pointers = runtime.contract_pointers()
    if request.kind == "Delete":
        pointers.delete(pointers.lines())
        return {}
    published = publish_running.publish_all_running(publishing())
    logger.info("contracts published", extra={"lines": published.lines, "unreadable": published.unreadable})
    return {"Lines": ", ".join(published.lines), "Unreadable": ", ".join(published.unreadable)}


def publishing() -> publish_running.Dependencies:
    """Return the dependencies of publishing contracts."""
    return publish_running.Dependencies(
        runtime.database(), runtime.objects(), settings.artifact_bucket, runtime.contract_pointers()
    )
