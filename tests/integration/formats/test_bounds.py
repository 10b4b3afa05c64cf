"""Conversion needs the same memory for files of any size."""

import gzip
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

MOST = 200
"""MiB that conversion may need in addition to the interpreter and its libraries."""

PREPARE = """
import sys
from pathlib import Path
from benchmarks.worker import peak_memory
from claimwatch.ingest import staging
from local.filesystem_object_store import FilesystemObjectStore
folder = Path(sys.argv[1])
objects = FilesystemObjectStore(folder)
ref = next(
    staging.ObjectRef("landing", "file", path.name) for path in (folder / "landing" / "file").iterdir()
)
before = peak_memory()
done = staging.prepare(objects, ref, known_columns=(), staging_bucket="artifacts", staging_key="staging")
after = peak_memory()
print((after - before) >> 20, done.size, done.described)
"""

ROW = "M-000001,2026-01-05,1234.50,Müller in der Schloßallee,OH,250/500,1000,1406.91,0,466132\n"
HEADER = "claim_id,day,amount,place,state,csl,deductible,premium,limit,zip\n"
ROWS = 2_500_000


def text(rows: int = ROWS) -> Iterator[str]:
    yield HEADER
    for _ in range(rows // 10_000):
        yield ROW * 10_000


def write_gzip(path: Path) -> None:
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.writelines(text())


def write_utf_16(path: Path) -> None:
    path.write_text("".join(text()), encoding="utf-16")


def write_single_quotes(path: Path) -> None:
    quoted = "\n".join(
        f"'{line.replace(',', chr(39) + ',' + chr(39))}'" for line in (HEADER + ROW).splitlines()
    )
    header, row = quoted.splitlines()
    path.write_text(header + "\n" + f"{row}\n" * ROWS)


def write_one_line(path: Path) -> None:
    path.write_text("'claim_id','place'\n'1','" + "x" * (250 << 20))


def write_json(path: Path) -> None:
    row = '{"claim_id": "M-000001", "place": "Schloßallee", "amount": 1234.5}'
    path.write_text("[" + ",\n".join([row] * ROWS) + "]")


def write_parquet(path: Path) -> None:
    columns = {
        f"column_{number}": [f"{ROW[:20]}{row % 5000}" for row in range(100_000)] for number in range(20)
    }
    table = pa.table(columns)
    with pq.ParquetWriter(path, table.schema) as writer:
        for _ in range(10):
            writer.write_table(table)


@pytest.mark.parametrize(
    "write", [write_gzip, write_utf_16, write_single_quotes, write_one_line, write_json, write_parquet]
)
def test_memory_is_bounded(write: object, tmp_path: Path) -> None:
    assert callable(write)
    (tmp_path / "landing" / "file").mkdir(parents=True)
    write(tmp_path / "landing" / "file" / "1")
    done = subprocess.run(
        [sys.executable, "-c", PREPARE, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    grown, size, _ = done.stdout.split(" ", 2)
    assert int(size) > 150 << 20
    assert int(grown) < MOST, done.stdout
