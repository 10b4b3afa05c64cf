"""The HTTP API of a stack, called with the credentials of the AWS command line."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from botocore.exceptions import HTTPClientError

from claimwatch.errors import ClaimwatchError, RefusedData

if TYPE_CHECKING:
    import boto3

PATIENCE = 150.0
"""Seconds for which a request is repeated: the API waits 30 s for a database that needs 30 s to wake up."""

PAUSE = 3.0
"""Seconds between two tries."""

_BUSY = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
_REFUSED = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}


class ApiUnavailable(ClaimwatchError):
    """The API did not carry out a request; the message says what to do."""


@dataclass(frozen=True)
class Api:
    """The API at ``url``; requests are sent to ``address`` if it listens elsewhere, as on the laptop."""

    url: str
    session: "boto3.Session"
    address: str = ""
    sleep: Callable[[float], None] = time.sleep

    def post(self, line: str, collection: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Add to a collection of a line, and return the answer.

        A request that the API could not carry out in time is repeated unchanged, so its fields must contain
        its id. Raises ``RefusedData`` if the API refuses it, otherwise ``ApiUnavailable``.
        """
        path = f"/v1/lines/{quote(line, safe='')}/{collection}"
        body = json.dumps({name: value for name, value in fields.items() if value is not None}).encode()
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                status, content = self._send(path, body)
                problem = content.get("detail") or content.get("message") or f"status {status}"
            except HTTPClientError as error:
                status, content, problem = HTTPStatus.SERVICE_UNAVAILABLE, {}, str(error)
            if status == HTTPStatus.OK:
                return content
            if status in _REFUSED:
                raise RefusedData(str(problem))
            if status not in _BUSY or time.monotonic() > deadline:
                raise ApiUnavailable(
                    f"{self.url}{path} answers {int(status)}: {problem}.{_advice(status, collection)}"
                )
            self.sleep(PAUSE)

    def _send(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        from botocore.auth import SigV4Auth  # noqa: PLC0415 - it takes long, and few commands send requests
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - as above
        from botocore.httpsession import URLLib3Session  # noqa: PLC0415 - as above

        headers = {"host": urlsplit(self.url).netloc, "content-type": "application/json"}
        request = AWSRequest("POST", (self.address or self.url) + path, headers=headers, data=body)
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
        return answer.status_code, content if isinstance(content, dict) else {}


def _advice(status: int, collection: str) -> str:
    if status == HTTPStatus.FORBIDDEN:
        policy = "ApproverPolicyArn" if collection == "exceptions" else "OperatorPolicyArn"
        return f" Your identity needs the policy of output {policy} (docs/security.md)"
    return " Look at the logs of the functions (docs/runbook.md)"
