"""The routes of the API that read the database, at both doors, and their answers.

Each answer is that of one function of the database, which checks purpose and permission, and records who
asked. ``claimwatch.api.routes`` describes the same routes to clients.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from claimwatch.aws.api_callers import IdentityClaims, VerifiedCaller, verified_caller
from claimwatch.aws.http_api import RawRequest, RequestProblem, answer_or_problem
from claimwatch.cases import request_fields as of
from claimwatch.cases.case_routes import CASE_ROUTES
from claimwatch.cases.database import CaseDatabase, Question
from claimwatch.cases.evidence_routes import EVIDENCE_ROUTES
from claimwatch.cases.overview_routes import OVERVIEW_ROUTES
from claimwatch.cases.permission_change import PermissionChange
from claimwatch.cases.route import Answered, Route, Services
from claimwatch.errors import MalformedEvent
from claimwatch.storage import case_api
from claimwatch.storage.case_api import Caller

_FILTERS = ("claim", "line", "model", "actor", "purpose", "action")
_TIMES = ("since", "until")


@dataclass(frozen=True)
class CaseApi:
    """Answers requests; ``claims`` say where an access token names a person and lists groups."""

    database: CaseDatabase
    claims: IdentityClaims
    services: Services

    def answer(self, event: object) -> dict[str, Any]:
        """Answer a request to one of the routes, if need be with a problem document."""
        return answer_or_problem(lambda: self._answer(event))

    def _answer(self, event: object) -> dict[str, Any]:
        request, by = RawRequest.parse(event), verified_caller(event, self.claims)
        route = ROUTES.get(request.route)
        if route is None:
            raise RequestProblem(HTTPStatus.NOT_FOUND, "not_found", "there is no such route")
        asking = Caller(by.actor, request.headers.get("x-purpose"), request.request_id, by.groups)
        try:
            question = route.parse(request, asking)
        except MalformedEvent:
            self.database.call(_refusal(route, request, by, asking))
            raise
        document = self.database.ask(
            question, records=route.action is not None, decides=route.action == "case.decide"
        )
        return route.answer(Answered(document, asking, self.database, self.services))


def _me(_: RawRequest, person: Caller) -> Question:
    return lambda cursor: case_api.me(cursor, person.actor, person.groups)


def _read_claim(request: RawRequest, person: Caller) -> Question:
    line, claim_id, unmask = of.line(request), of.claim_id(request), of.flag(request, "unmask")
    return lambda cursor: case_api.read_claim(cursor, line, claim_id, person, unmask=unmask)


def _audit(request: RawRequest, person: Caller) -> Question:
    filters = of.filters(request, (*_FILTERS, "cursor"), _TIMES)
    if not filters.get("cursor", "0").isdecimal():
        raise MalformedEvent("query: field 'cursor' must be the cursor of an earlier answer")
    return lambda cursor: case_api.audit(cursor, filters, person)


def _claim_status(request: RawRequest, machine: Caller) -> Question:
    line, claim_id = of.line(request), of.claim_id(request)
    return lambda cursor: case_api.claim_status(cursor, line, claim_id, machine)


def _models(request: RawRequest, machine: Caller) -> Question:
    line = of.line(request)
    return lambda cursor: case_api.models(cursor, line, machine)


def _permissions(_: RawRequest, machine: Caller) -> Question:
    return lambda cursor: case_api.permissions(cursor, machine)


def _grant(request: RawRequest, machine: Caller) -> Question:
    change = PermissionChange.parse(of.body(request))
    return lambda cursor: case_api.grant(
        cursor, change.grantee, change.permission, change.line, change.why, machine
    )


def _revoke(request: RawRequest, machine: Caller) -> Question:
    change = PermissionChange.parse(of.body(request))
    return lambda cursor: case_api.revoke(
        cursor, change.grantee, change.permission, change.line, change.why, machine
    )


ROUTES = {
    "GET /v1/lines/{line}/claims/{claim_id+}": Route("claim.status", _claim_status),
    "GET /v1/lines/{line}/models": Route("models.list", _models),
    "GET /v1/permissions": Route("permissions.list", _permissions),
    "POST /v1/permissions": Route("permission.grant", _grant),
    "POST /v1/permissions/revocations": Route("permission.revoke", _revoke),
    "GET /app/me": Route(None, _me),
    "GET /app/claims/{line}/{claim_id+}": Route("claim.read", _read_claim),
    "GET /app/audit": Route("audit.list", _audit),
    **CASE_ROUTES,
    **EVIDENCE_ROUTES,
    **OVERVIEW_ROUTES,
}
"""The routes by their keys in the template. A claim id is the rest of the path: it may contain slashes."""


def _refusal(route: Route, request: RawRequest, by: VerifiedCaller, asking: Caller) -> Question:
    return lambda cursor: case_api.refused(
        cursor, route.action or "me", asking, via=by.door, reason="malformed", line=request.path.get("line")
    )
