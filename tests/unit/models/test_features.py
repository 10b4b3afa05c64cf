"""Features are the same for training and serving, for one claim and for many, in any container."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.model.features import Columns, FeatureSpec, encode, gaps, unused_columns

LARGEST = float(np.finfo(np.float32).max)


def contract(*columns: Column, event: LogicalType = LogicalType.TIMESTAMP) -> Contract:
    first = (
        Column("claim", LogicalType.STRING, Role.IDENTIFIER),
        Column("reported_at", event, Role.EVENT_TIME),
    )
    return Contract("pets", "1.0.0", "claim_pets", (*first, *columns))


PETS = contract(
    Column("amount", LogicalType.NUMBER, Role.FEATURE, description="What is claimed, in euro. Before tax."),
    Column("indoor", LogicalType.BOOLEAN, Role.FEATURE),
    Column("animal", LogicalType.STRING, Role.FEATURE, valid_values=("cat", "dog", "fish")),
    Column("bought_on", LogicalType.DATE, Role.FEATURE),
    Column("ill_at", LogicalType.TIMESTAMP, Role.FEATURE, personal=True),
    Column("sex", LogicalType.STRING, Role.PROTECTED, valid_values=("f", "m")),
    Column("owner", LogicalType.STRING, Role.FEATURE, hashed=True),
    Column("story", LogicalType.STRING, Role.TEXT),
    Column("note", LogicalType.STRING, Role.IGNORED),
)
SPEC = FeatureSpec.fit(PETS, {})
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

moments = st.none() | st.datetimes(datetime(1950, 1, 1), datetime(2090, 1, 1))  # noqa: DTZ001 - as columns hold them
claims = st.lists(
    st.fixed_dictionaries(
        {
            "reported_at": moments,
            "amount": st.none() | st.floats(allow_nan=False),
            "indoor": st.none() | st.booleans(),
            "animal": st.sampled_from([None, "cat", "dog", "fish", "newt", ""]),
            "bought_on": moments,
            "ill_at": moments,
        }
    ),
    min_size=1,
    max_size=12,
)


def as_columns(rows: list[dict[str, Any]]) -> Columns:
    def column(name: str) -> Any:
        values = [row[name] for row in rows]
        if name == "amount":
            return np.array(values, dtype=np.float64)
        if name in ("indoor", "animal"):
            return np.array(values, dtype=object)
        moments = np.array(values, dtype="datetime64[us]")
        return moments.astype("datetime64[D]") if name == "bought_on" else moments

    return {name: column(name) for name in rows[0]}


def expected(row: dict[str, Any]) -> dict[str, float]:
    """Return the features of one claim, calculated by hand."""
    reported, nan = row["reported_at"], float("nan")

    def days(moment: datetime | None, exact: bool) -> float:
        if moment is None or reported is None:
            return nan
        apart = reported - moment if exact else timedelta(days=(reported.date() - moment.date()).days)
        return float(apart / timedelta(days=1))

    amount = nan if row["amount"] is None else float(np.float32(min(max(row["amount"], -LARGEST), LARGEST)))
    return {
        "reported_at.hour": nan if reported is None else reported.hour,
        "reported_at.weekday": nan if reported is None else reported.weekday(),
        "amount": amount,
        "indoor": nan if row["indoor"] is None else float(row["indoor"]),
        "animal": {"cat": 0.0, "dog": 1.0, "fish": 2.0}.get(row["animal"], nan),
        "bought_on.days": days(row["bought_on"], exact=False),
        "ill_at.days": days(row["ill_at"], exact=True),
    }


def test_roles_determine_the_features() -> None:
    """No protected attribute, identifier, hash or text is a feature."""
    assert SPEC.names == tuple(expected(dict.fromkeys(("amount", "indoor", "animal")) | NOTHING))
    assert SPEC.event_time == "reported_at"
    assert set(SPEC.kinds) == {"reported_at", "amount", "indoor", "animal", "bought_on", "ill_at"}


NOTHING = {"reported_at": None, "bought_on": None, "ill_at": None}


@settings(deadline=None)
@given(rows=claims)
def test_features_match_a_calculation_by_hand(rows: list[dict[str, Any]]) -> None:
    matrix = encode(SPEC, as_columns(rows))
    assert matrix.dtype == np.float32
    assert matrix.flags.c_contiguous
    for row, encoded in zip(rows, matrix, strict=True):
        np.testing.assert_allclose(encoded, list(expected(row).values()), rtol=1e-6)


@pytest.mark.slow
@settings(deadline=None)
@given(rows=claims)
def test_a_claim_is_encoded_alone_as_among_others_bit_by_bit(rows: list[dict[str, Any]]) -> None:
    together = encode(SPEC, as_columns(rows))
    alone = np.concatenate([encode(SPEC, as_columns([row])) for row in rows])
    assert together.tobytes() == alone.tobytes()


def test_rows_at_the_edges_of_blocks_are_encoded_correctly() -> None:
    few = [{**NOTHING, "amount": float(place), "indoor": True, "animal": "dog"} for place in range(7)]
    small = as_columns(few)
    many = {name: np.tile(np.asarray(values), 3000) for name, values in small.items()}
    assert encode(SPEC, many).tobytes() == np.tile(encode(SPEC, small), (3000, 1)).tobytes()


@settings(deadline=None)
@given(rows=claims)
def test_containers_make_no_difference(rows: list[dict[str, Any]]) -> None:
    arrays = as_columns(rows)
    booleans = [row["indoor"] for row in rows]
    lists: dict[str, Any] = {
        **arrays,
        "amount": [row["amount"] for row in rows],
        "animal": [row["animal"] for row in rows],
        "indoor": np.array([np.nan if value is None else float(value) for value in booleans]),
        "bought_on": np.asarray(arrays["bought_on"]).astype("datetime64[ns]"),
    }
    assert encode(SPEC, lists).tobytes() == encode(SPEC, arrays).tobytes()


@settings(deadline=None)
@given(rows=claims)
def test_missing_values_and_unseen_categories_are_counted(rows: list[dict[str, Any]]) -> None:
    columns = as_columns(rows)
    found = gaps(SPEC, columns, encode(SPEC, columns))
    absent = {name: sum(np.isnan(expected(row)[name]) for row in rows) for name in SPEC.names}
    unseen = sum(row["animal"] in ("newt", "") for row in rows)
    absent["animal"] -= unseen
    assert found.missing == {name: count for name, count in absent.items() if count}
    assert found.unseen == ({"animal": unseen} if unseen else {})


def test_an_absent_column_is_missing_in_every_row() -> None:
    columns = {"amount": np.array([1.0, 2.0])}
    matrix = encode(SPEC, columns)
    assert np.isnan(matrix).sum() == 2 * (len(SPEC.names) - 1)
    assert gaps(SPEC, columns, matrix).missing["animal"] == 2


def test_claims_without_any_column_of_the_model_are_an_error() -> None:
    with pytest.raises(ValueError, match="none of the model's columns"):
        encode(SPEC, {"story": ["x"]})


def test_no_claims_give_an_empty_matrix() -> None:
    columns = {name: np.asarray(values)[:0] for name, values in as_columns([expected_row()]).items()}
    assert encode(SPEC, columns).shape == (0, len(SPEC.names))


def expected_row() -> dict[str, Any]:
    return {**NOTHING, "amount": 1.0, "indoor": True, "animal": "cat"}


def test_categories_that_the_contract_does_not_list_must_occur_often_enough() -> None:
    shop = contract(Column("shop", LogicalType.STRING, Role.FEATURE))
    seen = ["often"] * 30 + ["enough"] * 20 + ["rare"] * 19 + [None] * 40
    (feature,) = [made for made in FeatureSpec.fit(shop, {"shop": seen}).features if made.column == "shop"]
    assert feature.categories == ("often", "enough")
    many = [f"shop {number:03}" for number in range(70) for _ in range(20)]
    (feature,) = [made for made in FeatureSpec.fit(shop, {"shop": many}).features if made.column == "shop"]
    assert len(feature.categories) == 50


def test_a_column_of_unique_text_is_not_a_feature() -> None:
    shop = contract(Column("shop", LogicalType.STRING, Role.FEATURE))
    names = FeatureSpec.fit(shop, {"shop": [f"shop {number}" for number in range(500)]}).names
    assert "shop" not in names


def test_each_column_with_role_feature_becomes_a_feature_or_is_named_with_a_reason() -> None:
    columns = [
        Column(f"{kind}_{hashed}_{listed}", kind, Role.FEATURE, hashed=hashed, valid_values=listed)
        for kind in LogicalType
        for hashed in (False, True)
        for listed in (None, ("a", "b"))
    ]
    every = contract(*columns, Column("note", LogicalType.STRING, Role.IGNORED))
    rare = {column.name: ["a"] * 19 for column in columns}
    used = {feature.column for feature in FeatureSpec.fit(every, rare).features} - {"reported_at"}
    unused = unused_columns(every, rare)
    assert used.isdisjoint(unused)
    assert used | unused.keys() == {column.name for column in columns}
    assert "stored as a hash" in unused["string_True_None"]
    assert "none of its values occurs 20 times" in unused["string_False_None"]
    assert "string_False_None" not in unused_columns(every, {"string_False_None": ["a"] * 20})


def test_an_event_date_without_a_time_has_no_hour() -> None:
    dated = contract(Column("ill_at", LogicalType.TIMESTAMP, Role.FEATURE), event=LogicalType.DATE)
    spec = FeatureSpec.fit(dated, {})
    assert spec.names == ("reported_at.weekday", "ill_at.days")
    assert not spec.features[1].exact


def test_a_spec_is_read_back_from_json() -> None:
    motor = parse_contract(Path("contracts/motor.yaml").read_text("utf-8"), "motor")
    for spec in (SPEC, FeatureSpec.fit(motor, {})):
        assert FeatureSpec.from_json(spec.to_json()) == spec
        assert FeatureSpec.from_json(spec.to_json().encode()) == spec


def test_a_kind_from_a_newer_release_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind of feature: embedding"):
        FeatureSpec.from_json(SPEC.to_json().replace('"number"', '"embedding"'))


def test_meaning_is_the_first_sentence_of_the_description() -> None:
    assert {feature.name: feature.meaning for feature in SPEC.features}[
        "amount"
    ] == "What is claimed, in euro"
    assert [feature.name for feature in SPEC.features if feature.personal] == ["ill_at.days"]
