"""Bad rows that a pipeline must reject, at exactly known places.

The share is exact: of n claims, round(share * n) are damaged, one in each of as many equal intervals. The
seed and the number of the interval determine the claim, the kind of damage and the column.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import numpy as np

from samples.columns import Column
from samples.contract import Field, motor_fields
from samples.draws import Draws, Integers, Unsigned
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
_NOT_A_CATEGORY = ("unheard_of", "zzz", "category 9", "#REF!")
_NO_MATCH = ("12345", "mtr-xyz", "not given", "@@")
_UNREADABLE = {Kind.INVALID_BYTES: b"\xff\xfe\x80", Kind.NUL_BYTE: b"\0"}
_EXTRA_FIELDS = ("left", "over", "42")


@dataclass(frozen=True)
class Dirt:
    """The share of damaged rows and the kinds of damage, which are equally frequent."""

    share: float = 0.0
    kinds: tuple[Kind, ...] = BREAKS_THE_CONTRACT

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise ValueError("the share of bad rows must be from 0 to 1")
        if self.share and not self.kinds:
            raise ValueError("bad rows need at least one kind")

    def check(self, shape: Shape) -> None:
        """Raise ValueError for damage that cannot be written in this shape."""
        if not self.share:
            return
        if shape.format == "parquet":
            raise ValueError("Parquet columns are typed: bad rows cannot be written to a Parquet file")
        if Kind.INVALID_BYTES in self.kinds and shape.encoding != "utf-8":
            raise ValueError("bytes can only be invalid in UTF-8")

    def damaged_count(self, claims: int) -> int:
        """Return how many of this number of claims are damaged."""
        return round(self.share * claims)


def damaged_numbers(
    seed: int, week: int, first: int, stop: int, claims: int, dirt: Dirt
) -> tuple[Unsigned, Unsigned]:
    """Return (numbers, intervals) of the damaged claims from `first` up to `stop`, in a week of `claims`."""
    bad = dirt.damaged_count(claims)
    if not bad:
        return np.empty(0, np.uint64), np.empty(0, np.uint64)
    interval = np.arange(max(0, first * bad // claims - 1), min(bad, stop * bad // claims + 1))
    begin, end = interval * claims // bad, (interval + 1) * claims // bad
    number = begin + (_draws(seed, week, interval).uniform("place") * (end - begin)).astype(np.int64)
    inside = (first <= number) & (number < stop)
    return number[inside].astype(np.uint64), interval[inside].astype(np.uint64)


@dataclass(frozen=True)
class DamagedRecord:
    """A damaged record."""

    text: bytes
    kind: Kind
    column: int | None
    """Its position in the contract; None if the record as a whole is damaged."""


class Damager:
    """Damages the records of a week's file."""

    def __init__(self, seed: int, week: int, dirt: Dirt, layout: Layout) -> None:
        self._seed, self._week, self._kinds, self._layout = seed, week, dirt.kinds, layout

    def damage(self, records: Records, row: int, interval: int, columns: Sequence[Column]) -> DamagedRecord:
        """Return the record of this row of the block with the damage that its interval determines."""
        layout = self._layout
        choose = _Choice(_draws(self._seed, self._week, np.array([interval])))
        kind = choose("kind", self._kinds)
        fields = [prefix + records.field(row, column) for column, prefix in enumerate(layout.prefixes)]
        if kind is Kind.TOO_SHORT:
            return DamagedRecord(layout.too_short(fields, choose("lost", (1, 2, 3, 7, 20))), kind, None)
        if kind is Kind.TOO_LONG:
            return DamagedRecord(
                layout.too_long(fields, _EXTRA_FIELDS[: choose("extra", (1, 2, 3))]), kind, None
            )
        column = choose("column", _targets()[kind])
        if kind in BREAKS_THE_TEXT:
            value = layout.with_inserted(records.field(row, column), _UNREADABLE[kind])
        else:
            value = layout.value(_bad_text(kind, motor_fields()[column], choose), columns[column])
        fields[column] = layout.prefixes[column] + value
        return DamagedRecord(b"".join(fields) + layout.end, kind, column)


class _Choice:
    """Random choices for one bad row."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws

    def __call__[T](self, what: str, options: Sequence[T]) -> T:
        return options[int(self._draws.below(what, len(options))[0])]


def _draws(seed: int, week: int, interval: Integers) -> Draws:
    return Draws(seed, f"damage in week {week}", interval.astype(np.uint64))


@cache
def _targets() -> Mapping[Kind, Sequence[int]]:
    """Return the columns that each kind of damage can affect."""

    def where(condition: Callable[[Field], bool]) -> list[int]:
        return [position for position, field in enumerate(motor_fields()) if condition(field)]

    # A name is required and can be any text, so the row has no other fault.
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
            return choose("text", _NOT_A_CATEGORY)
        case Kind.BAD_DATE:
            return choose("text", _NOT_A_DATE)
        case Kind.BAD_PATTERN:
            return choose("text", _NO_MATCH)
        case _:
            return ""


def _out_of_range(field: Field) -> Sequence[str]:
    """Return values just below, just above and far above the range."""
    low, high = field.minimum, field.maximum
    if field.type in ("integer", "number"):
        return f"{low - 1}", f"{high + 1}", f"{high * 10}"
    one = timedelta(days=1) if field.type == "date" else timedelta(seconds=1)
    below, above = datetime.fromisoformat(low) - one, datetime.fromisoformat(high) + one
    if field.type == "date":
        return below.date().isoformat(), above.date().isoformat(), "2999-01-01"
    return below.isoformat(), above.isoformat(), "2999-01-01T00:00:00"
