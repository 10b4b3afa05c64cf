"""A contract can name the column that holds the event id of its claims' photos."""

import pytest

from claimwatch.domain.contract.contract import LINE_NAME
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.contract.schema_change import plan_change
from claimwatch.errors import RefusedContract
from tests.unit.contracts.sample_contracts import column, home, role, shared

EVENT = column("event_no", "string", customProperties=role("ignored"))


def test_the_event_column_is_the_identifier_by_default() -> None:
    assert home().event is None
    assert home().event_column.name == "claim_id"
    assert home(customProperties=shared(eventColumn="claim_id")).event is None


@pytest.mark.parametrize("kind", ["string", "integer"])
def test_the_event_column_is_the_named_column(kind: str) -> None:
    contract = home(EVENT | {"logicalType": kind}, customProperties=shared(eventColumn="event_no"))
    assert contract.event_column.name == "event_no"


@pytest.mark.parametrize(
    ("name", "event", "problem"),
    [
        ("event", EVENT, "no column has that name"),
        (["event_no"], EVENT, "no column has that name"),
        ("event_no", EVENT | {"logicalType": "date"}, "logicalType is date"),
        (
            "event_no",
            EVENT | {"customProperties": role("ignored", storeAs="hash")},
            "stored as a hash",
        ),
        ("event_no", EVENT | {"classification": "personal"}, "stored as a hash"),
    ],
)
def test_a_column_that_cannot_hold_event_ids_is_refused(
    name: object, event: dict[str, object], problem: str
) -> None:
    with pytest.raises(RefusedContract, match=problem):
        home(event, customProperties=shared(eventColumn=name))


def test_a_misspelt_event_column_property_is_refused() -> None:
    with pytest.raises(RefusedContract, match="write 'eventColumn'"):
        home(EVENT, customProperties=shared(eventcolumn="event_no"))


def test_only_an_event_column_other_than_the_identifier_gets_an_index() -> None:
    assert not any("_by_event" in statement for statement in plan_change({}, home()).statements)
    found = plan_change({}, home(EVENT, customProperties=shared(eventColumn="event_no")))
    assert any('"claim_home_by_event"' in statement for statement in found.statements)
    assert [name for name, stored in found.stored.items() if stored.event] == ["event_no"]


def test_a_line_cannot_have_the_name_of_the_photos_table() -> None:
    with pytest.raises(RefusedContract, match="'image' is reserved for photos"):
        parse_contract("", "image")
    assert LINE_NAME.fullmatch("images")
    assert LINE_NAME.fullmatch("image2")
