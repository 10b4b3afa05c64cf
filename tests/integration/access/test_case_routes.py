"""CaseApi answers with documents of the database, refuses with problem documents, and records both."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from claimwatch.aws.api_callers import IdentityClaims
from claimwatch.aws.function_versions import Called
from claimwatch.cases.database import CONNECTION, STATEMENT_TIMEOUT, CaseDatabase
from claimwatch.cases.route import Services
from claimwatch.cases.routes import ROUTES, CaseApi
from claimwatch.cases.schema_check import asks_for_schema, schema_versions
from claimwatch.cases.what_if import Scorer
from claimwatch.domain.contract.purposes import DEFAULT_PURPOSES
from claimwatch.errors import TransientFault
from claimwatch.storage.connection import Database
from claimwatch.storage.migrate import Migration, migrate, migrations
from tests.cluster import Cluster
from tests.integration.access.environment import DECIDER, DRIVER, STORY, Desk
from tests.integration.ingest.glass import csv
from tests.unit.aws.test_api_callers import ARN, COGNITO, signed, signed_in

type Json = dict[str, Any]

ME = "GET /app/me"
READ = "GET /app/claims/{line}/{claim_id+}"
AUDIT = "GET /app/audit"
STATUS = "GET /v1/lines/{line}/claims/{claim_id+}"
MODELS = "GET /v1/lines/{line}/models"
LIST, GRANT, REVOKE = "GET /v1/permissions", "POST /v1/permissions", "POST /v1/permissions/revocations"
ANSWERED = (ME, READ, AUDIT, STATUS, MODELS, LIST, GRANT, REVOKE)
"""The routes of this module; those of the desk have test_desk_routes.py."""


def _not_called(_: object) -> Called:
    raise AssertionError("no score was to be asked for")


def _no_service() -> Any:
    raise AssertionError("no service was to be asked for")


NO_SERVICES = Services(Scorer(_not_called, lambda: datetime.now(UTC)), _no_service, _no_service, _no_service)
"""Of routes that need nothing but the database."""

NO_FIELDS: dict[str, str] = {}


class Client:
    """Sends requests to the use case, as API Gateway does, and notes each request for a seal."""

    def __init__(self, database: Database, services: Services = NO_SERVICES) -> None:
        self.seals = 0
        self._api = CaseApi(CaseDatabase(database, self._seal), COGNITO, services)

    def _seal(self) -> None:
        self.seals += 1

    def raw(
        self,
        route: str,
        *groups: str,
        path: dict[str, str] = NO_FIELDS,
        query: dict[str, str] = NO_FIELDS,
        body: object = None,
        headers: dict[str, str] = NO_FIELDS,
        purpose: str | None = "claim_handling",
        name: str = "ida",
        request_id: str | None = None,
    ) -> Json:
        """Return the answer, as API Gateway gets it."""
        if " /app/" in route:
            event = signed_in({"username": name, "cognito:groups": list(groups)})
        else:
            event = signed(ARN)
        event |= {"routeKey": route, "pathParameters": path or None, "queryStringParameters": query or None}
        event["headers"] |= headers
        if purpose is not None:
            event["headers"] |= {"X-Purpose": purpose}
        if body is not None:
            event |= {"body": body if isinstance(body, str) else json.dumps(body)}
        if request_id is not None:
            event["requestContext"] = {**event["requestContext"], "requestId": request_id}
        return self._api.answer(event)

    def send(self, *words: Any, **fields: Any) -> tuple[int, Json, dict[str, str]]:
        """Return status, document and headers of the answer."""
        answer = self.raw(*words, **fields)
        return answer["statusCode"], json.loads(answer["body"]), answer["headers"]

    def code(self, *words: Any, **fields: Any) -> tuple[int, str]:
        """Return status and code of a problem."""
        status, document, headers = self.send(*words, **fields)
        assert headers["content-type"] == "application/problem+json"
        return status, document["code"]


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    """The desk of all tests of this module, without the events of earlier ones."""
    shared_desk.forget_events()
    return shared_desk


@pytest.fixture
def client(desk: Desk) -> Client:
    return Client(desk.database.as_task("api"))


def claim(claim_id: str, line: str = "glass") -> dict[str, str]:
    return {"line": line, "claim_id": claim_id}


def test_a_person_sees_a_claim_masked_and_unmasked_only_with_that_permission(
    client: Client, desk: Desk
) -> None:
    status, masked, headers = client.send(READ, "auditor", path=claim("g-1"))
    assert (status, masked["claim_id"]) == (200, "g-1")
    assert DRIVER not in json.dumps(masked)
    assert headers["cache-control"] == "no-store"
    assert headers["etag"].startswith('"')

    assert client.code(READ, "auditor", path=claim("g-1"), query={"unmask": "true"}) == (403, "forbidden")
    status, clear, _ = client.send(READ, "investigator", path=claim("g-1"), query={"unmask": "true"})
    assert (status, STORY in json.dumps(clear)) == (200, True)
    assert [(event["actor"], event["action"], event["outcome"]) for event in desk.events()] == [
        ("ida", "claim.read", "answered"),
        ("ida", "claim.unmask", "refused"),
        ("ida", "claim.unmask", "answered"),
    ]


def test_a_machine_learns_how_far_a_claim_is_and_nothing_personal(client: Client, desk: Desk) -> None:
    status, found, _ = client.send(STATUS, path=claim("g-3"))

    assert (status, found["status"], found["decision"]["is_fraud"]) == (200, "decided", True)
    assert not {DRIVER, STORY, DECIDER} & set(json.dumps(found).split('"'))
    assert desk.last_event()["actor"] == ARN


@pytest.mark.parametrize("route", [READ, STATUS])
@pytest.mark.parametrize("of", [claim("nothing"), claim("g-1", "nowhere"), claim("g-1", "Robert'; --")])
def test_an_unknown_claim_and_an_unknown_line_have_the_same_answer(
    client: Client, route: str, of: dict[str, str]
) -> None:
    _, wanted, _ = client.send(route, "investigator", path=claim("nothing"))
    status, answer, _ = client.send(route, "investigator", path=of)

    assert (status, answer) == (404, wanted)


@pytest.mark.parametrize("route", [route for route in ANSWERED if route != ME])
@pytest.mark.parametrize("purpose", [None, "", "curiosity", "claim_handling,audit", "Zoë\n"])
def test_a_request_without_a_purpose_of_the_list_is_refused_and_recorded(
    client: Client, desk: Desk, route: str, purpose: str | None
) -> None:
    body = {"grantee": "group:lead", "permission": "audit.read", "why": "a test"}
    fields: Json = {"path": claim("g-1"), "purpose": purpose}

    status, problem, _ = client.send(route, "auditor", "lead", body=body, **fields)

    assert (status, problem["code"]) == (400, "purpose")
    assert all(allowed in problem["detail"] for allowed in DEFAULT_PURPOSES)
    [event] = desk.events()
    assert (event["outcome"], event["reason"], event["purpose"]) == ("refused", "purpose", None)
    assert event["action"] == ROUTES[route].action


def test_the_claim_of_a_path_may_have_slashes_and_percent_signs(client: Client, desk: Desk) -> None:
    added = csv("2024/17 50%,2026-01-01,900,7,Ann,b", "ж/ü,2026-01-01,900,7,Ann,b")
    assert desk.site.drop("claims/glass/b.csv", added)["rows_loaded"] == 2

    # As API Gateway passes on 2024%2F17%2050%25 and %D0%B6%2F%C3%BC.
    assert client.send(STATUS, path=claim("2024/17 50%25"))[1]["claim_id"] == "2024/17 50%"
    assert client.send(STATUS, path=claim("ж/ü"))[1]["claim_id"] == "ж/ü"


def test_me_needs_no_purpose_and_is_no_access_event(client: Client, desk: Desk) -> None:
    status, person, _ = client.send(ME, "investigator", "lead", purpose=None)

    assert (status, person["actor"], person["groups"]) == (200, "ida", ["investigator", "lead"])
    assert {"claim.read", "case.decide", "case.assign"} <= {
        held["permission"] for held in person["permissions"]
    }
    assert (desk.count(), client.seals) == (0, 0)


def test_duties_that_exclude_each_other_are_named_and_neither_is_effective(client: Client) -> None:
    _, person, _ = client.send(ME, "investigator", "auditor")

    [conflict] = person["conflicts"]
    assert conflict["permissions"] == ["case.decide", "audit.read"]
    assert not {"case.decide", "audit.read"} & {held["permission"] for held in person["permissions"]}
    assert client.code(AUDIT, "investigator", "auditor") == (403, "forbidden")
    assert client.send(AUDIT, "auditor")[0] == 200


def test_the_audit_is_filtered_and_read_page_by_page(client: Client) -> None:
    for _ in range(3):
        client.send(READ, "investigator", path=claim("g-1"))
    client.send(READ, "investigator", path=claim("g-2"), name="leo")

    def found(**query: str) -> list[str]:
        _, page, _ = client.send(AUDIT, "auditor", query=query)
        return [f"{event['actor']} {event['object']}" for event in page["events"]]

    assert found(claim="g-1") == ["ida g-1"] * 3
    assert found(actor="leo", since="2026-01-01") == ["leo g-2"]
    assert found(until="2026-01-01T00:00:00+02:00") == []
    assert found(line="glass", purpose="claim_handling", action="claim.read", model="9") == []


@pytest.mark.parametrize(
    "query",
    [
        {"since": "yesterday-ZZ"},
        {"until": "2026-13-01"},
        {"cursor": "ZZ"},
        {"cursor": "-1"},
        {"actor": "Z" * 501},
        {"claim": "Z" * 501},
    ],
)
def test_a_filter_that_cannot_be_read_is_refused_recorded_and_not_quoted(
    client: Client, desk: Desk, query: dict[str, str]
) -> None:
    status, problem, _ = client.send(AUDIT, "auditor", query=query)

    assert (status, problem["code"]) == (400, "malformed")
    assert "Z" not in json.dumps(problem)
    assert [event["outcome"] for event in desk.events()] == ["refused"]


GRANTED = {"grantee": "group:fraud lead", "permission": "claim.read", "line": "glass", "why": "a new team"}


def test_a_permission_is_granted_effective_and_revoked(client: Client) -> None:
    assert client.code(READ, "fraud lead", path=claim("g-1")) == (403, "forbidden")

    status, granted, _ = client.send(GRANT, body=GRANTED)

    assert (status, granted["granted_by"], granted["why"]) == (200, ARN, "a new team")
    assert client.send(READ, "fraud lead", path=claim("g-1"))[0] == 200
    assert client.code(READ, "fraud lead", path=claim("17", "pane")) == (404, "not_found")
    assert client.code(READ, "fraud", "lead2", path=claim("g-1")) == (403, "forbidden")
    assert any(GRANTED.items() <= each.items() for each in client.send(LIST)[1]["permissions"])
    assert client.send(REVOKE, body=GRANTED)[0] == 200
    assert client.code(REVOKE, body=GRANTED) == (404, "not_found")
    assert client.code(READ, "fraud lead", path=claim("g-1")) == (403, "forbidden")


def test_a_grant_of_duties_that_exclude_each_other_is_a_conflict_that_names_the_other(client: Client) -> None:
    status, problem, _ = client.send(
        GRANT, body={"grantee": "group:auditor", "permission": "case.decide", "why": "short of people"}
    )

    assert (status, problem["code"]) == (409, "conflict")
    assert "audit.read" in problem["detail"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "ZZ",
        "[]",
        "null",
        "[" * 100_000,
        '{"why": ' + "9" * 5000 + "}",
        *(
            {name: value for name, value in GRANTED.items() if name != missing}
            for missing in ("grantee", "permission", "why")
        ),
        GRANTED | {"grantee": "ZZ"},
        GRANTED | {"grantee": "group:"},
        GRANTED | {"grantee": "group:a\0ZZ"},
        GRANTED | {"grantee": "robot:ZZ"},
        GRANTED | {"permission": "claim.ZZ"},
        GRANTED | {"permission": ["claim.read"]},
        GRANTED | {"line": "ZZ; DROP"},
        GRANTED | {"line": 7},
        GRANTED | {"why": " "},
        GRANTED | {"why": "Z" * 2001},
    ],
    ids=lambda body: str(body)[:40],
)
@pytest.mark.parametrize("route", [GRANT, REVOKE])
def test_a_change_that_cannot_be_read_is_refused_recorded_and_not_quoted(
    desk: Desk, client: Client, route: str, body: object
) -> None:
    status, problem, _ = client.send(route, body=body)

    assert (status, problem["code"]) == (400, "malformed")
    assert "Z" not in json.dumps(problem)
    [event] = desk.events()
    assert (event["action"], event["outcome"], event["actor"]) == (ROUTES[route].action, "refused", ARN)


@pytest.mark.parametrize("text", ["\0", "\ud800", "é" * 5000, "'; DROP TABLE claimwatch.claim_glass; --"])
def test_a_text_that_no_claim_has_finds_none_and_breaks_nothing(client: Client, text: str) -> None:
    assert client.code(READ, "investigator", path=claim(text)) == (404, "not_found")
    assert client.code(STATUS, path=claim(text)) == (404, "not_found")
    assert client.code(MODELS, path={"line": text}) == (404, "not_found")
    assert client.send(READ, text, path=claim("g-1"))[0] == 403


def test_a_seal_is_requested_before_each_transaction_that_records(client: Client) -> None:
    for route in (READ, AUDIT, STATUS, MODELS, LIST):
        client.send(route, "investigator", path=claim("g-1"))
    client.send(GRANT, body="not JSON")

    assert client.seals == 6


def test_an_unknown_route_is_a_problem(client: Client) -> None:
    assert client.code("DELETE /v1/permissions") == (404, "not_found")


def test_nobody_without_a_verified_identity_is_answered(desk: Desk) -> None:
    api = CaseApi(
        CaseDatabase(desk.database.as_task("api"), lambda: None),
        IdentityClaims("email", "groups"),
        NO_SERVICES,
    )

    for event in (signed_in({"username": "ida"}), signed(None, LIST)):
        answer = api.answer(event)
        assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (403, "forbidden")
    assert desk.count() == 0


# -- A database that sleeps ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("server")) as running:
        yield running


def impatient(url: str) -> Client:
    return Client(Database({"dsn": url} | CONNECTION, wake_up_time=0, statement_timeout=STATEMENT_TIMEOUT))


def timed(client: Client) -> tuple[float, tuple[int, Json, dict[str, str]]]:
    started = time.monotonic()
    answer = client.send(STATUS, path=claim("g-1"))
    return time.monotonic() - started, answer


def assert_waking(answered: tuple[float, tuple[int, Json, dict[str, str]]]) -> None:
    seconds, (status, problem, headers) = answered
    assert (status, problem["code"], headers["retry-after"]) == (503, "waking", "3")
    assert seconds < 2


def test_a_stopped_database_is_waking_within_two_seconds_and_used_as_soon_as_it_is_back(
    own_cluster: Cluster,
) -> None:
    server = own_cluster.server
    with own_cluster.clone() as url:
        client = impatient(own_cluster.url(urlsplit(url).path.lstrip("/"), "api"))
        server.stop()
        assert_waking(timed(client))
        server.start()
        assert timed(client)[1][0] == 404
        # A connection that was lost meanwhile is replaced.
        server.restart("immediate")
        assert timed(client)[1][0] == 404
        server.stop("immediate")
        assert_waking(timed(client))
        server.start()


def test_a_server_that_accepts_and_does_not_answer_is_waking_within_two_seconds() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = silent.getsockname()[1]
        assert_waking(timed(impatient(f"postgresql://api@127.0.0.1:{port}/claimwatch?sslmode=disable")))


def test_a_call_that_takes_too_long_is_unavailable_and_no_event_stays(desk: Desk) -> None:
    slow = desk.database.separately("api")
    slow.statement_timeout = 0.2
    with closing(slow), desk.database.transaction() as owner:
        owner.execute("LOCK TABLE claimwatch.access_event IN ACCESS EXCLUSIVE MODE")
        assert Client(slow).code(STATUS, path=claim("g-1")) == (503, "unavailable")
    assert desk.count() == 0


def test_a_queue_of_seals_that_does_not_answer_is_not_called_a_waking_database(desk: Desk) -> None:
    def unreachable() -> None:
        raise TransientFault("SQS did not answer")

    api = CaseApi(CaseDatabase(desk.database.as_task("api"), unreachable), COGNITO, NO_SERVICES)
    answer = api.answer(signed(ARN) | {"routeKey": LIST, "headers": {"x-purpose": "operations"}})

    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (503, "unavailable")
    assert desk.count() == 0


def test_a_version_says_which_schema_it_expects_and_finds_with_the_login_of_the_api(desk: Desk) -> None:
    newest = migrations()[-1].number
    database = CaseDatabase(desk.database.as_task("api"), lambda: None)
    events = "SELECT count(*) FROM claimwatch.access_event"
    before = desk.site.query(events)

    assert asks_for_schema({"check": "schema"})
    assert schema_versions(database, "abc") == {"expects": newest, "finds": newest, "code_version": "abc"}

    assert desk.site.query(events) == before
    assert not asks_for_schema({"check": "schema", "requestContext": {}})


def test_old_code_finds_a_newer_schema_and_migrates_nothing(desk: Desk) -> None:
    """Old code on the new schema: during a canary, and after a rollback."""
    newest = migrations()[-1].number
    later = Migration(newest + 1, "later", "ALTER TABLE claimwatch.file ADD COLUMN of_a_later_release text")
    assert migrate(desk.database, [later]) == [later]

    assert migrate(desk.database) == []
    database = CaseDatabase(desk.database.as_task("api"), lambda: None)
    found = schema_versions(database, "abc")
    assert (found["expects"], found["finds"]) == (newest, newest + 1)


def test_a_sleeping_database_is_a_problem_to_retry() -> None:
    nowhere = Database({"host": "127.0.0.1", "port": 1, "dbname": "none", "user": "none"}, wake_up_time=0)
    assert schema_versions(CaseDatabase(nowhere, lambda: None), "abc") == {
        "problem": "the database is waking up, which takes up to a minute: repeat the request",
        "retry": True,
    }
