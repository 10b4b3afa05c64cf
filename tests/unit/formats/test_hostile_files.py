"""Files that are made to exhaust time or memory are refused with a sentence, or read in linear time."""

import gzip
import io
import json
import time
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.domain.files.header import MOST_FIELDS, csv_layout
from claimwatch.errors import RefusedFile
from claimwatch.ingest import drafting, staging
from tests.unit.formats.offered import MemoryObjects, offer

CONTRACT = Contract(
    "motor", "1.0.0", "claim_motor", (Column("claim_id", LogicalType.STRING, Role.IDENTIFIER, required=True),)
)


def seconds(function: Any, *arguments: Any) -> float:
    begun = time.process_time()
    function(*arguments)
    return time.process_time() - begun


def drafted(content: bytes) -> str:
    """Return the draft of a contract from a file."""
    objects = MemoryObjects()
    ref = objects.write("landing", "claims/new/file", [content])
    prepared = staging.prepare(objects, ref, known_columns=(), staging_bucket="a", staging_key="s")
    return drafting.draft(objects, "new", prepared)


# -- Columns -------------------------------------------------------------------------------------------------


def test_a_header_of_equal_names_is_matched_in_linear_time() -> None:
    header = ("claim_id", *["a"] * (MOST_FIELDS - 1))
    assert seconds(csv_layout, CONTRACT, header, ",") < 1  # cubic, it was 20 seconds
    fields = csv_layout(CONTRACT, header, ",").fields
    assert len(set(fields)) == len(fields) == MOST_FIELDS
    assert fields[-1] == f"a_{MOST_FIELDS - 1}"


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_with_too_many_columns_is_refused(kind: str) -> None:
    names = [f"c{number}" for number in range(MOST_FIELDS + 1)]
    written = io.BytesIO((",".join(names) + "\n").encode())
    if kind == "parquet":
        pq.write_table(pa.table({name: ["1"] for name in names}), written)
    with pytest.raises(RefusedFile, match=r"the header has 1,601 columns; the maximum is 1,600"):
        offer(written.getvalue())


def test_the_widest_header_that_fits_is_refused_in_time() -> None:
    def refused() -> None:
        with pytest.raises(RefusedFile, match="the maximum is"):
            offer(b"a," * 500_000 + b"\n1\n")

    assert seconds(refused) < 20


def test_many_missing_columns_are_named_in_time() -> None:
    columns = tuple(
        Column(f"a_rather_long_name_of_a_column_{number}", LogicalType.STRING, Role.FEATURE, required=True)
        for number in range(1_000)
    )
    contract = Contract("motor", "1.0.0", "claim_motor", (*CONTRACT.columns, *columns))

    def refused() -> None:
        with pytest.raises(RefusedFile, match="lacks the required columns"):
            csv_layout(contract, [f"a_rather_long_name_of_a_field_{number}" for number in range(1_600)], ",")

    assert seconds(refused) < 10


# -- gzip ----------------------------------------------------------------------------------------------------


def test_a_small_gzip_file_that_fills_the_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "RATIO_FLOOR", 1 << 20)
    with pytest.raises(RefusedFile, match="unpacks to more than 200 times its size"):
        offer(gzip.compress(b"a,b\n" + b"1,2\n" * 2_000_000))


def test_a_gzip_file_that_is_small_in_any_case_may_have_any_ratio() -> None:
    assert len(offer(gzip.compress(b"a,b\n" + b"1,2\n" * 100_000)).rows) == 100_000


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", gzip.compress(b"a,b\n1,2\n", mtime=0)])
def test_a_file_that_cannot_be_read_in_time_is_refused(
    monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(staging, "MOST_BYTES", 7)
    monkeypatch.setattr(staging, "MOST_BYTES_IN_PLACE", 7 if content.startswith(b"a") else 1000)
    with pytest.raises(RefusedFile, match=r"larger than 7 bytes; send it in smaller files"):
        offer(content)


def test_a_gzip_file_of_one_byte_members_is_read_in_linear_time() -> None:
    rows = [{"a": number} for number in range(15_000)]
    members = b"".join(gzip.compress(bytes([letter]), 1) for letter in json.dumps(rows).encode())
    begun = time.process_time()
    offered = offer(members)
    assert time.process_time() - begun < 9  # parsing what is pending anew for each byte took 30 seconds
    assert [json.loads(row) for [row] in offered.rows] == rows


def test_a_gzip_file_of_too_many_members_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "MOST_MEMBERS", 100)
    with pytest.raises(RefusedFile, match="more than 100 members"):
        offer(gzip.compress(b"a,b\n") + gzip.compress(b"1,2\n") * 200)


# -- Parquet -------------------------------------------------------------------------------------------------


def test_a_parquet_column_with_nul_in_its_name_is_read() -> None:
    written = io.BytesIO()
    pq.write_table(pa.table({"claim_id": ["C1"], "no\0te": ["x"]}), written)
    offered = offer(written.getvalue())
    assert (offered.prepared.header, offered.rows) == (("claim_id", "no\ufffdte"), [["C1", "x"]])


def test_a_parquet_file_with_bad_text_and_bad_names_is_refused() -> None:
    written = io.BytesIO()
    schema = pa.schema([pa.field("claim_id", pa.binary()), pa.field("observed_at", pa.binary())])
    pq.write_table(pa.table({"claim_id": [b"C1"], "observed_at": [b"\xff\xfe"]}, schema), written)
    with pytest.raises(RefusedFile, match="Parquet"):
        offer(written.getvalue().replace(b"\x06schema", b"\x06sch\xffma"))


# -- Drafts --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_quote_left_open_in_the_first_file_of_a_line_does_not_prevent_its_draft() -> None:
    rows = b"".join(b"C%d,%d\n" % (number, number) for number in range(40_000))
    assert "claim_id" in drafted(b'claim_id,amount\nC0,"open\n' + rows)


def test_json_that_is_nested_too_deeply_does_not_prevent_the_draft() -> None:
    deep = b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
    assert "claim_id" in drafted(deep + b'{"claim_id": "C1", "amount": 1}\n' * 3)


@pytest.mark.slow
def test_a_draft_of_very_many_keys_has_no_more_columns_than_a_table() -> None:
    objects = b"".join(b'{"claim_id": "C%d", "k%d": 1}\n' % (number, number) for number in range(5_000))
    assert drafted(objects).count("logicalType:") <= MOST_FIELDS
