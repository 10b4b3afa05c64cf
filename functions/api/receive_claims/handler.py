"""Store the claims that a machine sends as one file, for a verified caller."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import request_runtime
from claimwatch.aws.http_api import RawRequest, serve_raw
from claimwatch.ingest.receive_claims import Dependencies, receive_claims
from claimwatch.observability import logger, tracer, without_messages
from claimwatch.settings import settings


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, _context: LambdaContext) -> dict[str, Any]:
    """Answer a request that sends claims."""
    return serve_raw(event, receive)


def receive(request: RawRequest) -> tuple[HTTPStatus, dict[str, Any]]:
    """Store the claims once for each Idempotency-Key of a caller."""
    objects = request_runtime.objects()
    deps = Dependencies(
        request_runtime.requests(models=False),
        lambda key, content: objects.add(settings.landing_bucket, key, content),
    )
    received = receive_claims(deps, request)
    logger.info("claims received", extra={"request_id": received.request_id, "line": received.line})
    return HTTPStatus.ACCEPTED, dict(vars(received))
