"""The HTTP API of a stack, called with the credentials of the AWS command line."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from botocore.exceptions import ConnectionError as NotConnected
from botocore.exceptions import HTTPClientError

from claimwatch.errors import ClaimwatchError, RefusedData

if TYPE_CHECKING:
    import boto3

PATIENCE = 150.0
"""Seconds for which a request is repeated: the API waits 30 s for a database that needs 30 s to wake up."""

PAUSE = 3.0
"""Seconds between two tries, unless the API says how long to wait."""

LONGEST_PAUSE = 30.0
"""Seconds that are waited at most, whatever the API says."""

BUSY = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
_DONE = {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED}
_REFUSED = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}
_REFUSED_WITH_CODE = {
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
_POLICIES = (
    ("promotions", "OperatorPolicyArn"),
    ("trainings", "OperatorPolicyArn"),
    ("evaluations", "OperatorPolicyArn"),
    ("exceptions", "ApproverPolicyArn"),
    ("scores", "CallScoresPolicyArn"),
    ("/v1/ready", "CallScoresPolicyArn"),
    ("claims", "CallClaimsPolicyArn"),
    ("permissions", "ManagePermissionsPolicyArn"),
    ("revocations", "ManagePermissionsPolicyArn"),
)
"""The outputs with the policies of the routes, by the last part of the path or the whole of it."""


class ApiUnavailable(ClaimwatchError):
    """The API did not carry out a request; the message says what to do."""


@dataclass(frozen=True)
class Answer:
    """The document that the API answered, and the seconds from the request to it."""

    content: dict[str, Any]
    seconds: float


@dataclass(frozen=True)
class Api:
    """The API at ``url``; requests are sent to ``address`` if it listens elsewhere, as on the laptop."""

    url: str
    session: "boto3.Session"
    address: str = ""
    sleep: Callable[[float], None] = time.sleep

    def post(self, line: str, collection: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Add to a collection of a line, and return the answer; see ``request``."""
        body = json.dumps({name: value for name, value in fields.items() if value is not None}).encode()
        return self.request(
            "POST", path_of(line, collection), body, {"content-type": "application/json"}
        ).content

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a signed request, and return the answer.

        A request that the API could not carry out in time is repeated unchanged, so a request that has an
        effect must contain its id. Raises ``RefusedData`` if the API refuses it, otherwise
        ``ApiUnavailable``.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            began = time.perf_counter()
            pause = PAUSE
            try:
                status, content, retry_after = self._send(method, path, body, headers or {})
                problem = content.get("detail") or content.get("message") or f"status {status}"
                pause = retry_after or PAUSE
            except NotConnected as error:
                raise ApiUnavailable(
                    f"{self.url} cannot be reached: {error}."
                    " Check the network and, on the laptop, `make status`"
                ) from None
            except HTTPClientError as error:
                status, content, problem = HTTPStatus.SERVICE_UNAVAILABLE, {}, str(error)
            if status in _DONE:
                return Answer(content, time.perf_counter() - began)
            # Problem documents of the application have a code; API Gateway answers without one.
            if status in _REFUSED or (status in _REFUSED_WITH_CODE and "code" in content):
                raise RefusedData(str(problem))
            if status not in BUSY or time.monotonic() > deadline:
                raise ApiUnavailable(
                    f"{self.url}{path} answers {int(status)}: {problem}.{_advice(status, path)}"
                )
            self.sleep(pause)

    def _send(
        self, method: str, path: str, body: bytes, given: Mapping[str, str]
    ) -> tuple[int, dict[str, Any], float | None]:
        from botocore.auth import SigV4Auth  # noqa: PLC0415 - it takes long, and few commands send requests
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - as above
        from botocore.httpsession import URLLib3Session  # noqa: PLC0415 - as above

        headers = {"host": urlsplit(self.url).netloc, **given}
        request = AWSRequest(method, (self.address or self.url) + path, headers=headers, data=body)
        credentials = self.session.get_credentials()
        if credentials is None:
            raise ApiUnavailable("there are no credentials: provide them as for the AWS command line")
        SigV4Auth(credentials.get_frozen_credentials(), "execute-api", self.session.region_name).add_auth(
            request
        )
        proxies: dict[str, str] | None = {} if self.address else None
        answer = URLLib3Session(timeout=60, proxies=proxies).send(request.prepare())
        try:
            content = json.loads(answer.content)
        except ValueError:
            content = {}
        retry_after = answer.headers.get("retry-after", "")
        return (
            answer.status_code,
            content if isinstance(content, dict) else {},
            min(float(retry_after), LONGEST_PAUSE) if retry_after.isdecimal() else None,
        )


def path_of(line: str, *parts: str) -> str:
    """Return the path of a line's collection, or of something in it."""
    return "/v1/lines/" + "/".join(quote(part, safe="") for part in (line, *parts))


def _advice(status: int, path: str) -> str:
    if status == HTTPStatus.FORBIDDEN:
        last = path.rsplit("/", 1)[-1]
        policy = next((policy for part, policy in _POLICIES if part in (last, path)), "CallReadsPolicyArn")
        return f" Your identity needs the policy of output {policy} (docs/security.md)"
    if status == HTTPStatus.NOT_FOUND:
        return " The stack does not have this route: deploy this version of Claimwatch"
    return " Look at the logs of the functions (docs/runbook.md)"
