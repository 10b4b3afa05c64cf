"""Exported cells compute nothing in a spreadsheet, and every event is read as it was."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.audit.raw_event import RawEvent
from cli.audit_export import _read_csv, _read_ndjson, _write_csv, _write_ndjson, guarded, unguarded
from cli.export import is_formula
from tests.unit.audit.books import event

HOSTILE = st.text(st.sampled_from("=+-@'\"\t\r\n,;|a1 \uff1d"), max_size=8)
STORED = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXT = st.one_of(st.none(), HOSTILE, st.text(STORED))
TIME = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))


@given(st.one_of(HOSTILE, st.text()))
def test_a_guard_can_be_undone(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell


@given(HOSTILE)
def test_a_guarded_cell_computes_nothing(cell: str) -> None:
    assert not is_formula(guarded(cell))


@given(st.lists(st.tuples(TIME, *[TEXT] * 10), max_size=5))
def test_exported_events_are_read_as_they_were(rows: list[tuple[object, ...]]) -> None:
    events = [RawEvent(seq, *row) for seq, row in enumerate(rows, start=1)]  # type: ignore[arg-type]
    for write, read, name in ((_write_csv, _read_csv, "a.csv"), (_write_ndjson, _read_ndjson, "a.ndjson")):
        with TemporaryDirectory() as folder:
            file = Path(folder, name)
            assert write(file, iter(events)) == len(events)
            assert list(read(file)) == events


def test_a_time_of_the_calendar_is_written_in_iso_8601(tmp_path: Path) -> None:
    _write_csv(tmp_path / "a.csv", iter([event(1)]))
    assert '"2026-03-01T00:00:01.000000+00:00"' in (tmp_path / "a.csv").read_text()
