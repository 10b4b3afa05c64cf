"""A damaged file loses only the damaged rows."""

import csv
import io
from functools import cache

from hypothesis import example, given, settings
from hypothesis import strategies as st

from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.files.header import csv_layout, ndjson_layout
from claimwatch.domain.files.records import RecordCutter
from claimwatch.ingest.validation import Validator
from tests.integration.ingest.environment import KEY
from tests.integration.ingest.glass import GLASS, HEADER

CONTRACT = parse_contract(GLASS, "glass")
ROWS = 12
REACH = 1
"""Rows next to the damage that may be lost too: a lost line break joins two rows."""

RECORDS = [
    f'G{number},2026-03-{number + 1:02},{number}.50,{number},Ann Lee,"it broke, ""loudly"""'
    for number in range(ROWS)
]
DAMAGE = st.one_of(
    st.binary(min_size=0, max_size=6), st.sampled_from([b'"', b'""', b",", b"\n", b"\r", b"\0", b"\xff"])
)


@cache
def validator() -> Validator:
    return Validator(csv_layout(CONTRACT, HEADER.split(","), ","), KEY)


@cache
def json_validator() -> Validator:
    return Validator(ndjson_layout(CONTRACT, HEADER.split(",")), KEY)


def loaded(data: bytes, block: int, *, json: bool = False) -> dict[str, list[list[str]]]:
    """Return the rows that would be copied, by claim id, reading the file in blocks of this size.

    Damage can turn the id of a row into that of another.
    """
    cutter = RecordCutter(None if json else b",", len(HEADER.split(",")))
    found: dict[str, list[list[str]]] = {}
    batches = cutter.cut(data[at : at + block] for at in range(0, len(data), block))
    verdict = (json_validator() if json else validator()).check(batches, 1)
    for row in csv.reader(io.StringIO(verdict.copy_text.decode(), newline="")):
        found.setdefault(row[1], []).append(row[1:])
    return found


@example(1, 1, b"2", 64)  # the row gets the id of another
@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 12), DAMAGE, st.sampled_from([64, 200, 10_000]))
def test_damage_costs_the_damaged_rows_only(place: int, lost: int, put: bytes, block: int) -> None:
    sound = "\n".join([*RECORDS, ""]).encode()
    place %= len(sound)
    damaged = sound[:place] + put + sound[place + lost :]
    begin, end = sound.count(b"\n", 0, place), sound.count(b"\n", 0, min(len(sound), place + lost))

    whole, rest = loaded(sound, 10_000), loaded(damaged, block)

    assert len(whole) == ROWS
    for number in range(ROWS):
        if not begin - REACH <= number <= end + REACH:
            [row] = whole[f"G{number}"]
            assert row in rest.get(f"G{number}", []), number


def json_record(number: int) -> str:
    return (
        f'{{"claim_id": "G{number}", "broken_on": "2026-03-{number + 1:02}", "amount": {number}.5,'
        f' "panes": {number}, "driver": "Ann Lee", "story": "it \\"broke\\""}}'
    )


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 12), DAMAGE)
def test_damage_of_ndjson_costs_the_damaged_lines_only(place: int, lost: int, put: bytes) -> None:
    sound = "\n".join([*map(json_record, range(ROWS)), ""]).encode()
    place %= len(sound)
    damaged = sound[:place] + put + sound[place + lost :]
    begin, end = sound.count(b"\n", 0, place), sound.count(b"\n", 0, min(len(sound), place + lost))

    whole, rest = loaded(sound, 10_000, json=True), loaded(damaged, 200, json=True)

    assert len(whole) == ROWS
    for number in range(ROWS):
        if not begin <= number <= end:
            [row] = whole[f"G{number}"]
            assert row in rest.get(f"G{number}", []), number
