"""Parquet is converted to the CSV of the same table."""

import datetime as dt
import decimal
import gzip
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from claimwatch.errors import RefusedFile
from tests.unit.formats.offered import offer

UTC = dt.UTC


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    written = io.BytesIO()
    pq.write_table(pa.table(columns), written, **options)
    return written.getvalue()


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        ([1, None, -3], ["1", "", "-3"]),
        ([1.0, None, 2.5, 1e20], ["1", "", "2.5", "1e+20"]),
        (pa.array([0.1, 3.0], pa.float32()), ["0.1", "3"]),
        ([decimal.Decimal("1.50")], ["1.50"]),
        ([True, False, None], ["true", "false", ""]),
        (["a,\nb", "", None, 'é"q', " x "], ["a,\nb", "", "", 'é"q', " x "]),
        ([b"text"], ["text"]),
        ([dt.date(2020, 2, 29), None], ["2020-02-29", ""]),
        ([dt.datetime(2020, 1, 2, 3, 4, 5)], ["2020-01-02T03:04:05"]),  # noqa: DTZ001 (no zone on purpose)
        ([dt.datetime(2020, 1, 2, 3, 4, 5, 6, UTC)], ["2020-01-02T03:04:05.000006Z"]),
        (
            pa.array([dt.datetime(2020, 1, 2, tzinfo=UTC)], pa.timestamp("ns", "Europe/Berlin")),
            ["2020-01-02T00:00:00Z"],
        ),
        (pa.array(["x", "y", "x"]).dictionary_encode(), ["x", "y", "x"]),
        ([[1, 2], None, []], ["[1,2]", "", "[]"]),
        ([{"x": 1, "y": 'q"z'}], ['{"x":1,"y":"q\\"z"}']),
        (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int32())), ['{"k":1}']),
    ],
)
def test_values_are_written_as_in_csv(values: Any, cells: list[str]) -> None:
    offered = offer(parquet({"claim_id": ["M"] * len(values), 'odd "name"': values}))
    assert offered.prepared.described == "parquet"
    assert offered.prepared.header == ("claim_id", 'odd "name"')
    assert offered.rows == [["M", cell] for cell in cells]
    assert offered.broken == []


def test_typed_numbers_are_written_with_the_decimal_separator_of_the_contract() -> None:
    """Otherwise a contract with 1.234,5 would read the double 1.234 as more than a thousand."""
    content = parquet(
        {
            "Paid Amount": [1.234, None, 1e20],
            "fee": [decimal.Decimal("1.50"), decimal.Decimal("-0.25"), None],
            "share": [0.5, 0.25, 0.125],
            "text": ["1.234", "1.234,5", None],
        }
    )
    offered = offer(content, decimal_commas={"paid_amount", "fee", "text"})
    assert offered.rows == [
        ["1,234", "1,50", "0.5", "1.234"],
        ["", "-0,25", "0.25", "1.234,5"],
        ["1e+20", "", "0.125", ""],
    ]


def test_rows_keep_their_order_across_row_groups() -> None:
    numbers = list(range(100_000))
    offered = offer(gzip.compress(parquet({"claim_id": numbers}, row_group_size=7_000)))
    assert offered.prepared.described == "parquet, gzip"
    assert offered.rows == [[str(number)] for number in numbers]


def test_a_table_without_rows_becomes_a_header() -> None:
    offered = offer(parquet({"claim_id": pa.array([], pa.string()), "amount": pa.array([], pa.int32())}))
    assert (offered.prepared.header, offered.rows) == (("claim_id", "amount"), [])


def test_a_binary_column_is_refused_by_name() -> None:
    with pytest.raises(RefusedFile, match=r"the column 'photo' .* holds binary data; leave it out"):
        offer(parquet({"claim_id": ["M"], "photo": [b"\xff\xd8\xff\xe0"]}))


def test_a_damaged_file_is_refused_or_read_completely() -> None:
    sound = parquet({"claim_id": [f"M-{number}" for number in range(5000)]}, compression="gzip")
    assert len(offer(sound).rows) == 5000
    for place in range(40, len(sound), max(1, len(sound) // 40)):
        for damaged in (sound[:place], sound[:place] + b"\xff\0\xff\0" + sound[place + 4 :]):
            try:
                offered = offer(damaged)
            except RefusedFile as refusal:
                assert "Parquet" in str(refusal) or "binary" in str(refusal)  # noqa: PT017
            else:
                assert len(offered.rows) + len(offered.broken) == 5000


def test_reasons_quote_no_values() -> None:
    with pytest.raises(RefusedFile) as refused:
        offer(parquet({"name": pa.array([b"Secret\xff Name"]).cast(pa.string(), safe=False)}))
    assert "Secret" not in str(refused.value)
    assert json.dumps(str(refused.value))


@pytest.mark.parametrize("twin", ["amount", "Amount", "AMOUNT"])
def test_a_column_twice_is_seen_whatever_its_case(twin: str) -> None:
    """DuckDB would call the second one amount_1, and its values would be those of an unknown column."""
    packed = io.BytesIO()
    nested = pa.array([{"amount": 1, "b": {"c": [2]}}])
    columns = [pa.array(["C-1"]), nested, pa.array([5]), pa.array([6])]
    pq.write_table(pa.Table.from_arrays(columns, names=["claim_id", "x", "amount", twin]), packed)
    assert offer(packed.getvalue()).prepared.header == ("claim_id", "x", "amount", twin)


def test_files_that_were_joined_are_refused() -> None:
    """The footer of the last file is valid for the first one, so the rows of the others would be lost."""
    packed = io.BytesIO()
    pq.write_table(pa.table({"claim_id": ["C-1"], "amount": [5]}), packed)
    with pytest.raises(RefusedFile, match="several Parquet files were joined; send each of them alone"):
        offer(2 * packed.getvalue())
