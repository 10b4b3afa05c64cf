"""Every permission and every policy on every route of the deployed API, at both doors."""

import json
from pathlib import Path
from urllib.parse import quote, urlencode

import boto3
import pytest

from claimwatch.api.route import Door
from claimwatch.api.routes import ROUTES
from samples import Book, BookConfig, write_week
from tests.deployed import Deployed
from tests.integration.access.desk_requests import BODIES, HEADERS, NEEDED, PATH, QUERIES
from tests.integration.iam.both_doors import Answer, Doors
from tests.template.application import of_type

DEPLOYED_ROUTES = sorted(route["RouteKey"] for route in of_type("AWS::ApiGatewayV2::Route").values())
MACHINE_ROUTES = sorted(
    route.key for route in ROUTES if route.door is Door.MACHINES and route.key in DEPLOYED_ROUTES
)
LINES = ("motor", "home")

OF_LINE = "/v1/lines/{line}/"
OPERATING = {f"POST {OF_LINE}{name}" for name in ("promotions", "trainings", "evaluations")}
READING = {f"GET {OF_LINE}claims/{{claim_id+}}", f"GET {OF_LINE}models"}
SCORING = {f"POST {OF_LINE}scores", "GET /v1/ready"}
MANAGING = {"GET /v1/permissions", "POST /v1/permissions", "POST /v1/permissions/revocations"}

POLICIES: dict[str, tuple[set[str], tuple[str, ...]]] = {
    "OperatorPolicyArn": (OPERATING, LINES),
    "ApproverPolicyArn": ({f"POST {OF_LINE}exceptions"}, LINES),
    "CallReadsPolicyArn": (READING, ("motor",)),
    "CallScoresPolicyArn": (SCORING, ("motor",)),
    "CallClaimsPolicyArn": ({f"POST {OF_LINE}claims"}, ("motor",)),
    "ManagePermissionsPolicyArn": (MANAGING, LINES),
    "SendClaimsPolicyArn": (set(), ()),
    "SendOutcomesPolicyArn": (set(), ()),
    "PutContractsPolicyArn": (set(), ()),
}
"""The routes that each policy allows to an identity with the tag of line motor, and of which lines."""

WITHOUT_LINE = {"GET /v1/ready"} | MANAGING
GROUPS = ("investigator", "lead", "data_scientist", "auditor", "privacy_officer")
PEOPLE: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in GROUPS},
    "nobody": (),
    "both": ("investigator", "lead"),
    "conflicted": ("investigator", "auditor"),
    "narrow": ("home_desk",),
}
READERS = {"investigator", "lead", "auditor", "privacy_officer", "both", "conflicted"}
UNMASKERS = {"investigator", "lead", "both", "conflicted"}
AUDITORS = {"auditor", "privacy_officer"}


@pytest.fixture(scope="module")
def doors(deployed: Deployed) -> Doors:
    return Doors(deployed)


