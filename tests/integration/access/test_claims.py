"""Claims through the API: what is handed out, to whom, and the event of each answer."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwatch.api.machines import Models
from claimwatch.domain.contract.purposes import DEFAULT_PURPOSES
from claimwatch.storage.case_api import Answer, Caller
from tests.integration.access.environment import (
    DECIDER,
    DRIVER,
    GUILTY,
    MACHINE,
    STORY,
    Desk,
    person,
    values_of,
)
from tests.integration.ingest.glass import GLASS

NOT_FOUND = Answer("not_found", {"code": "not_found"})
INVESTIGATOR = person("ann", "investigator")
STATUS_OF = dict(zip(GUILTY, ("scored", "scored", "decided", "received"), strict=True))


@pytest.mark.parametrize("claim", GUILTY)
def test_a_machine_learns_how_far_a_claim_is_and_nothing_personal(shared_desk: Desk, claim: str) -> None:
    answer = shared_desk.ask("claim_status", "glass", claim, caller=MACHINE)
    assert answer.outcome == "answered"
    assert answer.document.keys() == {"line", "claim_id", "status", "score", "decision"}
    assert answer.document["status"] == STATUS_OF[claim]
    score = answer.document["score"]
    if claim == "g-4":
        assert score is None
    else:
        assert score.keys() == {"probability", "percentile", "referred", "model_version", "scored_at"}
        assert (score["probability"], score["model_version"]) == (0.75, "3")
    decided = {"is_fraud": True, "decided_at": "2026-01-02T00:00:00+00:00"}
    assert answer.document["decision"] == (decided if claim == "g-3" else None)
    event = shared_desk.last_event()
    asked = ("v1", "claim.status", "glass", claim, MACHINE.actor, "claim_handling", "request-1", "answered")
    assert tuple(event[name] for name in COMPARED) == asked
    assert event["model_version"] == (None if claim == "g-4" else "3")


PANES = """\
      - name: panes
        logicalType: integer
        required: false
        customProperties: [{property: role, value: feature}"""
PERSONAL_PANES = PANES.replace("custom", "classification: personal\n        custom")
GLASS_WITH_PERSONAL_PANES = GLASS.replace("version: 1.0.0", "version: 1.1.0").replace(
    PANES, PERSONAL_PANES + ", {property: storeAs, value: plain}"
)
COMPARED = ("via", "action", "line", "object", "actor", "purpose", "request_id", "outcome")


def test_personal_and_hashed_columns_are_masked_until_somebody_unmasks_them(shared_desk: Desk) -> None:
    masked = shared_desk.ask("read_claim", "glass", "g-1", caller=INVESTIGATOR)
    assert masked.outcome == "answered"
    assert masked.document["masked"] == ["driver", "story"]
    values = values_of(masked.document)
    assert values == {
        "claim_id": "g-1",
        "broken_on": "2026-01-01",
        "amount": 900,
        "panes": 7,
        "driver": None,
        "story": None,
    }
    assert [column["name"] for column in masked.document["columns"] if column["masked"]] == [
        "driver",
        "story",
    ]
    assert shared_desk.last_event()["action"] == "claim.read"
    shown = shared_desk.ask("read_claim", "glass", "g-1", caller=INVESTIGATOR, unmask=True)
    assert shown.document["masked"] == []
    values = values_of(shown.document)
    assert values["story"] == STORY
    assert len(values["driver"]) == 32  # a hash: nothing else is stored
    assert shared_desk.last_event()["action"] == "claim.unmask"


@pytest.mark.parametrize("claim", GUILTY)
@pytest.mark.parametrize("unmask", [False, True])
def test_no_answer_tells_the_random_audit_the_decider_or_unknown_columns(
    shared_desk: Desk, claim: str, unmask: bool
) -> None:
    people = shared_desk.ask("read_claim", "glass", claim, caller=INVESTIGATOR, unmask=unmask)
    machines = shared_desk.ask("claim_status", "glass", claim, caller=MACHINE)
    for answer in (people, machines):
        text = json.dumps(answer.document)
        for secret in (
            "audit",
            DECIDER,
            "Mephisto",
            "unknown_to_the_contract",
            "extra",
            "row_number",
            DRIVER,
        ):
            assert secret not in text
        assert unmask or STORY not in text


def test_a_claim_of_the_random_audit_looks_like_any_other(shared_desk: Desk) -> None:
    drawn = shared_desk.ask("read_claim", "glass", "g-2", caller=INVESTIGATOR).document
    other = shared_desk.ask("read_claim", "glass", "g-1", caller=INVESTIGATOR).document
    assert drawn.keys() == other.keys()
    assert drawn["score"].keys() == other["score"].keys()
    assert drawn["decision"] is None is other["decision"]


def test_a_reason_does_not_quote_a_column_that_has_become_personal(desk: Desk) -> None:
    [_, panes] = desk.ask("read_claim", "glass", "g-1", caller=INVESTIGATOR).document["score"]["reasons"]
    assert panes["text"] == "panes 7, usually 1"
    desk.put_contract("glass", GLASS_WITH_PERSONAL_PANES)
    document = desk.ask("read_claim", "glass", "g-1", caller=INVESTIGATOR).document
    assert document["masked"] == ["panes", "driver", "story"]
    amount, panes = document["score"]["reasons"]
    assert amount["text"] == "amount 900, usually 80"
    assert panes["value"] is None
    assert "text" not in panes
    assert panes["masked"]
    unmasked = desk.ask("read_claim", "glass", "g-1", caller=INVESTIGATOR, unmask=True).document
    assert unmasked["score"]["reasons"][1]["text"] == "panes 7, usually 1"


def test_without_a_compiled_contract_no_column_is_shown(desk: Desk) -> None:
    desk.site.query("UPDATE claimwatch.contract SET compiled = NULL RETURNING 1")
    answer = desk.ask("read_claim", "glass", "g-1", caller=INVESTIGATOR, unmask=True)
    assert (answer.outcome, answer.document["columns"]) == ("answered", [])


COMPILED: list[Any] = [
    None, 5, "x", [], {}, {"columns": None}, {"columns": 5}, {"columns": {"name": "story"}},
    {"columns": [None, 5, []]}, {"columns": [{"personal": False, "hashed": False}]},
    {"columns": [], "purposes": {}}, {"purposes": []},
]  # fmt: skip
"""Compiled forms that name no column."""


@pytest.mark.parametrize("compiled", COMPILED)
def test_a_compiled_form_that_cannot_be_read_shows_nothing(shared_desk: Desk, compiled: Any) -> None:
    with running_form(shared_desk, compiled):
        answer = shared_desk.ask("read_claim", "glass", "g-1", caller=INVESTIGATOR, unmask=True)
        assert (answer.outcome, answer.document["columns"]) == ("answered", [])
        assert shared_desk.ask("claim_status", "glass", "g-1", caller=MACHINE).outcome == "answered"


FLAGS = (True, False, None, "absent", "false", 0)


@settings(max_examples=50)
@given(flags=st.lists(st.tuples(st.sampled_from(FLAGS), st.sampled_from(FLAGS)), min_size=6, max_size=6))
def test_only_columns_that_are_known_to_be_neither_personal_nor_hashed_are_shown(
    shared_desk: Desk, flags: list[tuple[Any, Any]]
) -> None:
    values = {"claim_id": "g-1", "broken_on": "2026-01-01", "amount": 900, "panes": 7, "story": STORY}
    columns, shown = [], set()
    for name, (personal, hashed) in zip([*values, "driver"], flags, strict=True):
        given_flags = {"personal": personal, "hashed": hashed}
        columns.append({"name": name} | {key: flag for key, flag in given_flags.items() if flag != "absent"})
        if personal is False and hashed is False and name != "driver":  # which is stored as a hash
            shown.add(name)
    with running_form(shared_desk, {"columns": columns}):
        document = shared_desk.ask("read_claim", "glass", "g-1", caller=INVESTIGATOR).document
    assert {name for name, value in values_of(document).items() if value is not None} == shown
    assert document["masked"] == [column["name"] for column in columns if column["name"] not in shown]
    quoted = {each["feature"] for each in document["score"]["reasons"] if "text" in each}
    assert quoted == {"amount", "panes"} & shown
    text = json.dumps(document["columns"])
    for name, value in values.items():
        assert name in shown or json.dumps(value) not in text


@contextmanager
def running_form(desk: Desk, compiled: Any) -> Iterator[None]:
    """Replace the compiled form of line glass in a block."""
    form = "SELECT compiled FROM claimwatch.contract WHERE line = 'glass'"
    change = "UPDATE claimwatch.contract SET compiled = %s WHERE line = 'glass' RETURNING 1"
    [before] = desk.site.query(form)
    desk.site.query(change, json.dumps(compiled))
    try:
        yield
    finally:
        desk.site.query(change, json.dumps(before["compiled"]))


def test_the_newest_row_of_a_claim_has_the_score_of_that_row(desk: Desk) -> None:
    newer = desk.site.drop(
        "claims/glass/b.csv",
        "claim_id,broken_on,amount,panes,driver,story\ng-1,2026-01-01,901,7,A B C,x y z\n",
    )
    document = desk.ask("read_claim", "glass", "g-1", caller=INVESTIGATOR).document
    assert values_of(document)["amount"] == 901
    assert document["score"] is None  # the score of the replaced row is not its score
    assert desk.ask("claim_status", "glass", "g-1", caller=MACHINE).document["status"] == "received"
    desk.score("glass", "g-1", newer["file_id"], referred=False, drawn=False, version="4")
    document = desk.ask("read_claim", "glass", "g-1", caller=INVESTIGATOR).document
    assert document["score"]["model_version"] == "4"


def test_a_claim_is_read_after_its_view_was_created_anew(desk: Desk) -> None:
    """A column whose type widens needs another view, which the functions of the API may read again."""
    wider = GLASS.replace("version: 1.0.0", "version: 1.1.0").replace("integer", "number")
    desk.put_contract("glass", wider)
    document = desk.ask("read_claim", "glass", "g-1", caller=INVESTIGATOR).document
    assert values_of(document)["panes"] == 7
    assert document["contract_version"] == "1.1.0"


def test_a_claim_of_a_file_that_is_not_committed_is_unknown(desk: Desk) -> None:
    desk.site.query("UPDATE claimwatch.file SET status = 'loading', committed_at = NULL RETURNING 1")
    assert desk.ask("claim_status", "glass", "g-1", caller=MACHINE) == NOT_FOUND


def test_an_early_label_without_fraud_decides_nothing(desk: Desk) -> None:
    """Systems write it until somebody finds a fraud; the work list treats it in the same way."""
    desk.site.query(
        "INSERT INTO claimwatch.outcome (line, claim_id, is_fraud, decided_at, source, file_id, row_number)"
        " SELECT 'glass', 'g-1', false, f.received_at + interval '9 days', 'label', f.file_id, 1"
        " FROM claimwatch.file AS f WHERE f.key = 'claims/glass/a.csv' RETURNING 1"
    )
    assert desk.ask("claim_status", "glass", "g-1", caller=MACHINE).document["status"] == "scored"


@pytest.mark.parametrize("claim", ["17", "017", "1e3", "x", "", "17; DROP", "9" * 400, "17 ", "\0", "½"])
def test_ids_that_are_numbers_are_found_by_number_and_others_are_unknown(
    shared_desk: Desk, claim: str
) -> None:
    answer = shared_desk.ask("claim_status", "pane", claim, caller=MACHINE)
    if claim.strip().lstrip("0") == "17":
        assert answer.document["claim_id"] == "17"
        assert shared_desk.last_event()["object"] == "17"
    else:
        assert answer == NOT_FOUND
        assert shared_desk.last_event()["outcome"] == "not_found"


# -- Purposes ------------------------------------------------------------------------------------------------


def test_the_database_and_the_code_have_the_same_default_purposes(shared_desk: Desk) -> None:
    [row] = shared_desk.site.query("SELECT claimwatch.default_purposes() AS purposes")
    assert tuple(row["purposes"]) == DEFAULT_PURPOSES


@pytest.mark.parametrize(
    "purpose", [None, "", "curiosity", "CLAIM_HANDLING", "claim_handling ", "%", "Zoe Ann"]
)
@pytest.mark.parametrize(
    ("function", "values"),
    [
        ("claim_status", ("glass", "g-1")),
        ("models", ("glass",)),
        ("read_claim", ("glass", "g-1")),
        ("audit", ({},)),
        ("permissions", ()),
        ("grant", ("group:x", "claim.read", "*", "why")),
        ("revoke", ("group:lead", "claim.read", "*", "why")),
    ],
)
def test_without_a_valid_purpose_nothing_is_handed_out_and_the_attempt_is_on_record(
    shared_desk: Desk, function: str, values: tuple[Any, ...], purpose: str | None
) -> None:
    before = shared_desk.count()
    caller = Caller("ann", purpose, "r", ("investigator", "lead"))
    answer = shared_desk.ask(function, *values, caller=caller)
    assert (answer.outcome, answer.document["code"]) == ("refused", "purpose")
    assert answer.document.keys() == {"code", "purposes"}
    assert shared_desk.count() == before + 1
    event = shared_desk.last_event()
    assert (event["outcome"], event["reason"], event["purpose"]) == ("refused", "purpose", None)
    if purpose:
        assert purpose not in json.dumps([event["object"], event["line"], event["reason"]])


def test_a_line_has_the_purposes_of_its_contract(desk: Desk) -> None:
    named = GLASS.replace("version: 1.0.0", "version: 1.1.0").replace(
        "customProperties:\n", "customProperties:\n  - {property: purposes, value: [subrogation]}\n", 1
    )
    desk.put_contract("glass", named)
    assert desk.ask("claim_status", "glass", "g-1", caller=MACHINE).document["purposes"] == ["subrogation"]
    allowed = replace(MACHINE, purpose="subrogation")
    assert desk.ask("claim_status", "glass", "g-1", caller=allowed).outcome == "answered"
    assert desk.ask("models", "glass", caller=allowed).outcome == "answered"
    assert desk.ask("claim_status", "pane", "17", caller=allowed).document["code"] == "purpose"
    assert desk.me("ann", "investigator")["lines"][0] == {"line": "glass", "purposes": ["subrogation"]}


# -- Lines ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", ["fraud_investigation", "subrogation", None])
@pytest.mark.parametrize("unmask", [False, True])
def test_a_line_that_is_not_granted_and_an_unknown_line_have_the_same_answers(
    desk: Desk, purpose: str | None, unmask: bool
) -> None:
    named = GLASS.replace("version: 1.0.0", "version: 1.1.0").replace(
        "customProperties:\n", "customProperties:\n  - {property: purposes, value: [subrogation]}\n", 1
    )
    desk.put_contract("glass", named)
    desk.grant("person:bob", "claim.read", "pane")
    bob = person("bob", purpose=purpose)
    hidden = desk.ask("read_claim", "glass", "g-1", caller=bob, unmask=unmask)
    assert hidden == desk.ask("read_claim", "no_such_line", "g-1", caller=bob, unmask=unmask)
    assert hidden == desk.ask("read_claim", "glass", "no such claim", caller=bob, unmask=unmask)
    if purpose == "fraud_investigation":
        assert hidden == NOT_FOUND
    assert [event["outcome"] for event in desk.events()[-3:]] == [hidden.outcome] * 3
    assert [line["line"] for line in desk.me("bob")["lines"]] == ["pane"]


def test_a_person_is_told_the_lines_of_every_permission(desk: Desk) -> None:
    desk.grant("person:mia", "model.read", "pane")
    desk.grant("person:lea", "case.assign")
    desk.grant("person:lea", "claim.read", "pane")
    assert [line["line"] for line in desk.me("mia")["lines"]] == ["pane"]
    assert [line["line"] for line in desk.me("lea")["lines"]] == ["glass", "motor", "pane"]
    assert desk.me("nobody")["lines"] == []


def test_an_unknown_line_is_not_found_by_machines(shared_desk: Desk) -> None:
    assert shared_desk.ask("claim_status", "no_such_line", "g-1", caller=MACHINE) == NOT_FOUND
    assert shared_desk.ask("models", "no_such_line", caller=MACHINE) == NOT_FOUND


def test_models_of_a_line_are_listed_with_their_live_roles(desk: Desk) -> None:
    desk.site.query(
        "INSERT INTO claimwatch.model_version (line, version, status, data_sha256, code_version,"
        " contract_version, bundle_uri, bundle_sha256, created_at)"
        " SELECT 'glass', v, 'registered', 'd', 'c', '1.0.0', 'u', 'h' || v,"
        " timestamptz '2026-01-01Z' + v::int * interval '1 day' FROM unnest('{1,2}'::text[]) AS v RETURNING 1"
    )
    desk.site.query(
        "INSERT INTO claimwatch.promotion (request_id, line, version, role, action, at, by, why,"
        " bundle_uri, bundle_sha256)"
        " VALUES ('r', 'glass', '1', 'champion', 'promote', '2026-01-09Z', 'b', 'w', 'u', 'h1') RETURNING 1"
    )
    [newer, older] = desk.ask("models", "glass", caller=MACHINE).document["models"]
    assert (newer["version"], newer["roles"]) == ("2", [])
    assert older["roles"] == [{"role": "champion", "since": "2026-01-09T00:00:00+00:00"}]
    assert older["sha256"] == "h1"
    none = desk.ask("models", "pane", caller=MACHINE).document
    assert (none["line"], none["models"], none["trainings"]) == ("pane", [], [])


def test_a_machine_learns_how_trainings_and_contracts_ended_and_no_words_of_persons(desk: Desk) -> None:
    desk.site.query(
        "INSERT INTO claimwatch.model_version (line, version, status, metrics, data_sha256, code_version,"
        " contract_version, bundle_uri, bundle_sha256, warnings, failed_gates)"
        " VALUES ('glass', '1', 'registered', '{\"roc_auc\": 0.81, \"brier\": null}', 'd', 'c', '1.0.0',"
        ' \'s3://b/models/glass/1/\', \'h1\', \'[{"kind": "leak", "column": "c", "found": "f"}]\', \'{}\')'
        " RETURNING 1"
    )
    desk.site.query(
        "INSERT INTO claimwatch.training (training_id, line, version, why, asked_by, caller, status,"
        " asked_at, deadline, ended_at, error)"
        " SELECT 't-' || v, 'glass', v, 'because of ann', 'ann', 'arn:ann', 'failed',"
        " timestamptz '2026-01-01Z' + v::int * interval '1 day', now(), now(), 'no instance'"
        " FROM (SELECT n::text FROM generate_series(1, 25) AS n) AS s (v) RETURNING 1"
    )
    draft = GLASS.replace("status: active", "status: draft").replace("version: 1.0.0", "version: 1.1.0")
    assert desk.site.put_contract("glass", draft).status == "refused"
    listed = Models.model_validate_json(json.dumps(desk.ask("models", "glass", caller=MACHINE).document))
    [model] = listed.models
    assert (model.metrics, model.failed_gates) == ({"roc_auc": 0.81, "brier": None}, [])
    assert [(warning.column, warning.found) for warning in model.warnings] == [("c", "f")]
    assert [training.training_id for training in listed.trainings] == [f"t-{v}" for v in range(25, 5, -1)]
    assert {training.error for training in listed.trainings} == {"no instance"}
    refused, applied = listed.contracts
    assert (refused.status, applied.status, applied.version) == ("refused", "applied", "1.0.0")
    assert refused.error is not None
    assert "draft" in refused.error
    assert applied.sha256 == hashlib.sha256(GLASS.encode()).hexdigest()
    assert "ann" not in listed.model_dump_json()


# -- Hostile texts -------------------------------------------------------------------------------------------

HOSTILE = [
    "' OR '1'='1", "glass'; DROP TABLE claimwatch.score; --", 'glass" UNION SELECT 1 --', "%", "_", "glass\0",
    "GLASS", " glass", "glass ", "pg_catalog", "*", "", "claim_glass", "glass AS c, claimwatch.audit_key",
    "ga" * 5000, "\ud800", "\u202eglass", "${jndi:x}", "$1", "%s", "{}", "image",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_finds_nothing_and_is_recorded_as_text(shared_desk: Desk, text: str) -> None:
    auditor = person("eve", "auditor", purpose="audit")
    before = shared_desk.count()
    for answer in (
        shared_desk.ask("claim_status", text, "g-1", caller=MACHINE),
        shared_desk.ask("claim_status", "glass", text, caller=MACHINE),
        shared_desk.ask("models", text, caller=MACHINE),
        shared_desk.ask("read_claim", text, "g-1", caller=INVESTIGATOR),
        shared_desk.ask("read_claim", "glass", text, caller=INVESTIGATOR, unmask=True),
    ):
        assert answer == NOT_FOUND
    names = ("claim", "line", "model", "actor", "purpose", "action")
    found = [shared_desk.ask("audit", {name: text}, caller=auditor) for name in names]
    for name, answer in zip(names, found, strict=True):
        assert answer.outcome == "answered"
        assert name in ("claim", "line") or answer.document["events"] == []
    for name in ("since", "until", "cursor"):
        assert shared_desk.ask("audit", {name: text}, caller=auditor).outcome == "refused"
    granted = shared_desk.ask("grant", f"group:{text}", "claim.read", text, "why", caller=MACHINE)
    names_a_line = text == "*" or re.fullmatch("[a-z][a-z0-9_]{0,39}", text)
    assert granted.outcome == ("answered" if names_a_line else "refused")
    shared_desk.ask("revoke", f"group:{text}", "claim.read", text, "why", caller=MACHINE)
    shared_desk.ask("refused", text, caller=replace(MACHINE, actor=text), via="v1", reason=text, line=text)
    assert shared_desk.count() == before + 5 + 6 + 3 + 3
    [row] = shared_desk.site.query("SELECT count(*) FROM claimwatch.score")
    assert row["count"] == 3
