"""Files of every shape are loaded exactly as their manifest says."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from claimwatch.ingest import inspect
from local import filesystem_object_store
from samples import BREAKS_THE_CONTRACT, BREAKS_THE_TEXT, SHAPES, Book, BookConfig, Dirt, write_week
from tests.faults.claims.invariants import ClaimsInvariants
from tests.faults.claims.model import expected_file
from tests.faults.claims.schedule import SampleFile
from tests.faults.invariants import cursor_at
from tests.integration.ingest.environment import KEY, Site


@pytest.mark.parametrize("name", SHAPES)
def test_every_row_of_a_dirty_file_is_loaded_or_quarantined_for_its_reason(
    name: str, site: Site, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspect, "CHUNK", 40_000)
    monkeypatch.setattr(inspect, "BLOCK", 10_000)
    monkeypatch.setattr(filesystem_object_store, "READ_BLOCK", 4_000)
    shape = SHAPES[name]
    text_can_break = shape.format == "csv" and shape.encoding == "utf-8"
    kinds = BREAKS_THE_CONTRACT + (BREAKS_THE_TEXT if text_can_break else ())
    book = Book(BookConfig(seed=11, claims_per_week=300))
    path = tmp_path / "file"
    dirt = Dirt() if shape.format == "parquet" else Dirt(0.2, kinds)
    manifest = write_week(path, book, 0, shape=shape, dirt=dirt, duplicate_share=0.05)
    key = f"claims/motor/week.{shape.suffix}"

    created = site.put(key, path.read_bytes(), at=datetime(2026, 1, 12, tzinfo=UTC))
    site.register(created)
    site.run()

    sample = SampleFile("week", key, path, shape, manifest, created.created_at, created.sequencer)
    with cursor_at(database_url) as cursor:
        invariants = ClaimsInvariants(cursor, {"week": expected_file(sample, KEY)}, {"week": created.ref})
        invariants.check()
    assert invariants.problems == []
    assert not site.alerts
    assert manifest.rows > 300
    assert len(manifest.damaged_rows) == (0 if shape.format == "parquet" else 60)
