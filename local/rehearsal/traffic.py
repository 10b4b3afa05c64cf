"""Signed requests for scores that run while a release shifts traffic, and what became of each."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.emulator import REGION

PATH = "/v1/lines/motor/scores"
THREADS = 4
TIMEOUT = 30.0
"""Seconds without an answer after which a request counts as lost, as API Gateway's limit."""


@dataclass(frozen=True)
class Sent:
    """One request: when it was sent (Unix seconds), and the status of its answer; None if none came."""

    at: float
    seconds: float
    status: int | None


@dataclass(frozen=True)
class Counts:
    """Requests of a period: sent, answered (whatever the status), and answered with an error of our side."""

    sent: int
    answered: int
    failed: int

    @property
    def lost(self) -> int:
        """Requests without an answer."""
        return self.sent - self.answered


@dataclass(frozen=True)
class Caller:
    """A system of the insurer: its keys, and how it names itself."""

    api_url: str
    endpoint_url: str
    keys: Credentials
    agent: str

    def send(self, connection: HTTPConnection, claim: dict[str, Any]) -> int:
        """Ask for the score of a claim; return the status of the answer."""
        headers = {
            "host": urlsplit(self.api_url).netloc,
            "content-type": "application/json",
            "x-purpose": "claim_handling",
        }
        request = AWSRequest(
            "POST", self.endpoint_url + PATH, headers=headers, data=json.dumps({"claims": [claim]}).encode()
        )
        SigV4Auth(self.keys, "execute-api", REGION).add_auth(request)
        signed: Any = request.prepare()  # the body may be a stream in general, which this one is not
        headers = dict(signed.headers) | {"user-agent": self.agent}
        connection.request("POST", PATH, signed.body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status


@dataclass
class Traffic:
    """Requests at a steady rate from several threads, until the end of the block."""

    caller: Caller
    claims: Sequence[dict[str, Any]]
    rate: float
    sent: list[Sent] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Start sending."""
        turns = itertools.count()
        begun = time.monotonic()
        for _ in range(THREADS):
            thread = threading.Thread(target=self._send, args=(lambda: next(turns), begun), daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop sending, and wait for the answers of what was sent."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def between(self, start: float, end: float) -> Counts:
        """Return the counts of the requests that were sent in a period (Unix seconds)."""
        period = [each for each in self.sent if start <= each.at <= end]
        answered = [each.status for each in period if each.status is not None]
        failed = sum(status >= HTTPStatus.INTERNAL_SERVER_ERROR for status in answered)
        return Counts(len(period), len(answered), failed)

    def refused(self) -> list[int]:
        """Return the statuses that are neither success nor an error of our side."""
        wanted = range(HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR)
        return [each.status for each in self.sent if each.status is not None and each.status in wanted]

    def _send(self, turn: Callable[[], int], begun: float) -> None:
        host = urlsplit(self.caller.endpoint_url)
        connection = HTTPConnection(host.hostname or "127.0.0.1", host.port, timeout=TIMEOUT)
        while not self._stopped.is_set():
            number = turn()
            # Nobody waits for an answer before the next request is due, as with many independent callers.
            if self._stopped.wait(max(0.0, begun + number / self.rate - time.monotonic())):
                break
            at = time.time()
            status: int | None = None
            try:
                status = self.caller.send(connection, self.claims[number % len(self.claims)])
            except (OSError, HTTPException):
                connection.close()
            self.sent.append(Sent(at, time.time() - at, status))
        connection.close()
