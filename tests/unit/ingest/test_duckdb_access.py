"""No engine of DuckDB reads or writes anything but its own files."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.domain.files.layout import Layout
from claimwatch.ingest.parquet import ParquetTable
from claimwatch.ingest.validation import Validator
from claimwatch.scoring.claim_table import _engine

CONTRACT = Contract(
    "motor", "1.0.0", "claim_motor", (Column("claim_id", LogicalType.STRING, Role.IDENTIFIER, required=True),)
)
FORBIDDEN = (
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_csv('{folder}/secret.csv')",
    "COPY (SELECT 1) TO '{folder}/written' (FORMAT csv)",
    "ATTACH '{folder}/other.db'",
    "INSTALL httpfs",
    "SET enable_external_access = true",
    "SET memory_limit = '8GB'",
    "SET lock_configuration = false",
)


@pytest.mark.parametrize("statement", FORBIDDEN)
@pytest.mark.parametrize("name", ["validator", "parquet", "scoring"])
def test_an_engine_accesses_no_other_file(name: str, statement: str, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("secret\n")
    (tmp_path / "own").mkdir()
    table = tmp_path / "own" / "table.parquet"
    pq.write_table(pa.table({"claim_id": ["C1"]}), table)
    with (
        Validator(Layout(CONTRACT, fields=("claim_id",), delimiter=","), b"key") as validator,
        ParquetTable(table) as parquet,
    ):
        engine = {"validator": validator._engine, "parquet": parquet._engine, "scoring": _engine()}[name]
        with pytest.raises(duckdb.Error):
            engine.execute(statement.format(folder=tmp_path)).fetchall()
