"""A contract can say which column is the label, and when the label of a claim was decided."""

import pytest

from claimwatch.domain.contract.label import label_problems
from claimwatch.errors import RefusedContract
from tests.unit.contracts.sample_contracts import column, home, role, shared

LABEL = column("fraud", "boolean", customProperties=role("label"))
CLOSED = column("closed_on", "date", customProperties=role("ignored"))


def test_the_label_is_the_boolean_with_that_role() -> None:
    assert home().label is None
    label = home(LABEL).label
    assert label is not None
    assert label.name == "fraud"


def test_a_label_is_decided_at_its_column_or_some_days_after_the_event() -> None:
    review = home(LABEL, CLOSED, customProperties=shared(decisionColumn="closed_on", decisionDays=2.5)).review
    assert (review.decision_column, review.decision_days) == ("closed_on", 3)
    assert (home(LABEL).review.decision_column, home(LABEL).review.decision_days) == (None, None)


@pytest.mark.parametrize(
    ("columns", "decided", "problem"),
    [
        ([LABEL, CLOSED], "closed", "no column has that name"),
        ([CLOSED], "closed_on", "no column has role label"),
        ([LABEL, CLOSED | {"logicalType": "string"}], "closed_on", "logicalType is string"),
        ([LABEL, CLOSED | {"customProperties": role("feature")}], "closed_on", "has role feature"),
        ([LABEL, CLOSED | {"customProperties": role("protected")}], "closed_on", "has role protected"),
        ([LABEL, CLOSED | {"classification": "personal"}], "closed_on", "stored as a hash"),
    ],
)
def test_a_column_that_cannot_date_decisions_is_refused(
    columns: list[dict[str, object]], decided: str, problem: str
) -> None:
    with pytest.raises(RefusedContract, match=problem):
        home(*columns, customProperties=shared(decisionColumn=decided))


@pytest.mark.parametrize("days", [-1, 3651, "soon"])
def test_days_until_a_decision_are_bounded(days: object) -> None:
    with pytest.raises(RefusedContract, match="decisionDays"):
        home(LABEL, customProperties=shared(decisionDays=days))


def test_a_label_that_is_no_boolean_and_a_second_label_are_refused_only_when_submitted() -> None:
    """Contracts in force are parsed again for each file; their labels of other types had no effect."""
    text = home(LABEL | {"logicalType": "string"})
    assert text.label is None
    [problem] = label_problems(text)
    assert "but its logicalType is string; write 'logicalType: boolean'" in problem
    two = home(LABEL, column("fraud_2", "boolean", customProperties=role("label")))
    assert len(list(label_problems(two))) == 1
    assert list(label_problems(home(LABEL))) == []
