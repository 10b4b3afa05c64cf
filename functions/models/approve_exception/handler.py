"""Approve that a model may go live although the gate for bias refused it, for a verified caller."""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import runtime
from claimwatch.aws.http_api import HttpRequest, serve
from claimwatch.models.approve_exception import ExceptionRequest, approve_exception
from claimwatch.observability import logger, tracer, without_messages


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
@without_messages
def handler(event: object, _context: LambdaContext) -> dict[str, Any]:
    """Answer a request to approve an exception."""
    return serve(event, approve)


def approve(http: HttpRequest) -> dict[str, Any]:
    """Approve once for each model; raises ``RefusedData``."""
    request = ExceptionRequest.parse(http.fields)
    approved = approve_exception(
        runtime.database(), request, request.request_id or http.request_id, http.caller
    )
    logger.info("exception approved", extra={"line": approved.line, "version": approved.version})
    return asdict(approved)
