"""Run one check of a week, or close the week."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.evaluation import close, run_check
from claimwatch.evaluation.checks import inputs, registry
from claimwatch.evaluation.plan import Task
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.scoring.bundle_store import BundleCache
from claimwatch.settings import settings

# A batch is one message; one that has to come again is not a failure of the function.
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Do the task of each message; messages that met a transient fault or must wait return to the queue."""
    return process_partial_response(event, run, processor, context)


@without_messages
def run(record: SQSRecord) -> None:
    """Do the task of a message."""
    task = Task.parse(record.json_body)
    ended = run_check.run_task(dependencies(), task, int(record.attributes.approximate_receive_count))
    details = {
        "line": task.key.line,
        "window_start": task.key.start.isoformat(),
        "model_version": task.key.model_version,
        "check": task.check,
        "status": ended.status,
        "findings": ended.findings,
        "seconds": round(ended.seconds, 3),
    }
    if ended.status == "failed":
        logger.error("check failed", extra=details | {"error": ended.error, "where": ended.where})
    else:
        logger.info("task ended", extra=details)


@cache
def dependencies() -> run_check.Dependencies:
    """Return the dependencies of ``run_task``; models stay warm while the environment lives."""
    bundles = BundleCache(runtime.objects())
    reading = inputs.Dependencies(
        database=runtime.database(),
        bundle=lambda version: bundles.get(version.bundle_uri or "", version.bundle_sha256 or ""),
        operations_sources=inputs.OperationsSources(
            runtime.reports(),
            runtime.queues(),
            settings.watched_queue_urls,
            settings.dead_letter_queue_urls,
        ),
    )
    closing = close.Dependencies(
        database=runtime.database(),
        objects=runtime.objects(),
        bucket=settings.artifact_bucket,
        metrics=runtime.metrics(),
        alerts=runtime.alerts(),
        event_bus=runtime.event_bus(),
        now=lambda: datetime.now(UTC),
    )
    return run_check.Dependencies(runtime.database(), registry.checks(reading), closing)
