"""Requests of machines about a line: admitted for one of the line's purposes, and recorded in any case."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from claimwatch.access.lines_in_force import InForce
from claimwatch.access.request_record import Action, RequestRecord
from claimwatch.aws.http_api import RawRequest, RequestProblem
from claimwatch.aws.published import Pointer
from claimwatch.domain.contract.contract import LINE_NAME, Contract
from claimwatch.domain.contract.purposes import PURPOSE
from claimwatch.errors import ClaimwatchError, MalformedEvent

PURPOSE_HEADER = "x-purpose"


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of a request: what lines use, their contracts, and the queue of records."""

    in_force: Callable[[str], InForce | None]
    contract: Callable[[Pointer], Contract]
    send: Callable[[list[Mapping[str, Any]]], None]
    code_version: str
    now: Callable[[], datetime]


class Attempt:
    """A request in progress; ``record`` says what is known of it so far."""

    def __init__(self, deps: Dependencies, request: RawRequest, action: Action, actor: str) -> None:
        line, purpose = request.path.get("line", ""), request.headers.get(PURPOSE_HEADER, "")
        self._deps = deps
        # A text that is not the name of a line or of a purpose could be anything, also personal data.
        self.record = RequestRecord(
            request_id=request.request_id,
            at=deps.now(),
            actor=actor,
            action=action,
            purpose=purpose if PURPOSE.fullmatch(purpose) else None,
            line=line if LINE_NAME.fullmatch(line) else None,
            outcome="refused",
            problem=None,
            code_version=deps.code_version,
        )

    def admit(self) -> tuple[InForce, Contract]:
        """Return what the line uses; raises ``RequestProblem`` without a line or one of its purposes."""
        if self.record.purpose is None:
            raise _without_purpose("the header x-purpose must name the purpose of the request")
        found = self._deps.in_force(self.record.line) if self.record.line else None
        if found is None:
            raise RequestProblem(
                HTTPStatus.NOT_FOUND,
                "not_found",
                "there is no such line: GET /v1/ready names the lines that can be scored",
            )
        contract = self._deps.contract(found.contract)
        if self.record.purpose not in contract.purposes:
            raise _without_purpose(f"the purposes of this line are {', '.join(contract.purposes)}")
        self.record = replace(self.record, contract_version=contract.version)
        return found, contract

    def answer(self, **known: Any) -> None:
        """Send the record of a request that is answered next, with what has become known of it."""
        self._send(replace(self.record, outcome="answered", **known))

    def refuse(self, problem: str) -> None:
        """Send the record of a request that is refused next."""
        self._send(replace(self.record, problem=problem))

    def _send(self, record: RequestRecord) -> None:
        self._deps.send(list(record.messages()))


@contextmanager
def attempt(
    deps: Dependencies, request: RawRequest, action: Action, actor: str | None = None
) -> Iterator[Attempt]:
    """Yield the attempt at a request; if it fails, its refusal is recorded before it is answered.

    Without ``actor``, it is the verified caller. Raises ``UnknownCaller`` for a request without one, and
    ``TransientFault`` if the record could not be sent: nothing is answered without a record.
    """
    attempted = Attempt(deps, request, action, actor or request.verified_caller())
    try:
        yield attempted
    except ClaimwatchError as error:
        attempted.refuse(_code_of(error))
        raise


def _code_of(error: ClaimwatchError) -> str:
    match error:
        case RequestProblem():
            return error.code
        case MalformedEvent():
            return "malformed"
    return "unavailable"


def _without_purpose(detail: str) -> RequestProblem:
    return RequestProblem(HTTPStatus.BAD_REQUEST, "purpose", detail)
