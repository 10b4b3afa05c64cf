"""Answers to CloudFormation, which waits for each answer until the resource's time-out.

There is always an answer: an error of the work, and the end of the function's time, are answered as failures.
"""

import http.client
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, Self, get_args

from aws_lambda_powertools import Logger

from claimwatch.aws.event_fields import Fields

ANSWER_TIME = 5.0
"""Seconds at the end of the function's time that are kept for the answer."""

TRIES = 4
REASON_LIMIT = 1000
"""Characters of a reason; the whole answer may have 4,096 bytes."""

logger = Logger(child=True)

type Kind = Literal["Create", "Update", "Delete"]
_KINDS: tuple[Kind, ...] = get_args(Kind.__value__)


class Context(Protocol):
    """The part of Lambda's context that is needed here."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds that the function still has."""


@dataclass(frozen=True)
class Request:
    """A request of CloudFormation, with the resource's properties in the template."""

    kind: Kind
    properties: Mapping[str, object]

    def property(self, name: str) -> str:
        """Return a property; raises ``MalformedEvent`` if the template does not set it."""
        return Fields(self.properties, "resource properties").text(name)

    def choice[T: str](self, name: str, choices: tuple[T, ...]) -> T:
        """Return a property that has one of these values; raises ``MalformedEvent`` if it has not."""
        return Fields(self.properties, "resource properties").choice(name, choices)


@dataclass(frozen=True)
class _Envelope:
    """The part of a request that its answer repeats, and the address of the answer."""

    url: str
    stack_id: str
    request_id: str
    logical_id: str
    physical_id: str

    @classmethod
    def parse(cls, event: object) -> Self:
        fields = Fields(event, "custom resource request")
        logical_id = fields.text("LogicalResourceId")
        return cls(
            fields.text("ResponseURL"),
            fields.text("StackId"),
            fields.text("RequestId"),
            logical_id,
            fields.optional_text("PhysicalResourceId") or logical_id,
        )


@dataclass
class _Answer:
    """The one answer to a request."""

    envelope: _Envelope
    _once: threading.Lock = field(default_factory=threading.Lock)

    def give(self, status: Literal["SUCCESS", "FAILED"], reason: str, data: Mapping[str, str]) -> None:
        """Send the answer, unless one was sent before."""
        if not self._once.acquire(blocking=False):
            return
        body = {
            "Status": status,
            "Reason": reason[:REASON_LIMIT],
            "PhysicalResourceId": self.envelope.physical_id,
            "StackId": self.envelope.stack_id,
            "RequestId": self.envelope.request_id,
            "LogicalResourceId": self.envelope.logical_id,
            "Data": dict(data),
        }
        _put(self.envelope.url, json.dumps(body).encode())


def is_custom_resource(event: object) -> bool:
    """Return whether an event is a request of CloudFormation."""
    return isinstance(event, Mapping) and "ResponseURL" in event


def respond(event: object, context: Context, work: Callable[[Request], Mapping[str, str]]) -> None:
    """Do the work and answer with its result: the attributes of the resource, all of them texts.

    ``event`` is a request as CloudFormation sends it to a Lambda-backed custom resource. An error that the
    work raises ends here, as the reason of a failure.
    """
    answer = _Answer(_Envelope.parse(event))
    seconds = max(0.0, context.get_remaining_time_in_millis() / 1000 - ANSWER_TIME)
    watch = threading.Timer(
        seconds, answer.give, ("FAILED", "the function's time was up before the work was done", {})
    )
    watch.daemon = True
    watch.start()
    try:
        data = work(_request(event))
    except Exception as error:  # CloudFormation waits for an answer, whatever the error is
        logger.exception("custom resource failed")
        first_line = (str(error).strip().splitlines() or [""])[0]
        answer.give("FAILED", f"{type(error).__name__}: {first_line} (more in the function's log)", {})
    else:
        answer.give("SUCCESS", "", data)
    finally:
        watch.cancel()


def _request(event: object) -> Request:
    fields = Fields(event, "custom resource request")
    return Request(fields.choice("RequestType", _KINDS), fields.mapping("ResourceProperties"))


def _put(url: str, body: bytes) -> None:
    """Put the answer to CloudFormation's URL, which is signed for an empty content type."""
    for pause in (*(2.0**number for number in range(TRIES - 1)), None):
        # The URL is CloudFormation's own. It must not be logged: whoever has it may answer.
        request = urllib.request.Request(url, body, {"Content-Type": ""}, method="PUT")  # noqa: S310
        try:
            urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
        except (OSError, http.client.HTTPException) as error:
            logger.warning("answer not accepted", extra={"error": type(error).__name__})
            if pause is None:
                raise
            time.sleep(pause)
        else:
            return
