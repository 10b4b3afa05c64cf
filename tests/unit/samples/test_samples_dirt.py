"""The manifest describes the damaged rows exactly, and all other rows are clean."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samples import (
    BREAKS_THE_CONTRACT,
    SHAPES,
    Book,
    BookConfig,
    Damage,
    Dirt,
    Kind,
    Manifest,
    write_claims,
    write_week,
)
from samples.dirt import damaged_numbers
from tests.unit.samples.motor_checks import NAMES, faults, records

EXPECTED_FAULTS = {
    Kind.WRONG_TYPE: {"type"},
    Kind.OUT_OF_RANGE: {"range"},
    Kind.UNKNOWN_CATEGORY: {"category"},
    Kind.MISSING_REQUIRED: {"missing"},
    Kind.BAD_DATE: {"type"},
    Kind.BAD_PATTERN: {"pattern"},
}


def assert_only_fault(damage: Damage, found: list[str]) -> None:
    """Assert that the damage is the row's only fault."""
    if damage.column is None:
        (fault,) = found
        fields = int(fault.removesuffix(" fields"))
        assert fields < len(NAMES) if damage.kind is Kind.TOO_SHORT else fields > len(NAMES)
    else:
        assert found in [[f"{damage.column}: {reason}"] for reason in EXPECTED_FAULTS[damage.kind]], damage


@pytest.mark.parametrize("name", ["csv", "excel", "tab", "multiline-crlf", "utf-16", "latin-1"])
def test_the_manifest_names_exactly_the_rows_that_break_the_contract(name: str, tmp_path: Path) -> None:
    shape = SHAPES[name]
    manifest = write_claims(tmp_path / "claims", rows=2_000, bad_share=0.1, shape=shape)
    found = {
        row: wrong
        for row, text in enumerate(records(tmp_path / "claims", shape), 1)
        if (wrong := faults(text))
    }
    assert list(found) == manifest.damaged_rows
    assert len(found) == 200
    for damage in manifest.damaged:
        assert_only_fault(damage, found[damage.row])
    assert set(manifest.damaged_by_kind) == set(BREAKS_THE_CONTRACT)


@pytest.mark.parametrize("kind", BREAKS_THE_CONTRACT)
def test_a_single_kind_of_damage_affects_several_columns(kind: Kind, tmp_path: Path) -> None:
    manifest = write_claims(tmp_path / "claims.csv", rows=600, bad_share=0.2, kinds=(kind,))
    rows = records(tmp_path / "claims.csv")
    assert manifest.damaged_by_kind == {kind: 120}
    for damage in manifest.damaged:
        assert_only_fault(damage, faults(rows[damage.row - 1]))
    hit = {damage.column for damage in manifest.damaged}
    assert hit == {None} if kind in (Kind.TOO_SHORT, Kind.TOO_LONG) else len(hit) >= 3


def test_bad_rows_of_ndjson_are_invalid_json_or_break_the_contract(tmp_path: Path) -> None:
    shape = SHAPES["ndjson"]
    manifest = write_claims(tmp_path / "claims", rows=2_000, bad_share=0.2, shape=shape)
    lines = (tmp_path / "claims").read_text().splitlines()
    assert len(lines) == 2_000
    bad = {damage.row: damage for damage in manifest.damaged}
    for row, line in enumerate(lines, 1):
        damage = bad.get(row)
        if damage and damage.column is None:
            with pytest.raises(json.JSONDecodeError):
                json.loads(line)
            continue
        values = json.loads(line)
        found = faults(
            ["" if v is None else v if isinstance(v, str) else json.dumps(v) for v in values.values()]
        )
        if damage:
            assert_only_fault(damage, found)
        else:
            assert not found


def test_invalid_bytes_are_only_in_the_damaged_rows(tmp_path: Path) -> None:
    manifest = write_claims(tmp_path / "claims.csv", rows=500, bad_share=0.02, kinds=(Kind.INVALID_BYTES,))
    lines = (tmp_path / "claims.csv").read_bytes().split(b"\n")[1:-1]
    undecodable = []
    for row, line in enumerate(lines, 1):
        try:
            line.decode()
        except UnicodeDecodeError:
            undecodable.append(row)
    assert undecodable == manifest.damaged_rows
    assert len(undecodable) == 10


