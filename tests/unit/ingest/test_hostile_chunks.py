"""The memory of LoadChunk is bounded whatever the rows of a chunk are."""

import subprocess
import sys
from io import StringIO
from typing import cast

import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.domain.files.records import Problem
from claimwatch.storage import quarantine
from claimwatch.storage.quarantine import RefusedRow

MOST = 700
"""MB that a process may need that loads a chunk of the sample contract; LoadChunk has 1,769."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "rows"),
    [("{commas}", 58_254), ("x", 1_048_576), ("{all}", 19_418), ('a"', 699_050), ("x{commas}", 56_679)],
    ids=["blank rows", "rows of two bytes", "every rule broken", "misplaced quotes", "values missing"],
)
def test_a_chunk_of_bad_rows_fits_in_memory(row: str, rows: int) -> None:
    command = [sys.executable, "-m", "tests.unit.ingest.hostile_chunk", row, "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    read, refused, peak = map(int, done.stdout.split())
    assert read == refused == rows
    assert peak < MOST


def test_quarantined_rows_are_sent_some_at_a_time() -> None:
    sent: list[str] = []

    class RecordingCursor:
        def copy_expert(self, _: str, lines: StringIO) -> None:
            sent.append(lines.read())

    problem = Problem(None, "fields", "the row has 1 field instead of 36")
    rows = (RefusedRow(number, "x" * 1000, (problem,)) for number in range(5000))
    added = quarantine.add(cast(Cursor, RecordingCursor()), 7, rows)
    assert added == 5000
    assert len(sent) > 4
    assert max(map(len, sent)) < quarantine.AT_ONCE + 2000
    assert sum(part.count("\r\n") for part in sent) == 5000
