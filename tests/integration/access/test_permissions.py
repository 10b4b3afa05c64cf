"""Permissions: who may do what, which of them exclude each other, and the event of each change."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claimwatch.domain.access.permissions import PERMISSIONS
from claimwatch.storage import case_api
from claimwatch.storage.permissions import separate_duties
from tests.cluster import Cluster
from tests.integration.access.environment import MACHINE, Desk, person

CONFLICTS = (("case.decide", "audit.read"), ("model.promote", "model.train"))
GROUPS = {
    "investigator": {"claim.read", "claim.unmask", "case.decide", "photo.view"},
    "lead": {"claim.read", "claim.unmask", "case.assign", "photo.view", "model.read", "model.promote"},
    "data_scientist": {"model.read", "model.train"},
    "auditor": {"audit.read", "claim.read", "model.read"},
    "privacy_officer": {"person.erase", "claim.read", "audit.read"},
}

type Call = tuple[str, tuple[Any, ...], dict[str, bool]]
"""A function of ``storage.case_api``, its values and its options."""

READ: Call = ("read_claim", ("glass", "g-1"), {})
UNMASK: Call = ("read_claim", ("glass", "g-1"), {"unmask": True})
AUDIT: Call = ("audit", ({},), {})
NEEDED: dict[str, tuple[Call, set[str]]] = {
    "read": (READ, {"claim.read"}),
    "unmask": (UNMASK, {"claim.read", "claim.unmask"}),
    "audit": (AUDIT, {"audit.read"}),
}
"""What people can call, and the permissions that each call needs."""


def without_conflicts(held: set[str]) -> set[str]:
    """Return what is effective of what is held while duties are separated."""
    return held - {each for pair in CONFLICTS if held >= set(pair) for each in pair}


@pytest.fixture(scope="module")
def matrix_desk(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk where each permission is also that of a person with its name."""
    with cluster.clone() as url, closing(cluster.database(url)) as database:
        desk = Desk.below(database, tmp_path_factory.mktemp("buckets"))
        for permission in PERMISSIONS:
            assert desk.grant(f"person:only {permission}", permission).outcome == "answered"
            assert desk.grant(f"group:can_{permission}", permission).outcome == "answered"
            assert desk.grant(f"group:elsewhere_{permission}", permission, "pane").outcome == "answered"
        yield desk


def test_the_groups_have_their_permissions_from_the_beginning(shared_desk: Desk) -> None:
    found = {group: shared_desk.effective("ann", group) for group in GROUPS}
    assert {group: set(held) for group, held in found.items()} == GROUPS
    assert all(lines == ["*"] for held in found.values() for lines in held.values())


@pytest.mark.parametrize("call", NEEDED)
@pytest.mark.parametrize("groups", [(), *((group,) for group in GROUPS), *itertools.combinations(GROUPS, 2)])
def test_the_matrix_of_groups_and_calls(matrix_desk: Desk, call: str, groups: tuple[str, ...]) -> None:
    held = without_conflicts({each for group in groups for each in GROUPS[group]})
    (function, values, options), needed = NEEDED[call]
    before = matrix_desk.count()
    caller = person("ann", *groups, purpose="audit")
    answer = matrix_desk.ask(function, *values, caller=caller, **options)
    assert answer.outcome == ("answered" if held >= needed else "refused")
    if answer.outcome == "refused":
        assert answer.document == {"code": "forbidden"}
    assert matrix_desk.count() == before + 1
    assert matrix_desk.last_event()["outcome"] == answer.outcome


@pytest.mark.parametrize("call", NEEDED)
@pytest.mark.parametrize("permission", PERMISSIONS)
@pytest.mark.parametrize("all_but", [False, True])
def test_a_call_needs_its_permissions_and_no_other(
    matrix_desk: Desk, call: str, permission: str, all_but: bool
) -> None:
    (function, values, options), needed = NEEDED[call]
    held = set(PERMISSIONS) - {permission, "case.decide"} if all_but else {permission}
    caller = person("x", *(f"can_{each}" for each in held), purpose="audit")
    answer = matrix_desk.ask(function, *values, caller=caller, **options)
    assert (answer.outcome == "answered") == (held >= needed)


