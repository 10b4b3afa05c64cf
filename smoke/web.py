"""Requests to the API of a stack, and to its sign-in page."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ConnectionError as NotConnected
from botocore.exceptions import HTTPClientError
from botocore.httpsession import URLLib3Session

from cli.api import BUSY, LONGEST_PAUSE, PAUSE
from smoke.steps import Clock, SmokeFailed

UNANSWERED = (HTTPClientError, NotConnected)
"""The errors of a request that got no answer."""

PATIENCE = 60.0
"""Seconds for which a request is repeated while the API says that it is busy, or does not answer."""

SECONDS = 35
"""Seconds for an answer: API Gateway ends a request after 30."""


@dataclass(frozen=True)
class Answer:
    """An answer; ``document`` is empty unless the body is an object in JSON."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The body as an object."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def code(self) -> str:
        """The code of a problem document of a function; empty if API Gateway answered."""
        return str(self.document.get("code", ""))

    @property
    def problem(self) -> str:
        """Status, code and detail, for a sentence."""
        detail = self.document.get("detail") or self.document.get("message") or "without a reason"
        return f"{self.status}{f' {self.code}' if self.code else ''} ({str(detail).rstrip('.')})"


def send(request: AWSRequest) -> Answer:
    """Send a request and return the answer; redirects are not followed. Raises ``UNANSWERED``."""
    local = urlsplit(request.url).hostname == "127.0.0.1"
    answer = URLLib3Session(timeout=SECONDS, proxies={} if local else None).send(request.prepare())
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Answer(answer.status_code, headers, answer.content)


@dataclass(frozen=True)
class Web:
    """Sends requests; all go to ``address`` if it is given, as of an emulator that serves every host."""

    address: str = ""
    send: Callable[[AWSRequest], Answer] = send

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> AWSRequest:
        """Return a request to a URL, which is sent to ``address`` and keeps the name of the host."""
        parts = urlsplit(url)
        where = (
            url if not self.address else self.address + url.removeprefix(f"{parts.scheme}://{parts.netloc}")
        )
        # An emulator is reached without TLS. CloudFront would redirect such a request.
        scheme = {"x-forwarded-proto": parts.scheme} if self.address else {}
        return AWSRequest(
            method, where, headers={"host": parts.netloc} | scheme | dict(headers or {}), data=body
        )


@dataclass(frozen=True)
class Api:
    """The API of a stack; every request says that it is a test."""

    url: str
    session: boto3.Session
    web: Web
    clock: Clock

    def signed(self, method: str, path: str, body: object = None) -> Answer:
        """Send a request of a machine, signed with the credentials of this process."""
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"x-purpose": "testing"} | ({"content-type": "application/json"} if content else {})

        def request() -> AWSRequest:
            made = self.web.request(method, self.url + path, headers, content)
            credentials = self.session.get_credentials()
            if credentials is None:
                raise SmokeFailed("There are no credentials", "this process", "its role or AWS_PROFILE")
            frozen = credentials.get_frozen_credentials()
            SigV4Auth(frozen, "execute-api", self.session.region_name).add_auth(made)
            return made

        return self._answered(path, request)

    def of_person(self, path: str, token: str) -> Answer:
        """Send a GET request of a person who has signed in."""
        headers = {"authorization": f"Bearer {token}", "x-purpose": "testing"}
        return self._answered(path, lambda: self.web.request("GET", self.url + path, headers))

    def open(self, path: str) -> Answer:
        """Send a GET request of nobody."""
        return self._answered(path, lambda: self.web.request("GET", self.url + path))

    def _answered(self, path: str, request: Callable[[], AWSRequest]) -> Answer:
        """Return the answer to a request, which is repeated while the stack wakes up or is busy."""
        begun = self.clock.now()
        while True:
            answer: Answer | None
            try:
                answer = self.web.send(request())
                fault = answer.problem
            except UNANSWERED as error:
                answer, fault = None, type(error).__name__
            if answer is not None and answer.status not in BUSY:
                return answer
            waking = answer is not None and answer.code == "waking"
            patience = (
                self.clock.left if waking else min(self.clock.left, PATIENCE - self.clock.now() + begun)
            )
            pause = _pause(answer)
            if pause > patience:
                raise self._unavailable(path, answer, fault)
            self.clock.sleep(pause)

    def _unavailable(self, path: str, answer: Answer | None, fault: str) -> SmokeFailed:
        if answer is None:
            return SmokeFailed(
                f"The API does not answer: {fault}",
                f"{self.url}{path}",
                "output ApiUrl of the stack, and the network of this process",
            )
        if answer.code == "waking":
            return SmokeFailed(
                f"The database did not wake up in time: {fault}",
                f"{self.url}{path}",
                "the events of the Aurora cluster, and docs/runbook.md, 'The API answers 503 waking'",
            )
        return SmokeFailed(
            f"The API answers {fault}",
            f"{self.url}{path}",
            "the alias `live` of the function, and the log group of output FunctionLogGroup",
        )


def _pause(answer: Answer | None) -> float:
    asked = answer.headers.get("retry-after", "") if answer else ""
    return min(float(asked), LONGEST_PAUSE) if asked.isdecimal() else PAUSE
