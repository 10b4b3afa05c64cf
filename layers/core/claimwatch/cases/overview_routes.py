"""Routes of leads, data scientists and auditors: statistics, the team, models, weeks and seals."""

import re

from claimwatch.aws.http_api import RawRequest
from claimwatch.cases import request_fields as of
from claimwatch.cases.overview_answers import as_models, as_page, as_requested, as_verification, as_weeks
from claimwatch.cases.route import Asked, desk_route
from claimwatch.domain.contract.contract import LINE_NAME
from claimwatch.errors import MalformedEvent

MOST_WEEKS, USUAL_WEEKS = 104, 13

MOST_SEALS, USUAL_SEALS = 200, 100
"""Seals of a verification: two requests to S3 for each, and API Gateway ends a call after 30 seconds."""

_VERSION = re.compile(r"[A-Za-z0-9._-]{1,64}")
_WINDOW = re.compile(r"[0-9]{4}-W[0-9]{2}")


def _nothing(_: RawRequest) -> Asked:
    return {}


def _team(request: RawRequest) -> Asked:
    line = request.query.get("line", "")
    if not LINE_NAME.fullmatch(line):
        raise MalformedEvent("query: field 'line' must be the name of a line")
    return {"line": line, "weeks": of.number(request, "weeks", 1, MOST_WEEKS, otherwise=USUAL_WEEKS)}


def _line(request: RawRequest) -> Asked:
    return {"line": of.line(request)}


def _card(request: RawRequest) -> Asked:
    version = request.path.get("version", "")
    if not _VERSION.fullmatch(version):
        raise MalformedEvent("path: 'version' must be the version of a model")
    return {"line": of.line(request), "version": version}


def _promotion(request: RawRequest) -> Asked:
    body = of.content(request)
    action = body.choice("action", ("promote", "rollback"))
    version, role = of.short(body, "version", 64), None
    if body.has("role"):
        role = body.choice("role", ("champion", "challenger"))
    if version is None or not _VERSION.fullmatch(version):
        raise MalformedEvent("HTTP request: field 'version' must be the version of a model")
    if action == "promote" and role is None:
        raise MalformedEvent("HTTP request: 'promote' needs the field 'role'")
    if action == "rollback" and role == "challenger":
        raise MalformedEvent("HTTP request: only a champion can be rolled back")
    as_of = body.optional_day("as_of")
    return of.given(
        {
            "line": of.line(request),
            "action": action,
            "version": version,
            "role": role,
            "why": of.required(body, "why", of.LONGEST_TEXT),
            "trust": list(body.texts("trust")) if body.has("trust") else None,
            "as_of": as_of and as_of.isoformat(),
        }
    )


def _week(request: RawRequest) -> Asked:
    window = request.path.get("window", "")
    if not _WINDOW.fullmatch(window):
        raise MalformedEvent("path: 'window' must be a week such as 2026-W09")
    return {"line": of.line(request), "window": window}


def _range(request: RawRequest) -> Asked:
    body = of.content(request)
    seals = body.integer("seals") if body.has("seals") else USUAL_SEALS
    if not 1 <= seals <= MOST_SEALS:
        raise MalformedEvent(f"HTTP request: field 'seals' must be a whole number from 1 to {MOST_SEALS}")
    return {"seals": seals}


OVERVIEW_ROUTES = {
    "GET /app/statistics": desk_route("statistics", "statistics.read", _nothing),
    "GET /app/people": desk_route("people", "people.list", _nothing),
    "GET /app/team": desk_route("team", "team.read", _team),
    "GET /app/models/{line}": desk_route("desk_models", "models.list", _line, as_models),
    "GET /app/models/{line}/{version}/card": desk_route("card", "models.card", _card, as_page),
    "POST /app/models/{line}/promotions": desk_route(
        "request_promotion", "model.promote", _promotion, as_requested
    ),
    "GET /app/weeks/{line}": desk_route("weeks", "weeks.list", _line, as_weeks),
    "GET /app/weeks/{line}/{window}/report": desk_route("week_report", "weeks.report", _week, as_page),
    "GET /app/audit/seals": desk_route("seals", "audit.seals", _nothing),
    "POST /app/audit/verification": desk_route("verification", "audit.verification", _range, as_verification),
}
