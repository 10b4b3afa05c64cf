"""Type inference: a column's type, its notation, and its tokens for missing values, from sample cells."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from claimwatch.domain.contract.contract import LogicalType

MISSING = ("?", "NA", "N/A", "n/a", "#N/A", "null", "NULL", "Null", "(null)", "\\N", "NaN", "nan", "-", "--")
"""Tokens that mean a missing value wherever they fill a cell."""

MISSING_AMONG_TYPED = ("None", "none", "NONE", "unknown", "Unknown", "UNKNOWN", ".", "*")
"""Tokens that mean a missing value only if all other cells are numbers, dates or booleans."""

MAX_CATEGORIES = 30
"""Maximum number of values in a proposed enumeration."""

_LEAST_DIGITS = 7
"""Digits of the shortest telephone number; codes and ranges of ages have fewer."""

_BOOLEANS = ({"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"})
_SIGN = r"[+-]?"
_SEPARATORS = (  # of decimals and of thousands; the first pair that fits all values is used
    (".", ""),
    (".", ","),
    (",", ""),
    (",", "."),
    *((decimal, blank) for blank in (" ", "'", "\u00a0", "\u202f", "\u2019") for decimal in (".", ",")),
)
_DATES = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d.%m.%y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%Y%m%d",
)
_TIMES = ("%H:%M:%S", "%H:%M", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p")
_LONGEST_DATE = 40


@dataclass(frozen=True)
class Values:
    """Description of a column's values; ``number`` of them are not missing.

    ``other_reading`` explains an ambiguity in words. ``few`` are the distinct values, most frequent first, if
    there are few and the sample probably contains all of them.
    """

    number: int
    missing: int
    logical_type: LogicalType
    missing_tokens: tuple[str, ...] = ()
    own_missing_tokens: tuple[str, ...] = ()
    date_format: str = ""
    decimal_separator: str = "."
    thousands_separator: str = ""
    other_reading: str = ""
    distinct: int = 0
    few: tuple[str, ...] = ()
    least: Decimal | None = None
    most: Decimal | None = None
    negative: int = 0
    average_length: float = 0.0
    counts: Counter[str] = field(default_factory=Counter, repr=False)


def infer_type(cells: Iterable[str], *, decimal_comma: bool = False) -> Values:
    """Infer the type of a column from its cells.

    ``decimal_comma`` decides how ambiguous numbers are read.
    """
    all_cells = Counter(cell.strip() for cell in cells)
    empty = all_cells.pop("", 0)
    tokens = tuple(token for token in MISSING if token in all_cells)
    empty += sum(all_cells.pop(token) for token in tokens)
    weak = tuple(token for token in MISSING_AMONG_TYPED if token in all_cells)
    if weak and len(all_cells) > len(weak):
        typed = Counter({value: count for value, count in all_cells.items() if value not in weak})
        values = _typed(typed, decimal_comma)
        if values is not None:
            missing = empty + sum(all_cells[token] for token in weak)
            return _described(values, typed, missing, tokens, weak)
    values = _typed(all_cells, decimal_comma) or _Typed(LogicalType.STRING)
    return _described(values, all_cells, empty, tokens, ())


def is_value(text: str) -> bool:
    """Return whether a text is a date, an e-mail address, a number or a telephone number: no column's name.

    Years and other short whole numbers are possible names.
    """
    text = text.strip()
    if re.fullmatch(r"[^@\s]+@[^@\s]+", text) or _is_telephone_number(text):
        return True
    kind = infer_type([text]).logical_type
    return kind not in (LogicalType.STRING, LogicalType.BOOLEAN) and not re.fullmatch(r"\d{1,4}", text)


def _is_telephone_number(text: str) -> bool:
    return re.fullmatch(r"[\d\s()+./-]+", text) is not None and len(re.findall(r"\d", text)) >= _LEAST_DIGITS


@dataclass(frozen=True)
class _Typed:
    logical_type: LogicalType
    date_format: str = ""
    decimal_separator: str = "."
    thousands_separator: str = ""
    other_reading: str = ""


def _described(
    typed: _Typed, counts: Counter[str], missing: int, tokens: tuple[str, ...], weak: tuple[str, ...]
) -> Values:
    number = counts.total()
    numbers: list[tuple[Decimal, int]] = []
    if typed.logical_type in (LogicalType.INTEGER, LogicalType.NUMBER):
        numbers = [(_decimal(value, typed), count) for value, count in counts.items()]
    # Good-Turing: the share of unseen values is about the share of values seen once.
    complete = 0 < len(counts) <= MAX_CATEGORIES and min(counts.values()) > 1
    categories = sorted(counts, key=lambda value: (-counts[value], value)) if complete else []
    return Values(
        number=number,
        missing=missing,
        logical_type=typed.logical_type,
        missing_tokens=tokens,
        own_missing_tokens=weak,
        date_format=typed.date_format,
        decimal_separator=typed.decimal_separator,
        thousands_separator=typed.thousands_separator,
        other_reading=typed.other_reading,
        distinct=len(counts),
        few=tuple(categories) if typed.logical_type is LogicalType.STRING else (),
        least=min((value for value, _ in numbers), default=None),
        most=max((value for value, _ in numbers), default=None),
        negative=sum(count for value, count in numbers if value < 0),
        average_length=sum(len(value) * count for value, count in counts.items()) / number if number else 0.0,
        counts=counts,
    )


def _typed(counts: Counter[str], decimal_comma: bool) -> _Typed | None:
    """Return the type other than string that all values have, or None."""
    if not counts:
        return None
    values = list(counts)
    if any({value.casefold() for value in values} == pair for pair in _BOOLEANS) or (
        {value.casefold() for value in values} in ({"true"}, {"false"}, {"yes"}, {"no"})
    ):
        return _Typed(LogicalType.BOOLEAN)
    return _number(values, decimal_comma) or _date(values)


def _number(values: Sequence[str], decimal_comma: bool) -> _Typed | None:
    if any(re.fullmatch(rf"{_SIGN}0\d+", value, re.ASCII) for value in values):
        return None  # a code: as a number it would lose its leading zeros
    fitting = [pair for pair in _SEPARATORS if all(map(_pattern(*pair).fullmatch, values))]
    if not fitting:
        return None
    preferred = [pair for pair in fitting if (pair[0] == ",") == decimal_comma]
    decimal, thousands = (preferred or fitting)[0]
    whole = all(re.fullmatch(rf"{_SIGN}\d+", _plain(value, decimal, thousands), re.ASCII) for value in values)
    if whole and max(len(value) for value in values) > 18:
        return None
    readings = {_plain(values[0], *pair) for pair in fitting}
    other = ""
    if len(readings) > 1:
        other = f"'{values[0]}' is read as {_plain(values[0], decimal, thousands)}"
    return _Typed(
        LogicalType.INTEGER if whole else LogicalType.NUMBER,
        decimal_separator=decimal,
        thousands_separator=thousands,
        other_reading=other,
    )


def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    """Return a pattern of numbers with these separators."""
    fraction = rf"(?:{re.escape(decimal)}\d+)?"
    if thousands:
        return re.compile(
            rf"{_SIGN}(?:\d{{1,3}}|\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+){fraction}", re.ASCII
        )
    exponent = r"(?:[eE][+-]?\d{1,2})?" if decimal == "." else ""
    return re.compile(rf"{_SIGN}\d+{fraction}{exponent}", re.ASCII)


def _plain(value: str, decimal: str, thousands: str) -> str:
    bare = value.replace(thousands, "") if thousands else value
    return bare.replace(decimal, ".")


def _decimal(value: str, typed: _Typed) -> Decimal:
    return Decimal(_plain(value, typed.decimal_separator, typed.thousands_separator))


def _date(values: Sequence[str]) -> _Typed | None:
    if max(map(len, values)) > _LONGEST_DATE or not all(value[-1:].isalnum() for value in values):
        return None
    if all(map(_is_iso_timestamp, values)):
        return _Typed(LogicalType.TIMESTAMP)
    for kind, formats in (
        (LogicalType.DATE, _DATES),
        (LogicalType.TIMESTAMP, [f"{day}{gap}{time}" for day in _DATES for gap in " T" for time in _TIMES]),
    ):
        fitting = [form for form in formats if all(_parses(form, value) for value in values)]
        if fitting:
            form = fitting[0]
            swapped = {"%m/%d": "the month comes first", "%d/%m": "the day comes first"}
            others = {other[:5] for other in fitting[1:]} - {form[:5]}
            other = swapped.get(form[:5], "") if others & set(swapped) else ""
            return _Typed(
                kind,
                date_format="" if form == _DATES[0] else form,
                other_reading=f"no day above 12 decides, so it is assumed that {other}" if other else "",
            )
    return None


def _parses(form: str, value: str) -> bool:
    try:
        return 1800 <= datetime.strptime(value, form).year <= 2200  # noqa: DTZ007 - only tried
    except ValueError:
        return False


def _is_iso_timestamp(value: str) -> bool:
    if not re.match(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}", value, re.ASCII):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
