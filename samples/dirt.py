"""Rows that a pipeline must refuse, and exactly which they are.

The share is exact: of n claims, round(share * n) are damaged, one in each of as many equal stretches. Which
one, how and where follows from the seed and the number of the stretch alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import numpy as np

from samples.columns import Column
from samples.contract import Field, motor_fields
from samples.draws import Integers, Lane, Words64
from samples.layout import Layout, Records, Shape
from samples.manifest import Kind

BREAKS_THE_CONTRACT = (
    Kind.WRONG_TYPE,
    Kind.OUT_OF_RANGE,
    Kind.UNKNOWN_CATEGORY,
    Kind.MISSING_REQUIRED,
    Kind.BAD_DATE,
    Kind.BAD_PATTERN,
    Kind.TOO_SHORT,
    Kind.TOO_LONG,
)
BREAKS_THE_TEXT = (Kind.INVALID_BYTES, Kind.NUL_BYTE)

_NOT_OF_TYPE = {
    "integer": ("twelve", "12x", "1.2.3", "--", "1 1"),
    "number": ("n0thing", "12.50.1", "EUR", "1-2", "abc"),
    "boolean": ("maybe", "perhaps", "2x"),
}
_NOT_A_DATE = ("2026-02-30", "2026-13-01", "yesterday", "0000-00-00", "31.31.2026")
_NO_CATEGORY = ("unheard_of", "zzz", "category 9", "#REF!")
_NO_MATCH = ("12345", "mtr-xyz", "not given", "@@")
_UNREADABLE = {Kind.INVALID_BYTES: b"\xff\xfe\x80", Kind.NUL_BYTE: b"\0"}
_EXTRA_FIELDS = ("left", "over", "42")


@dataclass(frozen=True)
class Dirt:
    """How many rows are damaged, and in which ways; each way is as frequent as the others."""

    share: float = 0.0
    kinds: tuple[Kind, ...] = BREAKS_THE_CONTRACT

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise ValueError("the share of bad rows must be from 0 to 1")
        if self.share and not self.kinds:
            raise ValueError("bad rows need at least one kind")

    def check(self, shape: Shape) -> None:
        """Raises ValueError for damage that cannot be written in this shape."""
        if not self.share:
            return
        if shape.format == "parquet":
            raise ValueError("a Parquet file has types: bad rows cannot be written in it")
        if Kind.INVALID_BYTES in self.kinds and shape.encoding != "utf-8":
            raise ValueError("invalid bytes can only be told in UTF-8")

    def stretches(self, claims: int) -> int:
        """How many of so many claims are damaged."""
        return round(self.share * claims)


def damaged_numbers(
    seed: int, week: int, first: int, stop: int, claims: int, dirt: Dirt
) -> tuple[Words64, Words64]:
    """(numbers, stretches) of the damaged claims from `first` up to `stop`, of a week of so many claims."""
    bad = dirt.stretches(claims)
    if not bad:
        return np.empty(0, np.uint64), np.empty(0, np.uint64)
    stretch = np.arange(max(0, first * bad // claims - 1), min(bad, stop * bad // claims + 1))
    begin, end = stretch * claims // bad, (stretch + 1) * claims // bad
    number = begin + (_lane(seed, week, stretch).uniform("place") * (end - begin)).astype(np.int64)
    inside = (first <= number) & (number < stop)
    return number[inside].astype(np.uint64), stretch[inside].astype(np.uint64)


@dataclass(frozen=True)
class Spoilt:
    """A damaged record."""

    text: bytes
    kind: Kind
    column: int | None
    """By its place in the contract; None where the record as a whole is damaged."""


class Spoiler:
    """Damages records of a week's file."""

    def __init__(self, seed: int, week: int, dirt: Dirt, layout: Layout) -> None:
        self._seed, self._week, self._kinds, self._layout = seed, week, dirt.kinds, layout

    def spoil(self, records: Records, row: int, stretch: int, columns: Sequence[Column]) -> Spoilt:
        """The record of that row of the block, damaged as its stretch of the week says."""
        layout = self._layout
        choose = _Choice(_lane(self._seed, self._week, np.array([stretch])))
        kind = choose("kind", self._kinds)
        fields = [lead + records.field(row, column) for column, lead in enumerate(layout.leads)]
        if kind is Kind.TOO_SHORT:
            return Spoilt(layout.too_short(fields, choose("lost", (1, 2, 3, 7, 20))), kind, None)
        if kind is Kind.TOO_LONG:
            return Spoilt(layout.too_long(fields, _EXTRA_FIELDS[: choose("extra", (1, 2, 3))]), kind, None)
        column = choose("column", _targets()[kind])
        if kind in BREAKS_THE_TEXT:
            value = layout.with_inside(records.field(row, column), _UNREADABLE[kind])
        else:
            value = layout.value(_bad_text(kind, motor_fields()[column], choose), columns[column])
        fields[column] = layout.leads[column] + value
        return Spoilt(b"".join(fields) + layout.end, kind, column)


class _Choice:
    """Choices that belong to one bad row."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    def __call__[T](self, what: str, options: Sequence[T]) -> T:
        return options[int(self._lane.below(what, len(options))[0])]


def _lane(seed: int, week: int, stretch: Integers) -> Lane:
    return Lane(seed, f"damage in week {week}", stretch.astype(np.uint64))


@cache
def _targets() -> Mapping[Kind, Sequence[int]]:
    """The columns that each kind of damage can hit."""

    def where(condition: Callable[[Field], bool]) -> list[int]:
        return [place for place, field in enumerate(motor_fields()) if condition(field)]

    # A name is always there and any text would do for it, so nothing else is wrong with the row.
    names = where(lambda field: field.name == "policyholder_name")
    return {
        Kind.WRONG_TYPE: where(lambda field: field.type in _NOT_OF_TYPE),
        Kind.OUT_OF_RANGE: where(lambda field: field.maximum is not None),
        Kind.UNKNOWN_CATEGORY: where(lambda field: bool(field.categories)),
        Kind.MISSING_REQUIRED: where(lambda field: field.required),
        Kind.BAD_DATE: where(lambda field: field.type in ("date", "timestamp")),
        Kind.BAD_PATTERN: where(lambda field: field.pattern is not None),
        Kind.INVALID_BYTES: names,
        Kind.NUL_BYTE: names,
    }


def _bad_text(kind: Kind, field: Field, choose: _Choice) -> str:
    match kind:
        case Kind.WRONG_TYPE:
            return choose("text", _NOT_OF_TYPE[field.type])
        case Kind.OUT_OF_RANGE:
            return choose("text", _out_of_range(field))
        case Kind.UNKNOWN_CATEGORY:
            return choose("text", _NO_CATEGORY)
        case Kind.BAD_DATE:
            return choose("text", _NOT_A_DATE)
        case Kind.BAD_PATTERN:
            return choose("text", _NO_MATCH)
        case _:
            return ""


def _out_of_range(field: Field) -> Sequence[str]:
    """Just below, just above and far above the range."""
    low, high = field.minimum, field.maximum
    if field.type in ("integer", "number"):
        return f"{low - 1}", f"{high + 1}", f"{high * 10}"
    one = timedelta(days=1) if field.type == "date" else timedelta(seconds=1)
    below, above = datetime.fromisoformat(low) - one, datetime.fromisoformat(high) + one
    if field.type == "date":
        return below.date().isoformat(), above.date().isoformat(), "2999-01-01"
    return below.isoformat(), above.isoformat(), "2999-01-01T00:00:00"
