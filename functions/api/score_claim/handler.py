"""Answer requests for scores, without a database."""

import os
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from claimwatch import online_runtime
from claimwatch.aws.api_events import WHAT_IF
from claimwatch.aws.http_api import RawRequest, RequestProblem, UnknownCaller, serve_raw
from claimwatch.errors import ClaimwatchError, MalformedEvent, place_of
from claimwatch.observability import logger, without_messages
from claimwatch.scoring.readiness import load_all, ready
from claimwatch.scoring.score_request import score_claims, score_what_if
from claimwatch.settings import settings


@logger.inject_lambda_context
@without_messages
def handler(event: object, _context: LambdaContext) -> dict[str, Any]:
    """Answer a request for scores, or whether there are any."""
    return serve_raw(event, answer)


def answer(request: RawRequest) -> tuple[HTTPStatus, Mapping[str, Any]]:
    """Return status and document of the answer."""
    match request.route:
        case "GET /v1/health":
            return HTTPStatus.OK, {"status": "ok"}
        case "GET /v1/ready":
            return HTTPStatus.OK, available(request, lambda: ready(online_runtime.readiness(), request))
    return HTTPStatus.OK, available(request, lambda: scores(request))


def scores(request: RawRequest) -> dict[str, Any]:
    """Score the claims of a request."""
    begun = time.perf_counter()
    score = score_what_if if request.route == WHAT_IF else score_claims
    answered = score(online_runtime.scoring(), request)
    logger.info(
        "claims scored",
        extra={
            "request_id": request.request_id,
            "line": answered.line,
            "claims": answered.claims,
            "rejected": answered.rejected,
            "milliseconds": round(1000 * (time.perf_counter() - begun), 1),
        },
    )
    return answered.document


def available[T](request: RawRequest, answered: Callable[[], T]) -> T:
    """Return an answer; an alarm watches the line that is logged if a fault of this side prevents it."""
    try:
        return answered()
    except (RequestProblem, MalformedEvent, UnknownCaller):
        raise
    except ClaimwatchError as fault:
        logger.error("scores unavailable", extra={"request_id": request.request_id, "error": str(fault)})
        raise RequestProblem.unavailable("no scores are available; repeat the request later") from None
    except Exception as unexpected:  # also a call that AWS refuses, such as one without a permission
        place = place_of(unexpected)
        logger.error("scores unavailable", extra={"request_id": request.request_id, "error": place})
        raise


def start_ahead() -> None:
    """Load every champion, so that the first request finds it; requests report what cannot be loaded."""
    try:
        load_all(online_runtime.readiness())
    except Exception as error:  # noqa: BLE001 - a version that cannot start could not be deployed
        logger.warning("champions not loaded ahead", extra={"error": type(error).__name__})


# Lambda starts other environments for a request that waits, and that needs one champion only.
if settings.scoring_warmth != "none" and os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") != "on-demand":
    start_ahead()
