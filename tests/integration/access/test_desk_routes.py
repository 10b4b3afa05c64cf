"""The routes of the desk parse requests, refuse what cannot be read, and record that."""

import json
from dataclasses import replace
from typing import Any

import pytest

from claimwatch.aws.event_bus import EventBus
from claimwatch.cases.routes import ROUTES
from claimwatch.domain.access.permissions import PERMISSIONS
from claimwatch.domain.contract.purposes import DEFAULT_PURPOSES
from claimwatch.storage.desk import FUNCTIONS
from tests.integration.access.desk_requests import (
    ACT,
    ASSIGN,
    BODIES,
    CARD,
    DECIDE,
    DECISION,
    DECISION_ID,
    DESK,
    HEADERS,
    LINKS,
    NEEDED,
    NEXT,
    PATH,
    PHOTO,
    PROMOTE,
    QUERIES,
    QUEUE,
    REPORT,
    SEARCH,
    TEAM,
    UNDO,
    UNMASK,
    VERIFY,
    WHAT_IF,
)
from tests.integration.access.environment import Desk
from tests.integration.access.test_case_routes import ANSWERED, NO_SERVICES, Client
from tests.integration.audit.record import MemorySeals

type Json = dict[str, Any]

WITHOUT_ROUTE = {"note_verification"}
"""Functions that the API calls after another one has answered."""


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    """The desk of all tests of this module, without the events of earlier ones."""
    shared_desk.forget_events()
    return shared_desk


class Bus:
    """Takes events that nobody carries out."""

    def publish_event(self, kind: str, detail: Any) -> None:
        """Take an event."""


@pytest.fixture
def client(desk: Desk) -> Client:
    bus: EventBus = Bus()
    services = replace(NO_SERVICES, seals=MemorySeals, promotions=lambda: bus)
    return Client(desk.database.as_task("api"), services)


def test_every_route_of_people_and_machines_has_tests_and_every_function_a_route() -> None:
    assert set(DESK) | set(ANSWERED) == set(ROUTES)
    assert set(NEEDED) == set(DESK)
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
    (SEARCH, {}),
    (SEARCH, {"line": "glass"}),
    (SEARCH, {"q": " "}),
    (SEARCH, {"q": ["ZZ"]}),
    (SEARCH, {"value": "ZZ"}),
    (SEARCH, {"column": "driver", "value": ""}),
    (SEARCH, {"column": "driver", "value": "Z" * 501}),
    (SEARCH, {"q": "ZZ", "column": "driver", "value": "ZZ"}),
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


# -- Permissions and purposes --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def one_permission_each(shared_desk: Desk) -> None:
    """A group for each permission, which has no other."""
    for permission in PERMISSIONS:
        shared_desk.site.query(
            "INSERT INTO claimwatch.permission (grantee, permission, granted_by, why)"
            " VALUES (%s, %s, 'test', 'test') RETURNING 1",
            f"group:only {permission}",
            permission,
        )


def _send(client: Client, route: str, *groups: str, **fields: Any) -> tuple[int, Json]:
    given = {"body": BODIES.get(route), "query": QUERIES.get(route, {}), "headers": HEADERS} | fields
    status, document, _ = client.send(route, *groups, path=PATH, **given)
    return status, document


ANSWERS = ((200, "answered"), (202, "answered"), (404, "not_found"))


@pytest.mark.usefixtures("one_permission_each")
@pytest.mark.parametrize("route", NEEDED)
def test_a_route_is_open_with_its_permission_and_closed_with_every_other_and_each_request_is_one_event(
    desk: Desk, client: Client, route: str
) -> None:
    for permission in PERMISSIONS:
        desk.forget_events()
        status, document = _send(client, route, f"only {permission}")

        [event] = desk.events()
        wanted = "case.skip" if route == ACT else ROUTES[route].action
        assert (event["actor"], event["via"], event["action"]) == ("ida", "app", wanted)
        if permission in NEEDED[route]:
            assert (status, event["outcome"]) in ANSWERS, (
                permission,
                document,
            )
        else:
            assert (status, document.get("code"), event["outcome"]) == (403, "forbidden", "refused"), (
                permission
            )


@pytest.mark.parametrize("route", NEEDED)
@pytest.mark.parametrize("purpose", [None, "", "curiosity", "Zoë\n"])
def test_a_request_to_the_desk_without_a_purpose_of_the_list_is_refused_and_recorded(
    desk: Desk, client: Client, route: str, purpose: str | None
) -> None:
    status, problem = _send(client, route, "investigator", "lead", purpose=purpose)

    assert (status, problem["code"]) == (400, "purpose")
    assert all(allowed in problem["detail"] for allowed in DEFAULT_PURPOSES)
    [event] = desk.events()
    assert (event["outcome"], event["reason"], event["purpose"]) == ("refused", "purpose", None)


@pytest.mark.parametrize("route", NEEDED)
def test_nobody_is_answered_without_a_seal_being_requested_first(client: Client, route: str) -> None:
    _send(client, route, "investigator")

    assert client.seals == 1


def _is_refused_and_recorded(desk: Desk, route: str, status: int, problem: Json) -> None:
    assert (status, problem["code"]) == (400, "malformed")
    assert "Z" not in json.dumps(problem)
    [event] = desk.events()
    assert (event["action"], event["outcome"], event["actor"]) == (ROUTES[route].action, "refused", "ida")
