"""A contract may say by which column photos belong to its claims, if a photo can ever be filed under it."""

import pytest

from claimwatch.domain.contract.contract import LINE_NAME
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.contract.schema_change import plan_change
from claimwatch.errors import RefusedContract
from tests.unit.contracts.samples_of_contracts import column, home, role, shared

EVENT = column("event_no", "string", customProperties=role("ignored"))


def test_without_a_word_photos_are_filed_under_the_claim_id() -> None:
    assert home().event is None
    assert home().event_column.name == "claim_id"
    assert home(customProperties=shared(eventColumn="claim_id")).event is None


@pytest.mark.parametrize("kind", ["string", "integer"])
def test_the_column_that_is_named_is_the_one(kind: str) -> None:
    contract = home(EVENT | {"logicalType": kind}, customProperties=shared(eventColumn="event_no"))
    assert contract.event_column.name == "event_no"


@pytest.mark.parametrize(
    ("named", "of", "said"),
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
def test_a_column_that_no_photo_could_be_filed_under_is_refused(
    named: object, of: dict[str, object], said: str
) -> None:
    with pytest.raises(RefusedContract, match=said):
        home(of, customProperties=shared(eventColumn=named))


def test_a_misspelt_property_is_not_passed_over() -> None:
    with pytest.raises(RefusedContract, match="write 'eventColumn'"):
        home(EVENT, customProperties=shared(eventcolumn="event_no"))


def test_only_a_column_besides_the_key_needs_an_index() -> None:
    assert not any("_by_event" in statement for statement in plan_change({}, home()).statements)
    found = plan_change({}, home(EVENT, customProperties=shared(eventColumn="event_no")))
    assert any('"claim_home_by_event"' in statement for statement in found.statements)
    assert [name for name, stored in found.stored.items() if stored.event] == ["event_no"]


def test_the_name_of_the_photos_table_is_no_line() -> None:
    with pytest.raises(RefusedContract, match="'image' is taken by the photos"):
        parse_contract("", "image")
    assert LINE_NAME.fullmatch("images")
    assert LINE_NAME.fullmatch("image2")
