"""A written file matches its manifest in every shape, and its bytes depend only on the seed."""

import gzip
import importlib.util
import tracemalloc
from pathlib import Path

import pytest

from samples import SHAPES, Book, BookConfig, Dirt, write_claims, write_week
from tests.unit.samples.motor_checks import NAMES, faults, records

TEXT_SHAPES = [name for name, shape in SHAPES.items() if shape.format != "parquet"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plain") / "claims.csv"
    write_claims(path, rows=3_000)
    return path


@pytest.mark.parametrize("name", TEXT_SHAPES)
def test_clean_rows_satisfy_the_contract_in_every_shape(name: str, tmp_path: Path) -> None:
    shape = SHAPES[name]
    path = tmp_path / "claims"
    manifest = write_claims(path, rows=1_500, shape=shape)
    rows = records(path, shape)
    assert len(rows) == manifest.rows == 1_500
    assert [found for row in rows if (found := faults(row, shape.missing))] == []


@pytest.mark.parametrize("name", TEXT_SHAPES)
def test_every_shape_contains_the_same_claims(name: str, plain: Path, tmp_path: Path) -> None:
    shape = SHAPES[name]
    path = tmp_path / "claims"
    write_claims(path, rows=3_000, shape=shape)
    rows = [[value.replace("\n", " ") for value in row] for row in records(path, shape)]
    if shape.missing:
        rows = [["" if value == shape.missing else value for value in row] for row in rows]
    if shape.format == "ndjson":  # JSON writes 12.50 as 12.5
        amounts = [
            NAMES.index(name) for name in ("annual_premium", "vehicle_value", "injury_amount", "claim_amount")
        ]
        for row in rows:
            for column in amounts:
                row[column] = f"{float(row[column]):.2f}" if row[column] else ""
    assert rows == records(plain)


def test_shapes_have_the_dialect_of_their_name(tmp_path: Path) -> None:
    raw = {}
    for name in TEXT_SHAPES:
        write_claims(tmp_path / name, rows=400, shape=SHAPES[name])
        raw[name] = (tmp_path / name).read_bytes()
    assert raw["bom"] == b"\xef\xbb\xbf" + raw["csv"]
    assert raw["excel"].startswith(b"\xef\xbb\xbfclaim_id;policy_number;")
    assert raw["excel"].endswith(b"\r\n")
    assert raw["tab"].startswith(b"claim_id\tpolicy_number\t")
    assert raw["utf-16"] == b"\xff\xfe" + raw["csv"].decode().encode("utf-16-le")
    assert raw["latin-1"].decode("latin-1") == raw["csv"].decode()
    assert raw["latin-1"] != raw["csv"]
    assert gzip.decompress(raw["csv-gz"]) == raw["csv"]
    assert gzip.decompress(raw["ndjson-gz"]) == raw["ndjson"]
    assert raw["multiline"].count(b"\n") > raw["csv"].count(b"\n") + 300
    assert b",?," in raw["question-marks"]
    assert b",," not in raw["question-marks"]
    assert b'""I did not see you""' in raw["csv"]
    assert b'\\"I did not see you\\"' in raw["ndjson"]


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="pyarrow is a development dependency")
def test_parquet_has_the_types_of_the_contract_and_the_same_claims(plain: Path, tmp_path: Path) -> None:
    from pyarrow import parquet

    manifest = write_claims(tmp_path / "claims.parquet", rows=3_000, shape=SHAPES["parquet"])
    table = parquet.read_table(tmp_path / "claims.parquet")
    assert table.num_rows == manifest.rows == 3_000
    assert table.column_names == NAMES
    types = {str(field.name): str(field.type) for field in table.schema}
    assert types["driver_age"] == "int64"
    assert types["claim_amount"] == "double"
    assert types["incident_date"].startswith("date32")
    assert types["reported_at"] == "timestamp[ms]"
    assert types["vehicle_financed"] == "bool"
    column = NAMES.index("claim_amount")
    assert table["claim_amount"].to_pylist() == [float(row[column]) for row in records(plain)]
    assert table["incident_hour"].null_count == sum(
        not row[NAMES.index("incident_hour")] for row in records(plain)
    )


def test_the_bytes_depend_only_on_the_seed(plain: Path, tmp_path: Path) -> None:
    again = write_claims(tmp_path / "again.csv", rows=3_000)
    other = write_claims(tmp_path / "other.csv", rows=3_000, seed=8)
    assert (tmp_path / "again.csv").read_bytes() == plain.read_bytes()
    assert again.sha256 != other.sha256


def test_the_bytes_of_the_default_book_never_change(tmp_path: Path) -> None:
    """Figures in benchmarks and documents refer to this book, so any change must be deliberate."""
    manifest = write_claims(tmp_path / "claims.csv", rows=1_000, bad_share=0.05)
    first = (tmp_path / "claims.csv").read_text().splitlines()[1]
    assert first.startswith("MTR-529C4FBCC70F,POL-")
    assert manifest.sha256.startswith("75cd0e9772b4b64f")


@pytest.mark.slow
@pytest.mark.parametrize(("block_rows", "claims"), [(1, 240), (7, 1_200), (1_000, 1_200), (100_000, 1_200)])
def test_the_block_size_does_not_change_the_bytes(block_rows: int, claims: int, tmp_path: Path) -> None:
    book = Book(BookConfig(claims_per_week=claims))
    expected = write_week(tmp_path / "expected", book, 0, dirt=Dirt(0.1), duplicate_share=0.05)
    actual = write_week(
        tmp_path / "actual", book, 0, dirt=Dirt(0.1), duplicate_share=0.05, block_rows=block_rows
    )
    assert (tmp_path / "actual").read_bytes() == (tmp_path / "expected").read_bytes()
    assert list(actual.damaged) == list(expected.damaged)
    assert actual.duplicates == expected.duplicates


def test_a_smaller_week_is_the_beginning_of_a_larger_one(plain: Path, tmp_path: Path) -> None:
    write_claims(tmp_path / "few.csv", rows=100)
    assert plain.read_bytes().startswith((tmp_path / "few.csv").read_bytes())


@pytest.mark.slow
def test_memory_does_not_depend_on_the_number_of_rows(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        tracemalloc.reset_peak()
        write_claims(tmp_path / "claims.csv", rows=rows, bad_share=0.01)
        return tracemalloc.get_traced_memory()[1]

    write_claims(tmp_path / "claims.csv", rows=1_000)  # fill the caches before measuring
    tracemalloc.start()
    try:
        one_block, many_blocks = peak(8_192), peak(81_920)
    finally:
        tracemalloc.stop()
    assert many_blocks < 1.1 * one_block + 1_000_000
