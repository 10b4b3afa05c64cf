"""A clock that passes when somebody sleeps, and pages and APIs that answer from a list."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from smoke.steps import Clock
from smoke.web import Answer


@dataclass
class Time:
    """Seconds since 1970; sleeping makes them pass."""

    seconds: float = 1_000_000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def clock(self, seconds: float = 600.0) -> Clock:
        return Clock(seconds, self.now, self.sleep)


def answer(status: int, document: object = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, b"" if document is None else json.dumps(document).encode())


def problem(status: int, code: str, detail: str = "why", **headers: str) -> Answer:
    return answer(status, {"code": code, "detail": detail}, **headers)


@dataclass
class Server:
    """Answers with what ``respond`` returns or raises; the last of several answers is repeated."""

    respond: Callable[[AWSRequest], Answer]
    requests: list[AWSRequest] = field(default_factory=list)

    @classmethod
    def of(cls, *answers: Answer | Exception) -> "Server":
        left = list(answers)

        def respond(_: AWSRequest) -> Answer:
            found = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(found, Exception):
                raise found
            return found

        return cls(respond)

    def __call__(self, request: AWSRequest) -> Answer:
        self.requests.append(request)
        return self.respond(request)


def refused(operation: str, code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


@dataclass
class Cloud:
    """Clients of services: a call returns the value of its name, or what the function of its name returns."""

    answers: Mapping[str, Any]
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, _: str) -> "Cloud":
        return self

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.calls.append((operation, arguments))
            found = self.answers[operation]
            if isinstance(found, Exception):
                raise found
            return found(**arguments) if callable(found) else found

        return call

    def get_paginator(self, operation: str) -> "_Pages":
        return _Pages(self, operation)


@dataclass
class _Pages:
    cloud: Cloud
    operation: str

    def paginate(self, **arguments: Any) -> list[Any]:
        return [getattr(self.cloud, self.operation)(**arguments)]