@pytest.mark.parametrize("call", NEEDED)
@pytest.mark.parametrize("permission", PERMISSIONS)
def test_a_permission_of_another_line_opens_nothing(matrix_desk: Desk, call: str, permission: str) -> None:
    (function, values, options), needed = NEEDED[call]
    groups = [f"can_{each}" for each in needed - {permission}]
    caller = person("x", *groups, f"elsewhere_{permission}", purpose="audit")
    answer = matrix_desk.ask(function, *values, caller=caller, **options)
    if permission not in needed:
        assert (answer.outcome == "answered") == (needed <= without_conflicts(needed | {permission}))
    elif call == "audit":
        lines = {event["line"] for event in answer.document["events"]}
        assert lines <= {"pane"}
    else:
        assert answer.outcome in ("refused", "not_found")


@pytest.mark.parametrize(
    "group",
    [
        "lea", "leader", "lead ", " lead", "LEAD", "lead,auditor", "[lead auditor]", "lead\0", "group:lead",
        "person:ann", "team lead", "le%", "lead_", "", "investigators", "nvestigator",
    ],
)  # fmt: skip
def test_a_group_that_is_called_like_a_part_of_another_has_no_permission(
    shared_desk: Desk, group: str
) -> None:
    assert shared_desk.effective("ann", group) == {}
    assert (
        shared_desk.ask("read_claim", "glass", "g-1", caller=person("ann", group)).document["code"]
        == "forbidden"
    )


def test_a_person_called_like_a_group_does_not_have_its_permissions(desk: Desk) -> None:
    assert desk.effective("lead") == {}
    desk.grant("person:lead", "photo.view")
    assert desk.effective("lead") == {"photo.view": ["*"]}
    assert desk.effective("ann", "lead").keys() == GROUPS["lead"]
    assert desk.effective("person:lead") == {}


def test_a_person_has_the_permissions_of_all_groups_and_those_of_the_person(desk: Desk) -> None:
    desk.grant("person:ann", "model.read", "glass")
    desk.grant("person:ann", "model.read", "pane")
    found = desk.effective("ann", "investigator", "lead")
    assert found.keys() == GROUPS["investigator"] | GROUPS["lead"]
    assert found["model.read"] == ["*", "glass", "pane"]


# -- Separation of duties ------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", CONFLICTS)
def test_of_a_conflicting_pair_neither_is_effective_and_the_person_is_told_why(
    desk: Desk, pair: tuple[str, str]
) -> None:
    desk.grant("group:one", pair[0], "glass")
    desk.grant("group:other", pair[1], "pane")
    for groups in (("one",), ("other",)):
        assert len(desk.effective("ann", *groups)) == 1
    found = desk.me("ann", "one", "other", "nobody")
    assert found["permissions"] == []
    [conflict] = found["conflicts"]
    assert set(conflict["permissions"]) == set(pair)
    assert all(each in conflict["why"] for each in pair)
    desk.relax_duties()
    found = desk.me("ann", "one", "other")
    assert (len(found["permissions"]), found["conflicts"]) == (2, [])
    assert found["separation_of_duties"] == "relaxed"


def test_an_investigator_who_is_also_an_auditor_reads_no_audit(desk: Desk) -> None:
    both = person("ann", "investigator", "auditor", purpose="audit")
    assert desk.ask("audit", {}, caller=both).document == {"code": "forbidden"}
    assert desk.ask("read_claim", "glass", "g-1", caller=both).outcome == "answered"
    desk.relax_duties()
    assert desk.ask("audit", {}, caller=both).outcome == "answered"


@pytest.mark.parametrize("pair", [*CONFLICTS, *(pair[::-1] for pair in CONFLICTS)])
def test_a_grant_that_would_join_conflicting_duties_is_refused_and_recorded(
    desk: Desk, pair: tuple[str, str]
) -> None:
    assert desk.grant("person:ann", pair[0], "glass").outcome == "answered"
    refused = desk.grant("person:ann", pair[1], "pane")
    assert (refused.outcome, refused.document) == ("refused", {"code": "conflict", "conflicts_with": pair[0]})
    event = desk.last_event()
    assert (event["action"], event["object"], event["line"]) == (
        "permission.grant",
        f"person:ann {pair[1]}",
        "pane",
    )
    assert (event["outcome"], event["reason"]) == ("refused", f"conflict with {pair[0]}")
    assert desk.effective("ann") == {pair[0]: ["glass"]}


