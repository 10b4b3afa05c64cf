"""The columns of a file are matched with the contract's in any order and spelling; errors name the column."""

import pytest

from claimwatch.domain.contract.contract import MAX_NAME, Column, Contract, LogicalType, Role
from claimwatch.domain.files.header import MOST_OTHER_KEYS, csv_layout, ndjson_layout, objects_layout
from claimwatch.errors import RefusedFile

CONTRACT = Contract(
    "motor",
    "1.2.0",
    "claim_motor",
    (
        Column("claim_id", LogicalType.STRING, Role.IDENTIFIER, required=True, unique=True),
        Column("incident_date", LogicalType.DATE, Role.EVENT_TIME, required=True, synonyms=("LossDate",)),
        Column("amount", LogicalType.NUMBER, Role.FEATURE),
    ),
)


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        (("claim_id", "incident_date", "amount"), ("claim_id", "incident_date", "amount")),
        (("amount", "claim_id", "incident_date"), ("amount", "claim_id", "incident_date")),
        (("Claim ID", " INCIDENT-DATE "), ("claim_id", "incident_date")),
        (("claim_id", "lossdate"), ("claim_id", "incident_date")),
        (("claim_id", "incident_date", "weather", "weather", ""),
         ("claim_id", "incident_date", "weather", "weather_2", "column_5")),
    ],
)  # fmt: skip
def test_columns_match_in_any_order_and_spelling(header: tuple[str, ...], fields: tuple[str, ...]) -> None:
    assert csv_layout(CONTRACT, header, ",").fields == fields


def test_columns_that_the_contract_lacks_are_extra() -> None:
    assert csv_layout(CONTRACT, ("claim_id", "incident_date", "weather"), ",").extra == ("weather",)


def test_names_of_extra_columns_are_printable_short_and_distinct() -> None:
    long = "Jane Roe, born 1980-02-03, " * 3
    header = ("claim_id", "incident_date", f"{long}a", f"{long}b", "a\x1b[2J\u202e", "two\nlines")
    extra = csv_layout(CONTRACT, header, ",").extra
    assert extra[0] == f"{long[: MAX_NAME - 1]}\u2026"
    assert extra[1:] == (f"{extra[0]}_2", "a\ufffd[2J", "two lines")


def test_refusals_quote_names_printable_and_short() -> None:
    with pytest.raises(RefusedFile) as refused:
        csv_layout(CONTRACT, ("claim_id", "Claim\x1cId", "incident_date"), ",")
    assert "\x1c" not in str(refused.value)
    with pytest.raises(RefusedFile) as refused:
        csv_layout(CONTRACT, ("claim_id", "incident_day\x1b"), ",")
    assert "\x1b" not in str(refused.value)


def test_the_error_for_a_missing_required_column_suggests_a_synonym() -> None:
    with pytest.raises(
        RefusedFile, match=r"'incident_date' \(is it 'incident_day'\? add that as a synonym\)"
    ):
        csv_layout(CONTRACT, ("claim_id", "incident_day"), ",")


def test_a_file_with_the_same_column_twice_is_refused() -> None:
    with pytest.raises(RefusedFile, match="'claim_id' twice, as 'claim_id' and as 'Claim Id'"):
        csv_layout(CONTRACT, ("claim_id", "Claim Id", "incident_date"), ",")


def test_keys_of_json_objects_match_like_column_names() -> None:
    layout = ndjson_layout(CONTRACT, ["LossDate", "claimId", "claim-id"])
    assert dict(layout.keys) == {"incident_date": "LossDate", "claim_id": "claim-id"}
    with pytest.raises(RefusedFile, match="'claim_id'"):
        ndjson_layout(CONTRACT, ["LossDate"])


def test_a_column_may_have_several_keys_in_different_objects() -> None:
    layout = objects_layout(CONTRACT, [["claim_id", "LossDate"], ["Claim-ID", "note\x1b", "incident_date"]])
    assert layout.keys == (
        ("claim_id", "Claim-ID"),
        ("claim_id", "claim_id"),
        ("incident_date", "LossDate"),
        ("incident_date", "incident_date"),
    )
    assert (layout.extra, layout.doubled) == (("note\ufffd",), ())
    assert objects_layout(CONTRACT, [["claim_id", "Claim-ID"]]).doubled == ("claim_id",)


def test_the_names_that_are_remembered_are_bounded() -> None:
    layout = objects_layout(CONTRACT, ([f"key {number}"] for number in range(20_000)))
    assert len(layout.extra) == MOST_OTHER_KEYS
