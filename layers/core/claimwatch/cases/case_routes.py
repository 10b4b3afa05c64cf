"""Routes of the queue and of its cases: next, decide, undo, and what else is done with a case."""

from claimwatch.aws.event_fields import Fields
from claimwatch.aws.http_api import RawRequest
from claimwatch.cases import request_fields as of
from claimwatch.cases.route import Asked, as_case, desk_route
from claimwatch.errors import MalformedEvent

LONGEST_NOTE = 4000
"""Characters of the note of a decision."""

MOST_GROUNDS = 9
"""A contract has no more, because each has a key."""

MOST_SECONDS = 86_400.0
"""How long a case can have been on screen."""

_STATES = ("open", "second_look", "third_look", "decided", "settled", "withdrawn")
_VERDICTS = ("fraud", "not_fraud", "inconclusive")
_ACTIONS = ("skip", "snooze", "hand_over", "renew", "release", "take")


def _queue(request: RawRequest) -> Asked:
    query = Fields(request.query, "query")
    if query.has("state"):
        query.choice("state", _STATES)
    if query.has("holder"):
        query.choice("holder", ("me",))
    return of.filters(request, ("line", "state", "holder", "q", "cursor"), ("due_before",))


def _next(request: RawRequest) -> Asked:
    return of.given({"lines": of.lines(of.content(request))})


def _decision(request: RawRequest) -> Asked:
    body = of.content(request)
    grounds = body.texts("grounds")
    seconds = body.optional_number("seconds")
    if not 1 <= len(grounds) <= MOST_GROUNDS or any(len(each) > 60 for each in grounds):
        raise MalformedEvent(f"HTTP request: field 'grounds' must be a list of 1 to {MOST_GROUNDS} names")
    if seconds is not None and not 0 <= seconds <= MOST_SECONDS:
        raise MalformedEvent(f"HTTP request: field 'seconds' must be a number up to {MOST_SECONDS:.0f}")
    return of.given(
        {
            "case_id": of.case_id(request),
            "if_match": request.headers.get("if-match"),
            "decision_id": of.uuid(request.headers.get("idempotency-key", ""), "header", "idempotency-key"),
            "generation": of.whole(body, "generation"),
            "verdict": body.choice("verdict", _VERDICTS),
            "grounds": list(grounds),
            "note": of.short(body, "note", LONGEST_NOTE),
            "second_look": body.flag("second_look") if body.has("second_look") else False,
            "seconds": seconds,
        }
    )


def _undo(request: RawRequest) -> Asked:
    body = of.content(request)
    return {
        "case_id": of.case_id(request),
        "decision_id": of.uuid(body.text("decision_id"), "HTTP request", "decision_id"),
    }


def _action(request: RawRequest) -> Asked:
    body = of.content(request)
    action = body.choice("action", _ACTIONS)
    if action == "hand_over":
        of.required(body, "to", of.LONGEST_NAME)
        of.required(body, "reason", of.LONGEST_TEXT)
    return of.given(
        {
            "case_id": of.case_id(request),
            "action": action,
            "generation": of.whole(body, "generation") if body.has("generation") else None,
            "until": of.in_utc(body.moment("until")) if body.has("until") else None,
            "to": of.short(body, "to", of.LONGEST_NAME),
            "reason": of.short(body, "reason", of.LONGEST_TEXT),
        }
    )


def _assignment(request: RawRequest) -> Asked:
    body = of.content(request)
    return of.given(
        {
            "case_id": of.case_id(request),
            "if_match": request.headers.get("if-match"),
            "to": of.required(body, "to", of.LONGEST_NAME) if body.has("to") else None,
            "reason": of.required(body, "reason", of.LONGEST_TEXT),
        }
    )


CASE_ROUTES = {
    "GET /app/queue": desk_route("queue", "queue.list", _queue),
    "POST /app/queue/next": desk_route("next_case", "case.next", _next, as_case),
    "GET /app/cases/{case_id}": desk_route("case", "case.read", of.only_case, as_case),
    "POST /app/cases/{case_id}/decision": desk_route("decide", "case.decide", _decision, as_case),
    "POST /app/cases/{case_id}/undo": desk_route("undo", "case.undo", _undo, as_case),
    # The events of requests that can be read are called case.skip, case.snooze and so on.
    "POST /app/cases/{case_id}/actions": desk_route("case_action", "case.action", _action, as_case),
    "POST /app/cases/{case_id}/assignment": desk_route("assign", "case.assign", _assignment, as_case),
}