@pytest.fixture(scope="module")
def claim_id(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The id of a stored claim of line motor."""
    path: Path = tmp_path_factory.mktemp("claims") / "week.csv"
    write_week(path, Book(BookConfig(seed=16, claims_per_week=20, weeks=1)), 0)
    file = deployed.ended(deployed.drop("claims/motor/matrix.csv", path.read_bytes()))
    assert file["status"] == "committed", file
    [row] = deployed.query(
        "SELECT claim_id FROM claimwatch.current_claim_motor WHERE file_id = %s LIMIT 1", file["file_id"]
    )
    return str(row["claim_id"])


@pytest.fixture(scope="module")
def administrator(doors: Doors) -> boto3.Session:
    return doors.machine("petra-the-administrator", "ManagePermissionsPolicyArn")


@pytest.fixture(scope="module")
def tokens(doors: Doors, administrator: boto3.Session) -> dict[str, str]:
    """A token of each person; the group of one has a permission for another line only."""
    outputs = doors.deployed.outputs
    doors.deployed.client("cognito-idp").create_group(UserPoolId=outputs["UserPoolId"], GroupName="home_desk")
    for permission in ("claim.read", "claim.unmask"):
        change = {"grantee": "group:home_desk", "permission": permission, "line": "home", "why": "the matrix"}
        assert doors.signed(administrator, "POST", "/v1/permissions", json.dumps(change)).status == 200
    return {name: doors.person(f"m-{name}", *groups) for name, groups in PEOPLE.items()}


# -- People --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PEOPLE)
def test_a_person_reads_and_unmasks_what_the_permissions_allow(
    doors: Doors, tokens: dict[str, str], claim_id: str, name: str
) -> None:
    known, unknown, other = (
        f"/app/claims/{line}/{quote(claim, safe='')}"
        for line, claim in (("motor", claim_id), ("motor", "none/such"), ("nowhere", claim_id))
    )

    def status(path: str) -> int:
        return doors.with_token(tokens[name], path).status

    reads = name in READERS
    # Whoever may read another line cannot tell whether this one has the claim.
    not_seen = 404 if reads or name == "narrow" else 403
    assert status(known) == (200 if reads else not_seen)
    assert status(unknown) == status(other) == not_seen
    unmasked = 200 if name in UNMASKERS else 403 if reads else not_seen
    assert status(f"{known}?unmask=true") == unmasked


@pytest.mark.parametrize("name", PEOPLE)
def test_a_person_sees_the_audit_only_with_that_permission_and_everybody_the_own_permissions(
    doors: Doors, tokens: dict[str, str], name: str
) -> None:
    audit = doors.with_token(tokens[name], "/app/audit?line=motor")
    me = doors.with_token(tokens[name], "/app/me", {})

    assert (audit.status, audit.code) == ((200, None) if name in AUDITORS else (403, "forbidden"))
    assert (me.status, me.document["actor"]) == (200, f"m-{name}")
    assert sorted(me.document["groups"]) == sorted(PEOPLE[name])


def test_a_person_with_duties_that_exclude_each_other_has_neither_and_reads_why(
    doors: Doors, tokens: dict[str, str]
) -> None:
    me = doors.with_token(tokens["conflicted"], "/app/me", {}).document

    assert [conflict["permissions"] for conflict in me["conflicts"]] == [["case.decide", "audit.read"]]
    assert "revoke" in me["conflicts"][0]["why"]
    assert not {"case.decide", "audit.read"} & {held["permission"] for held in me["permissions"]}


def test_a_person_in_two_groups_has_the_permissions_of_both(doors: Doors, tokens: dict[str, str]) -> None:
    held = {
        name: {
            each["permission"]
            for each in doors.with_token(tokens[name], "/app/me", {}).document["permissions"]
        }
        for name in ("investigator", "lead", "both")
    }

    assert held["both"] == held["investigator"] | held["lead"]


@pytest.mark.parametrize("name", PEOPLE)
def test_a_person_opens_the_routes_of_the_desk_that_the_permissions_allow_and_no_other(
    doors: Doors, tokens: dict[str, str], name: str
) -> None:
    me = doors.with_token(tokens[name], "/app/me", {}).document
    held = {each["permission"] for each in me["permissions"]}

    found = {}
    for route in NEEDED:
        method, path = route.replace("{line}", "motor").format_map(PATH).split(" ")
        query = f"?{urlencode(QUERIES[route] | {'line': 'motor'})}" if route in QUERIES else ""
        headers = {"Authorization": f"Bearer {tokens[name]}", "x-purpose": "testing", **HEADERS}
        body = json.dumps(BODIES[route]) if route in BODIES else None
        answer = doors.send(method, path + query, headers, body)
        assert answer.code in (None, "forbidden", "not_found"), (route, answer)
        found[route] = answer.code != "forbidden"
        assert answer.status in ((200, 202, 404) if found[route] else (403,)), (route, answer)

    assert found == {route: bool(held & needed) for route, needed in NEEDED.items()}


@pytest.mark.parametrize("route", NEEDED)
def test_nobody_opens_a_route_of_the_desk_without_a_token(doors: Doors, route: str) -> None:
    method, path = route.replace("{line}", "motor").format_map(PATH).split(" ")

    assert doors.send(method, path, {"x-purpose": "testing"}, "{}").status == 401


@pytest.mark.parametrize("key", [key for key in DEPLOYED_ROUTES if " /v1/" in key and "health" not in key])
def test_no_token_of_a_person_opens_the_door_of_machines(
    doors: Doors, tokens: dict[str, str], key: str
) -> None:
    method, path = _path(key, "motor")

    answer = doors.send(method, path, {"Authorization": f"Bearer {tokens['both']}", "x-purpose": "testing"})

    # The emulator lets a request without a signature pass to the function, which finds no verified caller.
    assert answer.status == 403


# -- Machines ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_opens_its_routes_and_no_other_for_its_line_and_no_other(doors: Doors, policy: str) -> None:
    allowed, lines = POLICIES[policy]
    machine = doors.machine(f"matrix-{policy}", policy, line="motor", sender="claims", duty="contracts")

    opened = {
        (key, line)
        for key in MACHINE_ROUTES
        for line in LINES
        if not _denied(
            doors.signed(machine, *_path(key, line), body="{}" if key.startswith("POST") else None)
        )
    }

    expected = {
        (key, line)
        for key in allowed & set(MACHINE_ROUTES)
        for line in (LINES if key in WITHOUT_LINE else lines)
    }
    assert opened == expected


@pytest.mark.parametrize("policy", ["CallReadsPolicyArn", "CallScoresPolicyArn", "CallClaimsPolicyArn"])
def test_a_policy_without_the_tag_of_a_line_opens_no_route_of_a_line(doors: Doors, policy: str) -> None:
    machine = doors.machine(f"untagged-{policy}", policy)

    for key in set(MACHINE_ROUTES) - WITHOUT_LINE:
        assert _denied(
            doors.signed(machine, *_path(key, "motor"), body="{}" if key.startswith("POST") else None)
        ), key


def test_no_signature_opens_the_door_of_people(doors: Doors, administrator: boto3.Session) -> None:
    for path in ("/app/me", "/app/audit", "/app/claims/motor/x"):
        assert doors.signed(administrator, "GET", path).status == 401


def test_a_request_that_was_changed_after_its_signature_is_denied(
    doors: Doors, administrator: boto3.Session
) -> None:
    asked, changed = (
        json.dumps({"grantee": "group:lead", "permission": "claim.read", "line": line, "why": "a test"})
        for line in ("motor", "*")
    )
    headers = doors.signature(administrator, "POST", "/v1/permissions", asked)

    assert _denied(doors.send("POST", "/v1/permissions", headers, changed))
    assert _denied(doors.send("POST", "/v1/permissions/revocations", headers, asked))
    assert doors.send("POST", "/v1/permissions", headers, asked).status == 200


def test_claims_with_slashes_are_looked_up_by_encoded_paths(doors: Doors, claim_id: str) -> None:
    reader = doors.machine("reader-of-motor", "CallReadsPolicyArn", line="motor")

    found = doors.signed(reader, "GET", f"/v1/lines/motor/claims/{quote(claim_id, safe='')}")
    missing = doors.signed(reader, "GET", "/v1/lines/motor/claims/2024%2F17%2050%25")

    assert (found.status, found.document["claim_id"]) == (200, claim_id)
    assert (missing.status, missing.code) == (404, "not_found")
    [event] = doors.deployed.query(
        "SELECT * FROM claimwatch.access_event WHERE object = %s ORDER BY seq DESC LIMIT 1", "2024/17 50%"
    )
    assert (event["outcome"], event["actor"]) == (
        "not_found",
        "arn:aws:iam::000000000000:user/reader-of-motor",
    )


def _path(key: str, line: str) -> tuple[str, str]:
    method, _, path = key.partition(" ")
    return method, path.replace("{line}", line).replace("{claim_id+}", "none")


def _denied(answer: Answer) -> bool:
    """Return whether API Gateway denied a request, before any function was called."""
    return answer.status == 403 and answer.code is None


# -- The command line ----------------------------------------------------------------------------------------


def test_permissions_are_granted_listed_and_revoked_at_the_command_line(deployed: Deployed) -> None:
    change = ("group:night desk", "claim.read", "--line", "motor", "--why", "nights")

    granted = deployed.command("grant", *change)
    listed = deployed.command("permissions", "--grantee", "group:night desk")
    revoked = deployed.command("revoke", *change)

    assert (granted["permission"], granted["line"], granted["why"]) == ("claim.read", "motor", "nights")
    assert [each["permission"] for each in listed["permissions"]] == ["claim.read"]
    assert revoked["grantee"] == "group:night desk"
    events = deployed.query(
        "SELECT actor, action, purpose, outcome FROM claimwatch.access_event"
        " WHERE object = 'group:night desk claim.read' ORDER BY seq"
    )
    root = "arn:aws:iam::000000000000:root"
    assert [tuple(event.values()) for event in events] == [
        (root, "permission.grant", "operations", "answered"),
        (root, "permission.revoke", "operations", "answered"),
    ]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("grant", "group:auditor", "case.decide"), "audit.read"),
        (("revoke", "group:unknown", "claim.read"), "does not exist"),
    ],
)
def test_the_command_line_says_why_a_change_is_refused(
    deployed: Deployed, words: tuple[str, ...], sentence: str
) -> None:
    assert sentence in deployed.command(*words, "--why", "a test")["error"]
