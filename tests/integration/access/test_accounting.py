"""Events written = answers given, in whatever order people and machines ask.

The suite runs 40 sequences; CLAIMWATCH_SEQUENCES=5000 runs as many.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from claimwatch.domain.access.permissions import PERMISSIONS
from claimwatch.storage import case_api
from claimwatch.storage.case_api import Answer, Caller
from tests.cluster import Cluster
from tests.integration.access.environment import GUILTY, Desk

SEQUENCES = int(os.environ.get("CLAIMWATCH_SEQUENCES", "40"))

ACTORS = st.sampled_from(("ann", "bob", "lead", "arn:aws:iam::1:user/core"))
GROUPS = st.sets(
    st.sampled_from(("investigator", "lead", "auditor", "privacy_officer", "data_scientist", "lea", "")),
    max_size=3,
)
VALID = ("claim_handling", "audit", "testing")
PURPOSES = st.sampled_from((*VALID, *VALID, "curiosity", "", None))
LINES = st.sampled_from(
    ("glass", "glass", "glass", "glass", "pane", "motor", "no_such_line", "GLASS", "'; --", "*")
)
CLAIMS = st.sampled_from((*GUILTY, *GUILTY, "17", "g-9", "", "' OR true --", "\0"))
GRANTEES = st.sampled_from(("group:lea", "group:lead", "person:ann", "person:bob", "nobody", "group:"))
FILTERS = st.dictionaries(
    st.sampled_from(
        ("claim", "line", "model", "actor", "purpose", "action", "since", "until", "cursor", "other")
    ),
    st.sampled_from(("g-1", "glass", "3", "ann", "audit", "claim.read", "2026-01-01", "1", "'")),
    max_size=3,
)
CALLERS = st.builds(
    Caller,
    ACTORS,
    PURPOSES,
    st.uuids().map(str),
    st.lists(st.sampled_from(("investigator", "lead", "auditor")), max_size=2),
)
INVESTIGATORS = st.builds(
    Caller, ACTORS, st.sampled_from(VALID), st.uuids().map(str), st.just(("investigator",))
)
COMMITTED = st.sampled_from((True, True, True, False))
ACTIONS = {
    "claim_status": "claim.status",
    "models": "models.list",
    "audit": "audit.list",
    "permissions": "permissions.list",
    "grant": "permission.grant",
    "revoke": "permission.revoke",
}


class Interrupted(Exception):
    """Ends a transaction before it is committed."""


class Asking(RuleBasedStateMachine):
    """Calls every function of the API in any order; some transactions are not committed."""

    desk: ClassVar[Desk]
    granted: ClassVar[str]
    totals: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        [row] = self.desk.site.query("SELECT coalesce(max(seq), 0) AS seq FROM claimwatch.access_event")
        self.start: int = row["seq"]
        self.desk.site.query(
            "DELETE FROM claimwatch.permission; INSERT INTO claimwatch.permission"
            " SELECT * FROM jsonb_populate_recordset(NULL::claimwatch.permission, %s::jsonb) RETURNING 1",
            self.granted,
        )
        self.expected: list[tuple[Any, ...]] = []
        self.handed_out = 0

    @rule(caller=CALLERS, line=LINES, claim=CLAIMS, unmask=st.booleans(), commit=COMMITTED)
    def read_claim(self, caller: Caller, line: str, claim: str, unmask: bool, commit: bool) -> None:
        action = "claim.unmask" if unmask else "claim.read"
        answer = self.call(action, "read_claim", line, claim, caller, commit=commit, unmask=unmask)
        if answer.outcome == "answered" and commit:
            self.handed_out += 1
        else:
            assert not {"columns", "score"} & answer.document.keys() or not commit

    @rule(caller=INVESTIGATORS, claim=st.sampled_from(GUILTY), unmask=st.booleans(), commit=COMMITTED)
    def read_known_claim(self, caller: Caller, claim: str, unmask: bool, commit: bool) -> None:
        self.read_claim(caller, "glass", claim, unmask, commit)

    @rule(caller=CALLERS, line=LINES, claim=CLAIMS, commit=COMMITTED)
    def claim_status(self, caller: Caller, line: str, claim: str, commit: bool) -> None:
        answer = self.call("claim.status", "claim_status", line, claim, caller, commit=commit)
        self.handed_out += answer.outcome == "answered" and commit

    @rule(caller=CALLERS, line=LINES)
    def models(self, caller: Caller, line: str) -> None:
        self.call("models.list", "models", line, caller)

    @rule(caller=CALLERS, filters=FILTERS, limit=st.integers(-1, 20))
    def audit(self, caller: Caller, filters: dict[str, str], limit: int) -> None:
        self.call("audit.list", "audit", filters, caller, limit=limit)

    @rule(caller=CALLERS)
    def permissions(self, caller: Caller) -> None:
        self.call("permissions.list", "permissions", caller)

    @rule(
        caller=CALLERS,
        grantee=GRANTEES,
        permission=st.sampled_from((*PERMISSIONS, "x")),
        line=LINES,
        why=st.sampled_from(("because", "")),
        change=st.sampled_from(("grant", "revoke")),
    )
    def change(self, caller: Caller, grantee: str, permission: str, line: str, why: str, change: str) -> None:
        self.call(ACTIONS[change], change, grantee, permission, line, why, caller)

    @rule(caller=CALLERS, line=LINES, action=st.sampled_from(("claim.read", "no action")))
    def refuse(self, caller: Caller, line: str, action: str) -> None:
        recorded = "unknown" if " " in action else action
        self.call(recorded, "refused", action, caller, via="app", reason="malformed", line=line)

    @rule(actor=ACTORS, groups=GROUPS)
    def me(self, actor: str, groups: set[str]) -> None:
        self.desk.me(actor, *groups)

    @rule(value=st.sampled_from(("enforced", "relaxed")))
    def separate(self, value: str) -> None:
        self.desk.relax_duties(value)

    def call(self, action: str, function: str, *values: Any, commit: bool = True, **options: Any) -> Answer:
        [caller] = [value for value in values if isinstance(value, Caller)]
        answer = Answer("refused", {})
        with suppress(Interrupted), self.desk.database.as_task("api").transaction() as cursor:
            answer = getattr(case_api, function)(cursor, *values, **options)
            if not commit:
                raise Interrupted
        if commit:
            self.expected.append((caller.request_id, caller.actor, action, answer.outcome))
        if answer.outcome == "answered":
            assert caller.purpose in VALID
        return answer

    def teardown(self) -> None:
        """Compare the events with the answers."""
        self.desk.relax_duties("enforced")
        events = self.desk.site.query(
            "SELECT request_id, actor, action, outcome, purpose FROM claimwatch.access_event"
            " WHERE seq > %s ORDER BY seq",
            self.start,
        )
        assert [tuple(event.values())[:4] for event in events] == self.expected
        answered = [event for event in events if event["outcome"] == "answered"]
        assert all(event["purpose"] for event in answered)
        read = Counter(event["action"] for event in answered)
        assert read["claim.read"] + read["claim.unmask"] + read["claim.status"] == self.handed_out
        Asking.totals.update(calls=len(events), handed_out=self.handed_out, sequences=1)


@pytest.fixture(scope="module")
def asked_desk(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with cluster.clone() as url, closing(cluster.database(url)) as database:
        yield Desk.below(database, tmp_path_factory.mktemp("buckets"))


@pytest.mark.timeout(120 + SEQUENCES)
def test_events_written_are_the_rows_handed_out_whatever_is_asked(asked_desk: Desk) -> None:
    Asking.desk = asked_desk
    [row] = asked_desk.site.query("SELECT jsonb_agg(to_jsonb(p)) AS granted FROM claimwatch.permission AS p")
    Asking.granted = json.dumps(row["granted"])
    run_state_machine_as_test(
        Asking,
        settings=settings(
            max_examples=SEQUENCES,
            stateful_step_count=12,
            suppress_health_check=list(HealthCheck),
            deadline=None,
        ),
    )
    print(dict(Asking.totals))
    assert Asking.totals["handed_out"] > 0