def test_grants_while_duties_are_relaxed_say_so(desk: Desk) -> None:
    desk.relax_duties()
    assert desk.grant("person:ann", "case.decide").outcome == "answered"
    assert desk.grant("person:ann", "audit.read").outcome == "answered"
    assert desk.last_event()["reason"] == "duties are relaxed: needed"
    desk.relax_duties("enforced")
    assert desk.effective("ann") == {}
    assert desk.grant("person:bob", "audit.read").outcome == "answered"
    assert desk.last_event()["reason"] == "needed"


def test_two_grants_at_once_do_not_join_conflicting_duties(desk: Desk) -> None:
    def grant(number: int) -> list[str]:
        outcomes: list[str] = []
        with closing(desk.database.separately("api")) as own:
            for person_number in range(10):
                with own.transaction() as cursor:
                    outcomes.append(
                        case_api.grant(
                            cursor, f"person:p{person_number}", CONFLICTS[0][number], "*", "w", MACHINE
                        ).outcome
                    )
        return outcomes

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(grant, (0, 1))
    assert [sorted(pair) for pair in zip(one, other, strict=True)] == [["answered", "refused"]] * 10
    assert desk.count() == 20


def test_a_deployment_changes_the_separation_of_duties_on_the_record(desk: Desk) -> None:
    stack = "arn:aws:cloudformation:eu-west-1:1:stack/claimwatch/1"
    assert not separate_duties(desk.database, "enforced", stack)
    assert separate_duties(desk.database, "relaxed", stack)
    assert not separate_duties(desk.database, "relaxed", stack)
    assert separate_duties(desk.database, "enforced", stack)
    events = [(event["action"], event["actor"], event["via"]) for event in desk.events()]
    assert events == [
        ("duties.relaxed", stack, "deployment"),
        ("duties.enforced", stack, "deployment"),
    ]


# -- Administration ------------------------------------------------------------------------------------------


def test_a_grant_for_a_line_that_does_not_exist_is_made_with_a_warning(desk: Desk) -> None:
    misspelt = desk.grant("group:lead", "case.assign", "gloss")
    assert misspelt.outcome == "answered"
    assert "no contract of this line" in misspelt.document["warning"]
    assert "case.assign" in desk.effective("ann", "lead")
    for line in ("glass", "*"):
        assert desk.grant("group:lead", "photo.view", line).document["warning"] is None


def test_a_grant_is_on_record_and_shows_who_gave_it_and_why(desk: Desk) -> None:
    granted = desk.ask("grant", "group:night shift", "claim.read", "glass", "holidays", caller=MACHINE)
    assert granted.outcome == "answered"
    stored = {name: value for name, value in granted.document.items() if name != "warning"}
    assert granted.document["warning"] is None
    assert {name: value for name, value in stored.items() if name != "granted_at"} == {
        "grantee": "group:night shift",
        "permission": "claim.read",
        "line": "glass",
        "granted_by": MACHINE.actor,
        "why": "holidays",
    }
    event = desk.last_event()
    assert (event["action"], event["object"], event["line"]) == (
        "permission.grant",
        "group:night shift claim.read",
        "glass",
    )
    assert (event["actor"], event["reason"], event["via"]) == (MACHINE.actor, "holidays", "v1")
    listed = desk.ask("permissions", caller=MACHINE).document
    assert stored in listed["permissions"]
    assert sorted(map(sorted, listed["conflicts"])) == sorted(map(sorted, CONFLICTS))
    again = desk.ask("grant", "group:night shift", "claim.read", "glass", "again", caller=MACHINE)
    assert again.document == granted.document  # who gave it first stays
    assert [event["action"] for event in desk.events()] == [
        "permission.grant",
        "permissions.list",
        "permission.grant",
    ]


