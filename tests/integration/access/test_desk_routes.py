"""The routes of the desk parse requests, refuse what cannot be read, and record that."""

import json
from typing import Any

import pytest

from claimwatch.cases.case_routes import CASE_ROUTES
from claimwatch.cases.evidence_routes import EVIDENCE_ROUTES
from claimwatch.cases.overview_routes import OVERVIEW_ROUTES
from claimwatch.cases.routes import ROUTES
from claimwatch.storage.desk import FUNCTIONS
from tests.integration.access.environment import Desk
from tests.integration.access.test_case_routes import ANSWERED, Client

type Json = dict[str, Any]

DESK = CASE_ROUTES | EVIDENCE_ROUTES | OVERVIEW_ROUTES
CASE_ID = "6f1d3f0a-0c1e-4f6e-9a53-2b8f6f0f7c11"
DECISION_ID = "0b7c0f6e-5a57-4b67-8f0e-6a3f3f7d9b02"
PATH = {"case_id": CASE_ID, "image_id": "17", "line": "glass", "version": "7", "window": "2026-W09"}

QUEUE, NEXT = "GET /app/queue", "POST /app/queue/next"
CASE = "GET /app/cases/{case_id}"
DECIDE, UNDO = "POST /app/cases/{case_id}/decision", "POST /app/cases/{case_id}/undo"
ACT, ASSIGN = "POST /app/cases/{case_id}/actions", "POST /app/cases/{case_id}/assignment"
UNMASK, WHAT_IF = "POST /app/cases/{case_id}/unmask", "POST /app/cases/{case_id}/what-if"
LINKS, SEARCH = "GET /app/cases/{case_id}/links", "GET /app/search"
PHOTO = "GET /app/cases/{case_id}/photos/{image_id}"
TEAM, CARD, REPORT = (
    "GET /app/team",
    "GET /app/models/{line}/{version}/card",
    "GET /app/weeks/{line}/{window}/report",
)
PROMOTE, VERIFY = "POST /app/models/{line}/promotions", "POST /app/audit/verification"

DECISION = {"generation": 1, "verdict": "fraud", "grounds": ["other"], "note": "a note", "seconds": 9.5}
BODIES: dict[str, Json] = {
    NEXT: {},
    DECIDE: DECISION,
    UNDO: {"decision_id": DECISION_ID},
    ACT: {"action": "skip", "generation": 1},
    ASSIGN: {"to": "tom", "reason": "a reason"},
    UNMASK: {"reason": "a reason"},
    WHAT_IF: {"changes": {"amount": 5}},
    PROMOTE: {"action": "rollback", "version": "7", "why": "a reason"},
    VERIFY: {},
}
"""A body of each route that takes one."""


WITHOUT_ROUTE = {"note_verification"}
"""Functions that the API calls after another one has answered."""


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    """The desk of all tests of this module, without the events of earlier ones."""
    shared_desk.forget_events()
    return shared_desk


@pytest.fixture
def client(desk: Desk) -> Client:
    return Client(desk.database.as_task("api"))


def test_every_route_of_people_and_machines_has_tests_and_every_function_a_route() -> None:
    assert set(DESK) | set(ANSWERED) == set(ROUTES)
    assert set(BODIES) == {route for route in DESK if route.startswith("POST ")}
    assert len(DESK) == len(set(FUNCTIONS) - WITHOUT_ROUTE)


BAD_BODIES: list[tuple[str, object]] = [
    *(
        (route, body)
        for route in BODIES
        for body in ("", "ZZ", "[]", "null", '{"seals": NaN}', "[" * 100_000)
    ),
    (NEXT, {"lines": "glass"}),
    (NEXT, {"lines": ["ZZ"]}),
    (NEXT, {"lines": [f"line{n}" for n in range(51)]}),
    *(
        (DECIDE, {k: v for k, v in DECISION.items() if k != name})
        for name in ("generation", "verdict", "grounds")
    ),
    (DECIDE, DECISION | {"generation": -1}),
    (DECIDE, DECISION | {"generation": 2**60}),
    (DECIDE, DECISION | {"generation": "1"}),
    (DECIDE, DECISION | {"verdict": "ZZ"}),
    (DECIDE, DECISION | {"grounds": []}),
    (DECIDE, DECISION | {"grounds": ["Z" * 61]}),
    (DECIDE, DECISION | {"grounds": [f"ground{n}" for n in range(10)]}),
    (DECIDE, DECISION | {"note": "Z" * 4001}),
    (DECIDE, DECISION | {"seconds": -1}),
    (DECIDE, DECISION | {"seconds": 86_401}),
    (DECIDE, DECISION | {"second_look": "ZZ"}),
    (UNDO, {"decision_id": "ZZ"}),
    (UNDO, {"decision_id": f"{{{DECISION_ID}}}"}),
    (ACT, {"action": "ZZ"}),
    (ACT, {"action": "snooze", "generation": 1, "until": "ZZ"}),
    (ACT, {"action": "hand_over", "generation": 1, "to": "tom"}),
    (ACT, {"action": "hand_over", "generation": 1, "reason": "ZZ"}),
    (ACT, {"action": "hand_over", "generation": 1, "to": " ", "reason": "ZZ"}),
    (ASSIGN, {"to": "tom"}),
    (ASSIGN, {"to": "Z" * 201, "reason": "a reason"}),
    (UNMASK, {"reason": " "}),
    (UNMASK, {"reason": "Z" * 2001}),
    (WHAT_IF, {"changes": {}}),
    (WHAT_IF, {"changes": {"amount": ["ZZ"]}}),
    (WHAT_IF, {"changes": {"amount": "Z" * 2001}}),
    (WHAT_IF, {"changes": {f"column{n}": 1 for n in range(51)}}),
    (PROMOTE, {"action": "ZZ", "why": "a reason"}),
    (PROMOTE, {"action": "promote", "why": "a reason", "version": "7"}),
    (PROMOTE, {"action": "promote", "why": "a reason", "role": "champion"}),
    (PROMOTE, {"action": "rollback"}),
    (VERIFY, {"seals": 0}),
    (VERIFY, {"seals": "ZZ"}),
]


