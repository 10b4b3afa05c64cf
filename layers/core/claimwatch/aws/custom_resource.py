"""Answering CloudFormation, which waits for its answer until the resource's time-out and beyond all patience.

So there is always one: what the work raised, and the end of the function's time, are answered as failures.
"""

import http.client
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from aws_lambda_powertools import Logger

ANSWER_TIME = 5.0
"""Seconds before the function's time is up that are kept for the answer."""

TRIES = 4
REASON_LIMIT = 1000
"""Characters; the whole answer may have 4,096 bytes."""

logger = Logger(child=True)


class Context(Protocol):
    """What is needed of Lambda's context."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds that the function still has."""


@dataclass(frozen=True)
class Request:
    """What CloudFormation asks for: the resource's properties are those of the template."""

    kind: Literal["Create", "Update", "Delete"]
    properties: Mapping[str, Any]


@dataclass
class _Answer:
    """The one answer to a request."""

    event: Mapping[str, Any]
    _once: threading.Lock = field(default_factory=threading.Lock)

    def give(self, status: Literal["SUCCESS", "FAILED"], reason: str, data: Mapping[str, str]) -> None:
        """Answer, unless that was done already."""
        if not self._once.acquire(blocking=False):
            return
        event = self.event
        body = {
            "Status": status,
            "Reason": reason[:REASON_LIMIT],
            "PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"],
            "StackId": event["StackId"],
            "RequestId": event["RequestId"],
            "LogicalResourceId": event["LogicalResourceId"],
            "Data": dict(data),
        }
        _put(event["ResponseURL"], json.dumps(body).encode())


def respond(event: Mapping[str, Any], context: Context, work: Callable[[Request], Mapping[str, str]]) -> None:
    """Do the work and answer with what it returns: the attributes of the resource, all of them texts.

    ``event`` is a request as CloudFormation sends it to a Lambda-backed custom resource. What the work raises
    ends here, as the reason of a failure.
    """
    answer = _Answer(event)
    seconds = max(0.0, context.get_remaining_time_in_millis() / 1000 - ANSWER_TIME)
    watch = threading.Timer(
        seconds, answer.give, ("FAILED", "the function's time was up before it was done", {})
    )
    watch.daemon = True
    watch.start()
    try:
        data = work(Request(event["RequestType"], event.get("ResourceProperties", {})))
    except Exception as error:  # whatever it is, CloudFormation waits for an answer
        logger.exception("custom resource failed")
        first_line = (str(error).strip().splitlines() or [""])[0]
        answer.give("FAILED", f"{type(error).__name__}: {first_line} (more in the function's log)", {})
    else:
        answer.give("SUCCESS", "", data)
    finally:
        watch.cancel()


def _put(url: str, body: bytes) -> None:
    """Put the answer where CloudFormation looks for it, a URL that is signed for no content type."""
    for pause in (*(2.0**number for number in range(TRIES - 1)), None):
        # The URL is CloudFormation's own; the address must not be logged, for it is a permission.
        request = urllib.request.Request(url, body, {"Content-Type": ""}, method="PUT")  # noqa: S310
        try:
            urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
        except (OSError, http.client.HTTPException) as error:
            logger.warning("answer not taken", extra={"error": type(error).__name__})
            if pause is None:
                raise
            time.sleep(pause)
        else:
            return
