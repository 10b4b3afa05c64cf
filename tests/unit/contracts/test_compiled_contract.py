"""A compiled contract is the contract: every field survives, and equal contracts have equal bytes."""

import json
from dataclasses import MISSING, fields, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from claimwatch.domain.contract.compiled import FORMAT, from_json, to_json
from claimwatch.domain.contract.contract import Bound, Column, Contract, ReviewSettings
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.storage.contracts import outcome_contract
from tests.unit.contracts.sample_contracts import home

MOTOR_OF_0_1_0 = Path(__file__).with_name("motor_of_0_1_0.json").read_text("utf-8").rstrip("\n")
"""The compiled contract of the samples as release 0.1.0 made it."""

MOTOR = parse_contract(Path("contracts/motor.yaml").read_text("utf-8"), "motor")

st.register_type_strategy(str, st.text(max_size=8))
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(Decimal, st.decimals(allow_nan=False, allow_infinity=False))
st.register_type_strategy(
    datetime,
    st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=5, minutes=30))])).map(
        lambda moment: moment.replace(fold=0)  # ISO 8601 does not have it, and offsets are fixed
    ),
)
BOUNDS = st.from_type(Decimal) | st.dates() | st.from_type(datetime)


def values(hint: Any) -> st.SearchStrategy[Any]:
    return BOUNDS | st.none() if hint == Bound | None else st.from_type(hint)


def built(kind: type[Any], **given: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy of values of a type, in which every field is drawn from the type it declares."""
    hints = get_type_hints(kind)
    drawn = {each.name: given.get(each.name, values(hints[each.name])) for each in fields(kind)}
    return st.builds(kind, **drawn)


CONTRACTS = built(
    Contract,
    text=st.just(""),
    columns=st.lists(built(Column), min_size=1, max_size=3).map(tuple),
    review=built(ReviewSettings),
)


@settings(max_examples=40, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(CONTRACTS)
def test_every_field_of_every_type_survives_exactly(contract: Contract) -> None:
    read = from_json(to_json(contract))
    assert read == contract
    assert repr(read) == repr(contract)  # also the type of each value, and the exponent of a Decimal
    assert to_json(read) == to_json(contract)


@pytest.mark.parametrize("kind", [Contract, Column, ReviewSettings])
def test_a_contract_that_uses_nothing_new_has_the_fields_that_release_0_1_0_reads(kind: type[Any]) -> None:
    document, first = json.loads(to_json(home())), json.loads(MOTOR_OF_0_1_0)
    written, expected = (
        {Contract: read, Column: read["columns"][0], ReviewSettings: read["review"]}[kind]
        for read in (document, first)
    )
    assert written.keys() == expected.keys()


def test_a_compiled_contract_of_release_0_1_0_keeps_its_bytes() -> None:
    assert to_json(from_json(MOTOR_OF_0_1_0)) == MOTOR_OF_0_1_0
    compiled = to_json(outcome_contract("home")).encode()
    assert sha256(compiled).hexdigest() == "23e9b72d4c39c551c33ddad5a025910260c60bf0786ea15b4fb27063aadcd94c"


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (Contract, {"grounds": ("other",)}),
        (ReviewSettings, {"review_within_days": 7, "second_look_above": 0}),
        (Column, {"link_on": True, "what_if": True, "group": "Vehicle"}),
    ],
)
def test_a_new_field_is_written_once_it_is_used(kind: type[Any], changes: dict[str, Any]) -> None:
    known = json.loads(MOTOR_OF_0_1_0)
    first = {Contract: known, Column: known["columns"][0], ReviewSettings: known["review"]}[kind]
    assert {each.name for each in fields(kind)} - first.keys() == changes.keys() | (
        {"text"} if kind is Contract else set()
    )
    plain = home()
    if kind is Column:
        contract = replace(plain, columns=(replace(plain.columns[0], **changes), *plain.columns[1:]))
    elif kind is ReviewSettings:
        contract = replace(plain, review=replace(plain.review, **changes))
    else:
        contract = replace(plain, **changes)
    document = json.loads(to_json(contract))
    written = {Contract: document, Column: document["columns"][0], ReviewSettings: document["review"]}[kind]
    assert {name: written[name] for name in changes} == json.loads(json.dumps(changes))


def test_the_contract_of_the_samples_survives_without_its_text() -> None:
    assert from_json(to_json(MOTOR)) == replace(MOTOR, text="")
    assert MOTOR.text not in to_json(MOTOR)


def test_a_field_that_is_absent_has_its_default() -> None:
    document = json.loads(to_json(MOTOR))
    for column in document["columns"]:
        column.pop("empty_history")
    assert from_json(json.dumps(document)) == replace(MOTOR, text="")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": FORMAT + 1}, "does not have format"),
        ({"later_rule": True}, "unknown fields: later_rule"),
    ],
)
def test_what_this_version_does_not_know_is_refused(change: dict[str, Any], message: str) -> None:
    document = json.loads(to_json(MOTOR)) | change
    with pytest.raises(ValueError, match=message):
        from_json(json.dumps(document))


def test_a_field_without_a_default_is_needed() -> None:
    assert any(each.name == "line" and each.default is MISSING for each in fields(Contract))
    document = json.loads(to_json(MOTOR))
    del document["line"]
    with pytest.raises(ValueError, match="lacks fields: line"):
        from_json(json.dumps(document))


def test_other_json_is_refused() -> None:
    with pytest.raises(ValueError, match="format"):
        from_json("[]")


def test_dates_and_numbers_are_not_confused() -> None:
    column = MOTOR.columns[0]
    bounds: list[Bound] = [Decimal("1E+2"), date(2026, 3, 1), datetime(2026, 3, 1, tzinfo=UTC)]
    for bound in bounds:
        contract = replace(MOTOR, text="", columns=(replace(column, minimum=bound),))
        assert repr(from_json(to_json(contract)).columns[0].minimum) == repr(bound)
