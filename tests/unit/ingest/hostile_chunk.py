"""Validates and quarantines a chunk of one row, repeated, and prints the number of rows and the peak MB.

Run as ``python -m tests.unit.ingest.hostile_chunk ROW MIB``, because only a process of its own has a peak of
its own. ROW is a template: ``{commas}`` makes it as wide as the sample contract, ``{all}`` is a bad value in
every column.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.worker import peak_memory
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.files.header import csv_layout
from claimwatch.domain.files.records import Batch, RecordCutter
from claimwatch.ingest.validation import Validator
from claimwatch.malloc import disable_heap_trim
from claimwatch.storage import quarantine

BLOCK = 1 << 20
"""Bytes that S3 returns at a time."""


class NullCursor:
    """A cursor that reads what is copied, as PostgreSQL does, and forgets it."""

    def copy_expert(self, _: str, lines: Any) -> None:
        while lines.read(8192):
            pass


def main() -> None:
    """Load the chunk as ``load_chunk`` does."""
    disable_heap_trim()  # as claimwatch.runtime does
    contract = parse_contract(Path("contracts/motor.yaml").read_text("utf-8"), "motor")
    names = [column.name for column in contract.columns]
    row = sys.argv[1].format(commas="," * (len(names) - 1), all=",".join(["x!"] * len(names))) + "\n"
    data = row.encode() * ((int(sys.argv[2]) << 20) // len(row))
    cutter = RecordCutter(b",", len(names))

    def cut() -> Iterator[Batch]:
        yield from cutter.cut(data[at : at + BLOCK] for at in range(0, len(data), BLOCK))

    batches, read, refused = cut(), 0, 0
    with Validator(csv_layout(contract, names, ","), b"key") as validator:
        while (result := validator.check(batches, 1 + read)).read:
            refused += quarantine.add(NullCursor(), 1, result.refused)  # type: ignore[arg-type]
            read += result.read
    print(read, refused, peak_memory() >> 20)


if __name__ == "__main__":
    main()
