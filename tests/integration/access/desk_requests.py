"""A request to each route of the desk, and the permissions of which each route needs one."""

from typing import Any

from claimwatch.cases.case_routes import CASE_ROUTES
from claimwatch.cases.evidence_routes import EVIDENCE_ROUTES
from claimwatch.cases.overview_routes import OVERVIEW_ROUTES
from claimwatch.domain.access.permissions import Permission

type Json = dict[str, Any]

DESK = CASE_ROUTES | EVIDENCE_ROUTES | OVERVIEW_ROUTES
CASE_ID = "6f1d3f0a-0c1e-4f6e-9a53-2b8f6f0f7c11"
DECISION_ID = "0b7c0f6e-5a57-4b67-8f0e-6a3f3f7d9b02"
PATH = {"case_id": CASE_ID, "image_id": "17", "line": "glass", "version": "7", "window": "2026-W09"}
"""Nothing of it exists, except for the line."""

HEADERS = {"idempotency-key": DECISION_ID, "if-match": '"v1"'}

QUEUE, NEXT = "GET /app/queue", "POST /app/queue/next"
CASE = "GET /app/cases/{case_id}"
DECIDE, UNDO = "POST /app/cases/{case_id}/decision", "POST /app/cases/{case_id}/undo"
ACT, ASSIGN = "POST /app/cases/{case_id}/actions", "POST /app/cases/{case_id}/assignment"
UNMASK, WHAT_IF = "POST /app/cases/{case_id}/unmask", "POST /app/cases/{case_id}/what-if"
LINKS, SEARCH = "GET /app/cases/{case_id}/links", "POST /app/search"
PHOTOS, PHOTO = "GET /app/cases/{case_id}/photos", "GET /app/cases/{case_id}/photos/{image_id}"
STATISTICS, PEOPLE, TEAM = "GET /app/statistics", "GET /app/people", "GET /app/team"
MODELS, CARD = "GET /app/models/{line}", "GET /app/models/{line}/{version}/card"
PROMOTE = "POST /app/models/{line}/promotions"
WEEKS, REPORT = "GET /app/weeks/{line}", "GET /app/weeks/{line}/{window}/report"
SEALS, VERIFY = "GET /app/audit/seals", "POST /app/audit/verification"

DECISION = {"generation": 1, "verdict": "fraud", "grounds": ["other"], "note": "a note", "seconds": 9.5}
BODIES: dict[str, Json] = {
    NEXT: {},
    DECIDE: DECISION,
    UNDO: {"decision_id": DECISION_ID},
    ACT: {"action": "skip", "generation": 1},
    ASSIGN: {"to": "tom", "reason": "a reason"},
    UNMASK: {"reason": "a reason"},
    WHAT_IF: {"changes": {"amount": 5}},
    SEARCH: {"q": "g-"},
    PROMOTE: {"action": "promote", "version": "7", "role": "champion", "why": "a reason"},
    VERIFY: {},
}
"""A body of each route that takes one."""

QUERIES: dict[str, dict[str, str]] = {TEAM: {"line": "glass"}}
"""A query of each route that needs one."""

NEEDED: dict[str, set[Permission]] = {
    QUEUE: {"case.decide", "case.assign"},
    NEXT: {"case.decide"},
    CASE: {"claim.read"},
    DECIDE: {"case.decide"},
    UNDO: {"case.decide"},
    ACT: {"case.decide"},
    ASSIGN: {"case.assign"},
    UNMASK: {"claim.unmask"},
    WHAT_IF: {"claim.read"},
    LINKS: {"claim.read"},
    PHOTOS: {"photo.view"},
    PHOTO: {"photo.view"},
    SEARCH: {"claim.read"},
    STATISTICS: {"case.decide"},
    PEOPLE: {"case.decide", "case.assign"},
    TEAM: {"case.assign"},
    MODELS: {"model.read"},
    CARD: {"model.read"},
    PROMOTE: {"model.promote"},
    WEEKS: {"model.read"},
    REPORT: {"model.read"},
    SEALS: {"audit.read"},
    VERIFY: {"audit.read"},
}
"""Any one of these permissions opens a route."""