@pytest.mark.parametrize(("route", "body"), BAD_BODIES, ids=lambda value: str(value)[:40])
def test_a_body_that_cannot_be_read_is_refused_recorded_and_not_quoted(
    desk: Desk, client: Client, route: str, body: object
) -> None:
    status, problem, _ = client.send(
        route, "investigator", path=PATH, body=body, headers={"idempotency-key": DECISION_ID}
    )

    _is_refused_and_recorded(desk, route, status, problem)


@pytest.mark.parametrize(
    ("route", "query"),
    [
        (QUEUE, {"state": "ZZ"}),
        (QUEUE, {"holder": "ZZ"}),
        (QUEUE, {"due_before": "ZZ"}),
        (QUEUE, {"q": "Z" * 501}),
        (LINKS, {"hops": "0"}),
        (LINKS, {"hops": "3"}),
        (LINKS, {"hops": "ZZ"}),
        (LINKS, {"hops": "٢"}),
        (SEARCH, {}),
        (SEARCH, {"line": "glass"}),
        (SEARCH, {"q": ""}),
        (SEARCH, {"value": "ZZ"}),
        (SEARCH, {"column": "driver"}),
        (SEARCH, {"q": "ZZ", "column": "driver", "value": "ZZ"}),
        (TEAM, {}),
        (TEAM, {"line": "ZZ"}),
        (TEAM, {"line": "glass", "weeks": "0"}),
        (TEAM, {"line": "glass", "weeks": "105"}),
    ],
    ids=str,
)
def test_a_query_that_cannot_be_read_is_refused_recorded_and_not_quoted(
    desk: Desk, client: Client, route: str, query: dict[str, str]
) -> None:
    status, problem, _ = client.send(route, "investigator", path=PATH, query=query)

    _is_refused_and_recorded(desk, route, status, problem)


@pytest.mark.parametrize(
    ("route", "name", "text"),
    [
        *((route, "case_id", text) for route in DESK if "{case_id}" in route for text in ("", "ZZ", "1' --")),
        (PHOTO, "image_id", "0"),
        (PHOTO, "image_id", "-1"),
        (PHOTO, "image_id", "9" * 19),
        (CARD, "version", "../ZZ"),
        (REPORT, "window", "2026-W9"),
    ],
)
def test_a_path_that_cannot_be_read_is_refused_recorded_and_not_quoted(
    desk: Desk, client: Client, route: str, name: str, text: str
) -> None:
    headers = {"idempotency-key": DECISION_ID}
    status, problem, _ = client.send(
        route, "investigator", path=PATH | {name: text}, body=BODIES.get(route), headers=headers
    )

    _is_refused_and_recorded(desk, route, status, problem)


@pytest.mark.parametrize("key", [None, "", "ZZ", f"{DECISION_ID} "])
def test_a_decision_without_an_id_is_refused_and_recorded(
    desk: Desk, client: Client, key: str | None
) -> None:
    headers = {} if key is None else {"idempotency-key": key}
    status, problem, _ = client.send(DECIDE, "investigator", path=PATH, body=DECISION, headers=headers)

    _is_refused_and_recorded(desk, DECIDE, status, problem)


def _is_refused_and_recorded(desk: Desk, route: str, status: int, problem: Json) -> None:
    assert (status, problem["code"]) == (400, "malformed")
    assert "Z" not in json.dumps(problem)
    [event] = desk.events()
    assert (event["action"], event["outcome"], event["actor"]) == (ROUTES[route].action, "refused", "ida")
