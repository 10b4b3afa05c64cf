"""A file may have one claim id in all its rows: the first is loaded, and memory does not grow."""

import pytest

from claimwatch.storage import rows
from tests.integration.ingest.environment import Site
from tests.integration.ingest.glass import csv


@pytest.mark.usefixtures("small_chunks")
def test_repeated_rows_are_fetched_some_at_a_time(glass: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "REPEATED_AT_ONCE", 2)
    lines = [f"G{number % 3 or 'same'},2026-03-01,{number},,," for number in range(40)]
    file = glass.drop("claims/glass/a.csv", csv(*lines))
    assert (file["status"], file["rows_loaded"], file["rows_quarantined"]) == ("committed", 3, 37)
    raw = glass.query("SELECT row_number, raw FROM claimwatch.quarantine ORDER BY 1")
    assert [row["raw"] for row in raw] == lines[3:]
