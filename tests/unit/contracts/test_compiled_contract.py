"""A compiled contract is the contract: every field survives, and equal contracts have equal bytes."""

import json
from dataclasses import MISSING, fields, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from claimwatch.domain.contract.compiled import FORMAT, from_json, to_json
from claimwatch.domain.contract.contract import Bound, Column, Contract, ReviewSettings
from claimwatch.domain.contract.parse import parse_contract

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
def test_every_field_but_the_text_is_written_even_if_it_has_its_default(kind: type[Any]) -> None:
    document = json.loads(to_json(MOTOR))
    written = {Contract: document, Column: document["columns"][0], ReviewSettings: document["review"]}[kind]
    expected = {each.name for each in fields(kind)} - {"text"} | ({"format"} if kind is Contract else set())
    assert written.keys() == expected


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