def test_a_revoked_permission_has_no_effect_at_once_and_is_on_record(desk: Desk) -> None:
    investigator = person("ann", "investigator")
    assert desk.ask("read_claim", "glass", "g-1", caller=investigator).outcome == "answered"
    revoked = desk.ask("revoke", "group:investigator", "claim.read", "*", "moved", caller=MACHINE)
    assert (revoked.outcome, revoked.document["granted_by"]) == ("answered", "migration 0026")
    event = desk.last_event()
    assert (event["action"], event["object"], event["reason"]) == (
        "permission.revoke",
        "group:investigator claim.read",
        "moved",
    )
    assert desk.ask("read_claim", "glass", "g-1", caller=investigator).outcome == "refused"
    again = desk.ask("revoke", "group:investigator", "claim.read", "*", "moved", caller=MACHINE)
    assert again.outcome == "not_found"


@pytest.mark.parametrize(
    ("grantee", "permission", "line", "why"),
    [
        ("lead", "claim.read", "*", "why"),
        ("group:", "claim.read", "*", "why"),
        ("", "claim.read", "*", "why"),
        ("role:lead", "claim.read", "*", "why"),
        ("group:a\nb", "claim.read", "*", "why"),
        ("group:" + "a" * 201, "claim.read", "*", "why"),
        ("group:lead", "claim.write", "*", "why"),
        ("group:lead", "", "*", "why"),
        ("group:lead", "claim.read", "", "why"),
        ("group:lead", "claim.read", "Glass", "why"),
        ("group:lead", "claim.read", "glass pane", "why"),
        ("group:lead", "claim.read", "*", ""),
        ("group:lead", "claim.read", "*", "  "),
        ("group:lead", "claim.read", "*", "w" * 2001),
    ],
)
def test_a_malformed_grant_changes_nothing_and_is_on_record(
    shared_desk: Desk, grantee: str, permission: str, line: str, why: str
) -> None:
    before = shared_desk.site.query("SELECT * FROM claimwatch.permission ORDER BY 1, 2, 3")
    answer = shared_desk.ask("grant", grantee, permission, line, why, caller=MACHINE)
    assert (answer.outcome, answer.document) == ("refused", {"code": "malformed"})
    assert shared_desk.last_event()["reason"] == "malformed"
    assert shared_desk.site.query("SELECT * FROM claimwatch.permission ORDER BY 1, 2, 3") == before


GRANTEES = ("group:a", "group:ab", "person:p", "person:a")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    grants=st.lists(
        st.tuples(
            st.sampled_from(GRANTEES),
            st.sampled_from(("case.decide", "audit.read", "model.train", "model.promote", "claim.read")),
            st.sampled_from(("*", "glass")),
            st.booleans(),
        ),
        max_size=20,
    ),
    groups=st.sets(st.sampled_from(("a", "ab", "b", "p"))),
    relaxed=st.booleans(),
)
def test_what_is_effective_follows_from_grants_and_revocations(
    matrix_desk: Desk, grants: list[tuple[str, str, str, bool]], groups: set[str], relaxed: bool
) -> None:
    """A model of permissions in memory and the database agree."""
    matrix_desk.relax_duties("relaxed" if relaxed else "enforced")
    matrix_desk.site.query(
        "DELETE FROM claimwatch.permission WHERE grantee = ANY (%s) RETURNING 1", list(GRANTEES)
    )
    held: set[tuple[str, str, str]] = set()
    before, calls = matrix_desk.count(), 0
    for grantee, permission, line, revoke in grants:
        calls += 1
        if revoke:
            answer = matrix_desk.ask("revoke", grantee, permission, line, "w", caller=MACHINE)
            assert (answer.outcome == "answered") == ((grantee, permission, line) in held)
            held.discard((grantee, permission, line))
            continue
        of_grantee = {other for who, other, _ in held if who == grantee} | {permission}
        allowed = relaxed or not any(of_grantee >= set(pair) and permission in pair for pair in CONFLICTS)
        assert (matrix_desk.grant(grantee, permission, line).outcome == "answered") == allowed
        if allowed:
            held.add((grantee, permission, line))
    mine = {"person:p", *(f"group:{group}" for group in groups)}
    of_person = {(permission, line) for who, permission, line in held if who in mine}
    names = {permission for permission, _ in of_person}
    effective = names if relaxed else without_conflicts(names)
    wanted = {each: sorted(line for name, line in of_person if name == each) for each in effective}
    assert matrix_desk.effective("p", *groups) == wanted
    assert matrix_desk.count() == before + calls
    matrix_desk.relax_duties("enforced")
