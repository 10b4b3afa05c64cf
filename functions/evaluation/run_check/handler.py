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
from claimwatch.observability import logger, tracer
from claimwatch.scoring.bundle_store import BundleCache
from claimwatch.settings import settings

# One message at a time; that it has to come again is no failure of the function.
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Do what each message asks for; what met a passing fault, and what has to wait, comes again."""
    return process_partial_response(event, run, processor, context)


def run(record: SQSRecord) -> None:
    """Do what a message asks for."""
    task = run_check.Task.of(record.json_body)
    ended = run_check.run_task(dependencies(), task, int(record.attributes.approximate_receive_count))
    told = {
        "line": task.key.line,
        "window_start": task.key.start.isoformat(),
        "model_version": task.key.model_version,
        "check": task.check,
        "status": ended.status,
        "findings": ended.findings,
        "seconds": round(ended.seconds, 3),
    }
    if ended.status == "failed":
        logger.error("check failed", extra=told | {"error": ended.error, "where": ended.where})
    else:
        logger.info("task ended", extra=told)


@cache
def dependencies() -> run_check.Dependencies:
    """What the work is done with; models stay warm as the environment does."""
    bundles = BundleCache(runtime.objects())
    reading = inputs.Dependencies(
        database=runtime.database(),
        bundle=lambda version: bundles.get(version.bundle_uri or "", version.bundle_sha256 or ""),
        operations_sources=inputs.OperationsSources(
            runtime.reports(),
            runtime.queues(),
            settings().watched_queue_urls.split(),
            settings().dead_letter_queue_urls.split(),
        ),
    )
    closing = close.Dependencies(
        database=runtime.database(),
        objects=runtime.objects(),
        bucket=settings().artifact_bucket,
        metrics=runtime.metrics(),
        alerts=runtime.alerts(),
        event_bus=runtime.event_bus(),
        now=lambda: datetime.now(UTC),
    )
    return run_check.Dependencies(runtime.database(), registry.checks(reading), closing)
