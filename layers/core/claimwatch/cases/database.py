"""Calls of the database's functions, by an API that does not wait for a database that sleeps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.aws.http_api import RequestProblem
from claimwatch.errors import TransientFault
from claimwatch.storage.case_api import Answer
from claimwatch.storage.connection import Database, DataRefused

type Question = Callable[[Cursor], Answer]
"""Calls a function of the database."""

CONNECTION = {"connect_timeout": 1, "tcp_user_timeout": 1500}
"""libpq's limits for an answer within two seconds: seconds to connect, milliseconds of silence."""

STATEMENT_TIMEOUT = 10.0
"""Seconds that a statement may run: API Gateway ends a request after 30."""

WAKING_RETRY_AFTER = 3
"""Seconds until a client should repeat a request while the database wakes up, which takes 15 to 30."""


@dataclass(frozen=True)
class CaseDatabase:
    """The database, and what is called before each transaction that writes access events, or a decision."""

    database: Database
    request_seal: Callable[[], None]
    request_publication: Callable[[], None] = lambda: None

    def ask(self, question: Question, *, records: bool = True, decides: bool = False) -> dict[str, Any]:
        """Return the document that a function of the database answers, once its access event is committed.

        ``records`` says whether there is such an event, ``decides`` whether it may record a decision. Raises
        ``RequestProblem`` if the function refuses, and if the database does not respond, and
        ``TransientFault`` if no seal or no publication could be requested.
        """
        answer = self.call(question, records=records, decides=decides)
        if answer.outcome == "answered":
            return answer.document
        raise _problem_of(answer)

    def call(self, question: Question, *, records: bool = True, decides: bool = False) -> Answer:
        """Return what a function of the database answers, also if it refuses."""
        # Outside of the try: their queues are not the database.
        if records:
            self.request_seal()
        if decides:
            self.request_publication()
        connected = False
        try:
            with self.database.transaction() as cursor:
                connected = True
                return question(cursor)
        except TransientFault:
            raise (RequestProblem.unavailable(_BUSY) if connected else _waking()) from None
        except DataRefused:
            raise RequestProblem(HTTPStatus.BAD_REQUEST, "malformed", _UNREADABLE) from None


_BUSY = "the database did not answer in time: repeat the request"
_UNREADABLE = "a text of the request cannot be stored: it is too long or has characters that are not allowed"


def _waking() -> RequestProblem:
    return RequestProblem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "waking",
        "the database is waking up, which takes up to a minute: repeat the request",
        WAKING_RETRY_AFTER,
    )


def _problem_of(answer: Answer) -> RequestProblem:
    code = str(answer.document.get("code", ""))
    status, detail = _REFUSALS.get(code, _REFUSALS["forbidden"])
    return RequestProblem(status, code, detail(answer.document))


def _purposes(document: Mapping[str, Any]) -> str:
    return f"the header x-purpose must name one of these purposes: {', '.join(document['purposes'])}"


def _conflict(document: Mapping[str, Any]) -> str:
    if "conflicts_with" not in document:
        return "this idempotency-key was used for another decision: use a new one for each"
    return (
        f"nobody may have this permission together with {document['conflicts_with']}, which the grantee has:"
        " revoke that one first"
    )


_REFUSALS: dict[str, tuple[HTTPStatus, Callable[[Mapping[str, Any]], str]]] = {
    "purpose": (HTTPStatus.BAD_REQUEST, _purposes),
    "malformed": (HTTPStatus.BAD_REQUEST, lambda _: "a field of the request has a value that is not allowed"),
    "forbidden": (HTTPStatus.FORBIDDEN, lambda _: "you do not have the permission for this: see /app/me"),
    "own_decision": (
        HTTPStatus.FORBIDDEN,
        lambda _: "nobody confirms the own decision: somebody else has to take the second look",
    ),
    "conflict": (HTTPStatus.CONFLICT, _conflict),
    "stale": (
        HTTPStatus.CONFLICT,
        lambda _: "you do not hold this case any more: read it again, and take it if nobody else has it",
    ),
    "held": (HTTPStatus.CONFLICT, lambda _: "somebody else holds this case: take another one, or wait"),
    "not_yet": (
        HTTPStatus.CONFLICT,
        lambda _: "this case has just been decided, and can be taken in a few seconds: repeat the request",
    ),
    "decided": (HTTPStatus.CONFLICT, lambda _: "this case has been decided: read it again"),
    "blinded": (
        HTTPStatus.CONFLICT,
        lambda _: "this case is blinded: what the model says about it is shown once it is decided",
    ),
    "not_open": (HTTPStatus.CONFLICT, lambda _: "this case is not open any more: read it again"),
    "too_late": (HTTPStatus.CONFLICT, lambda _: "the time to undo this decision is over"),
    "changed": (
        HTTPStatus.PRECONDITION_FAILED,
        lambda _: "the case has changed since you saw it: read it again and send its new ETag as if-match",
    ),
    "precondition": (
        HTTPStatus.PRECONDITION_REQUIRED,
        lambda _: "send the ETag of the case that you have seen as header if-match",
    ),
    "not_found": (
        HTTPStatus.NOT_FOUND,
        lambda _: "it does not exist, or you may not see it: check its name and the line",
    ),
}
