"""A model that only the gate for bias refused goes live if a second person has approved that."""

from typing import Any

import pytest

from claimwatch.errors import RefusedData
from claimwatch.models.callers import same_person
from claimwatch.storage.connection import StatementRefused
from tests.integration.models.environment import APPROVER, CALLER, ModelEnvironment

UNFAIR: dict[str, Any] = {
    "refused_because": "bias: women are referred 1.4 times as often",
    "failed_gates": ["bias"],
}


@pytest.fixture
def refused(environment: ModelEnvironment) -> ModelEnvironment:
    """Line glass with model 1, which only the gate for bias refused."""
    environment.register("1", **UNFAIR)
    return environment


def test_an_approved_model_is_promoted_by_somebody_else_and_the_history_shows_both(
    refused: ModelEnvironment,
) -> None:
    with pytest.raises(RefusedData, match=r"women.*claimwatch approve glass 1 --exception bias --why"):
        refused.promote("1")

    approved = refused.approve("1")
    promoted = refused.promote("1")

    assert (approved.changed, approved.bundle_sha256) == (True, "111")
    assert refused.live() == {"champion": "1"}
    [remark] = promoted.remarks
    assert remark.startswith(
        f"The gate for bias refused it; rita ({APPROVER}) approved an exception: the law"
    )
    [record] = refused.site.query("SELECT * FROM claimwatch.model_exception")
    assert (record["by"], record["caller"], record["why"]) == (
        "rita",
        APPROVER,
        "the law allows this attribute",
    )
    assert (record["gate"], record["bundle_sha256"]) == ("bias", "111")
    assert record["at"] is not None


@pytest.mark.parametrize(
    "caller",
    [CALLER, CALLER.replace("data-science", "compliance"), "arn:aws:iam::123456789012:user/ann"],
    ids=["the same session", "another role", "a user"],
)
def test_whoever_approves_an_exception_may_not_promote_the_model(
    refused: ModelEnvironment, caller: str
) -> None:
    refused.approve("1", caller)

    with pytest.raises(RefusedData, match="approved by the same person"):
        refused.promote("1")

    assert refused.live() == {}
    assert refused.promote("1", caller=APPROVER).changed


def test_persons_are_told_apart_by_the_last_part_of_their_arn() -> None:
    assert same_person(CALLER, CALLER)
    assert not same_person(CALLER, APPROVER)
    assert not same_person("arn:aws:iam::123456789012:root", CALLER)


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ({}, "was not refused"),
        (
            {"refused_because": "use: lift 0.9", "failed_gates": ["use"]},
            "refused by use, to which there is no",
        ),
        (
            {"refused_because": "leak: 1.0; bias: women", "failed_gates": ["leak", "bias"]},
            "refused by leak, to which there is no exception: leak: 1.0; bias: women",
        ),
        ({"refused_because": "bias: women"}, "not recorded which gates refused model 2"),
    ],
)
def test_there_is_no_exception_to_any_other_gate(
    environment: ModelEnvironment, model: dict[str, Any], why: str
) -> None:
    environment.register("2", **model)

    with pytest.raises(RefusedData, match=why):
        environment.approve("2")
    with pytest.raises(RefusedData, match="no model 9"):
        environment.approve("9")

    assert environment.site.query("SELECT FROM claimwatch.model_exception") == []
    if model:
        with pytest.raises(RefusedData, match="was refused"):
            environment.promote("2")


def test_an_exception_is_approved_once_and_a_repeated_request_has_no_other_effect(
    refused: ModelEnvironment,
) -> None:
    assert refused.approve("1", request_id="a").changed
    assert refused.approve("1", request_id="a").changed
    again = refused.approve("1", CALLER, by="ann")

    assert (again.changed, again.by) == (False, "rita")
    assert len(refused.site.query("SELECT FROM claimwatch.model_exception")) == 1


@pytest.mark.parametrize("statement", ["UPDATE {} SET why = 'another'", "DELETE FROM {}", "TRUNCATE {}"])
def test_an_exception_is_never_changed(refused: ModelEnvironment, statement: str) -> None:
    refused.approve("1")

    with pytest.raises(StatementRefused), refused.site.database.transaction() as cursor:
        cursor.execute(statement.format("claimwatch.model_exception"))


def test_a_rollback_to_an_approved_model_needs_no_second_approval(refused: ModelEnvironment) -> None:
    refused.register("2")
    refused.approve("1")
    refused.promote("1")
    refused.promote("2")

    rolled_back = refused.rollback()

    assert rolled_back.version == "1"
    assert "approved an exception" in rolled_back.remarks[0]


def test_an_approved_model_still_needs_trust_in_its_warned_columns(environment: ModelEnvironment) -> None:
    environment.register(
        "1", **UNFAIR, warnings=[{"kind": "disparity", "column": "panes", "found": "it is age"}]
    )
    environment.approve("1")

    with pytest.raises(RefusedData, match="--trust panes"):
        environment.promote("1")
    assert environment.promote("1", trust=("panes",)).changed


@pytest.mark.parametrize("field", ["by", "why"])
def test_an_approval_needs_a_name_and_a_reason(refused: ModelEnvironment, field: str) -> None:
    with pytest.raises(RefusedData):
        refused.approve("1", **{field: " "})