@pytest.mark.parametrize(("name", "nul"), [("csv", b"\0"), ("ndjson", b"\\u0000")])
def test_nul_bytes_are_only_in_the_damaged_rows(name: str, nul: bytes, tmp_path: Path) -> None:
    manifest = write_claims(
        tmp_path / "claims", rows=500, bad_share=0.02, kinds=(Kind.NUL_BYTE,), shape=SHAPES[name]
    )
    header = 1 if name == "csv" else 0
    lines = (tmp_path / "claims").read_bytes().split(b"\n")[header:-1]
    assert [row for row, line in enumerate(lines, 1) if nul in line] == manifest.damaged_rows


def test_clean_rows_do_not_depend_on_the_damaged_rows(tmp_path: Path) -> None:
    write_claims(tmp_path / "clean.csv", rows=2_000)
    manifest = write_claims(tmp_path / "dirty.csv", rows=2_000, bad_share=0.3)
    clean, dirty, bad = (
        records(tmp_path / "clean.csv"),
        records(tmp_path / "dirty.csv"),
        set(manifest.damaged_rows),
    )
    assert [row for row in range(1, 2_001) if clean[row - 1] != dirty[row - 1]] == sorted(bad)


@given(claims=st.integers(0, 5_000), share=st.floats(0, 1), block=st.integers(1, 700))
@settings(max_examples=60, deadline=None)
def test_the_share_of_bad_rows_is_exact_and_evenly_spread(claims: int, share: float, block: int) -> None:
    dirt = Dirt(share)
    picked: list[int] = []
    for first in range(0, claims, block):
        numbers, _ = damaged_numbers(7, 0, first, min(first + block, claims), claims, dirt)
        picked += numbers.tolist()
    assert len(set(picked)) == len(picked) == round(share * claims)
    assert picked == sorted(picked)


def test_duplicates_repeat_an_earlier_clean_row_of_the_file(tmp_path: Path) -> None:
    book = Book(BookConfig(claims_per_week=3_000))
    manifest = write_week(tmp_path / "claims.csv", book, 0, duplicate_share=0.02, dirt=Dirt(0.05))
    rows = records(tmp_path / "claims.csv")
    assert len(rows) == manifest.rows == 3_000 + len(manifest.duplicates)
    assert 30 < len(manifest.duplicates) < 90
    bad = set(manifest.damaged_rows)
    for row, of_row in manifest.duplicates:
        assert of_row < row
        assert rows[row - 1] == rows[of_row - 1]
        assert not {row, of_row} & bad
    copies = {row for row, _ in manifest.duplicates}
    ids = [text[0] for row, text in enumerate(rows, 1) if row not in copies | bad]
    assert len(set(ids)) == len(ids)


def test_damage_that_a_shape_cannot_hold_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Parquet"):
        write_claims(tmp_path / "claims", rows=10, bad_share=0.1, shape=SHAPES["parquet"])
    with pytest.raises(ValueError, match="UTF-8"):
        write_claims(
            tmp_path / "x", rows=10, bad_share=0.1, shape=SHAPES["utf-16"], kinds=(Kind.INVALID_BYTES,)
        )
    with pytest.raises(ValueError, match="0 to 1"):
        Dirt(1.5)
    assert not list(tmp_path.iterdir())


def test_the_manifest_can_be_written_as_json() -> None:
    manifest = Manifest("claims.csv", ["a", "b"], rows=9)
    manifest.add_damage(3, Kind.BAD_DATE, 1)
    manifest.add_damage(5, Kind.TOO_LONG, None)
    manifest.add_duplicate(8, 2)
    loaded = json.loads(json.dumps(manifest.as_json()))
    assert loaded["damaged"] == [
        {"row": 3, "kind": "bad_date", "column": "b"},
        {"row": 5, "kind": "too_long", "column": None},
    ]
    assert loaded["duplicates"] == [{"row": 8, "of_row": 2}]
