"""Dates and times of single claims, as `dates_sql` reads them in files: ISO 8601, and a column's formats."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from claimwatch.domain.contract.contract import Column, LogicalType
from claimwatch.domain.contract.date_formats import ambiguous, must_be_compared, shape_of_format
from claimwatch.domain.validation.case_folding import lower, trim
from claimwatch.domain.validation.dates_sql import ISO_DAY, ISO_UTC, ISO_ZONED
from claimwatch.domain.validation.linear_patterns import groups_finder, matcher

type Reading = Callable[[str], datetime | None]
"""Returns the moment that a text means, in UTC and without a time zone, or None."""

_DAY_LENGTH, _MOMENT_LENGTH = len("2026-03-14"), len("2026-03-14T08:15:00")
_LAST_MINUTE = _LAST_SECOND = 59
_NO_OFFSET, _WHOLE_DAY = timedelta(), timedelta(1)
_DAYS_OF_CYCLE = 146_097
"""Days of 400 years."""
_BLANKS = " \t\n\f\r"
r"""What ``\s`` matches in RE2."""
_BLANKS_OF_DUCKDB = " \t\n\v\f\r"

_TIME = re.compile(
    r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
    r"(?P<utc> ?[Zz]| UTC)?(?: ?([+-])([0-9]{2})(?::?([0-9]{2}))?)?"
)
"""The parts of a time that a pattern of `dates_sql` has matched."""

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHORT = 3
_NAMES = {
    "B": _MONTHS,
    "b": tuple(name[:_SHORT] for name in _MONTHS),
    "A": _WEEKDAYS,
    "a": tuple(name[:_SHORT] for name in _WEEKDAYS),
    "p": ("AM", "PM"),
}
_WIDTHS = {"Y": 4, "y": 2, "m": 2, "d": 2, "H": 2, "I": 2, "M": 2, "S": 2, "f": 9, "j": 3}
"""Digits that a directive reads at most."""
_FIELDS = {"Y": "year", "m": "month", "d": "day", "j": "day_of_year", "H": "hour", "I": "hour"} | {
    "M": "minute",
    "S": "second",
}
_RANGES = {"m": (1, 12), "d": (1, 31), "H": (0, 23), "I": (1, 12), "M": (0, 59), "S": (0, 59), "j": (1, 366)}

_CENTURY_BEGINS = 69
"""The first year of two digits that is in the 20th century."""
_NOON = 12
_MICROSECOND_DIGITS, _NANOSECOND_DIGITS = 6, 9
_HALF_A_MICROSECOND = 500
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC
_NANOSECONDS = (datetime(1677, 9, 21, 0, 12, 43, 145225), datetime(2262, 4, 11, 23, 47, 16, 854775))  # noqa: DTZ001
"""The range of DuckDB's timestamps with nanoseconds, in which it reads fractions of more than six digits."""


def date_reader(column: Column) -> Reading:
    """Return a function that returns the date at midnight, or in UTC the time, that a text means; or None."""
    is_date = column.logical_type is LogicalType.DATE
    iso = _iso_day_reader() if is_date else _iso_moment_reader()
    readings = [iso, *map(_format_reader, column.date_formats)]
    canonical = _canonical_day if is_date else _canonical_moment

    def read(text: str) -> datetime | None:
        if canonical.matches(text):
            return canonical.value(text)
        return next((found for reading in readings if (found := reading(text)) is not None), None)

    def read_if_sure(text: str) -> datetime | None:
        """Return what all readings agree on: which of two is meant cannot be known."""
        found = {moment for reading in readings if (moment := reading(text)) is not None}
        return found.pop() if len(found) == 1 else None

    return read_if_sure if ambiguous(column.date_formats) else read


@dataclass(frozen=True)
class _Canonical:
    """The usual form, which needs no pattern; a text of this form is not read by any format."""

    length: int

    def matches(self, text: str) -> bool:
        if len(text) != self.length or not text.isascii() or text[4] != "-" or text[7] != "-":
            return False
        digits = text[:4] + text[5:7] + text[8:10]
        if self.length == _MOMENT_LENGTH:
            if text[10] != "T" or text[13] != ":" or text[16] != ":":
                return False
            digits += text[11:13] + text[14:16] + text[17:]
        return digits.isdigit()

    def value(self, text: str) -> datetime | None:
        if self.length == _DAY_LENGTH:
            return _moment(text)
        return _moment(text, int(text[11:13]), int(text[14:16]), int(text[17:]))


_canonical_day, _canonical_moment = _Canonical(_DAY_LENGTH), _Canonical(_MOMENT_LENGTH)


def _moment(
    day: str, hour: int = 0, minute: int = 0, second: int = 0, micro: int = 0, offset: timedelta = _NO_OFFSET
) -> datetime | None:
    """Return the moment of a day in ISO 8601; 24:00 is the beginning of the next day.

    The day may be one of year 0, or end in year 10000, if the offset moves the moment into a year between.
    """
    time = timedelta(hours=hour, minutes=minute, seconds=second, microseconds=micro)
    if minute > _LAST_MINUTE or second > _LAST_SECOND or time > _WHOLE_DAY:
        return None
    year = int(day[:4])
    cycles = 1 if year == 0 else 0  # the calendar repeats itself every 400 years
    try:
        ordinal = (
            date(year + 400 * cycles, int(day[5:7]), int(day[8:10])).toordinal() - cycles * _DAYS_OF_CYCLE
        )
        return datetime.min + (timedelta(ordinal - 1) + time - offset)  # noqa: DTZ901 - UTC
    except (ValueError, OverflowError):
        return None


def _iso_day_reader() -> Reading:
    find = groups_finder(ISO_DAY)

    def read(text: str) -> datetime | None:
        found = find(text)
        return None if found is None else _moment(found[0])

    return read


def _iso_moment_reader() -> Reading:
    in_utc, zoned = matcher(ISO_UTC), matcher(ISO_ZONED)

    def read(text: str) -> datetime | None:
        if not in_utc(text) and not zoned(text):
            return None
        written = text.lstrip(_BLANKS)
        day, rest = written[:_DAY_LENGTH], written[_DAY_LENGTH:]
        if not rest:
            return _moment(day)
        time = _TIME.match(rest, 1)
        if time is None:  # DuckDB does not read white space after a day
            return None
        after = rest[time.end() :]
        if after and after[0] != " " and not time["utc"] and not time[6]:
            return None  # nor any but a blank after a time without a zone
        fraction = ((time[4] or "") + "000000")[:_MICROSECOND_DIGITS]
        offset = timedelta(hours=int(time[7] or 0), minutes=int(time[8] or 0))
        return _moment(
            day,
            int(time[1]),
            int(time[2]),
            int(time[3] or 0),
            int(fraction),
            -offset if time[6] == "-" else offset,
        )

    return read


# -- Formats -------------------------------------------------------------------------------------------------


def _format_reader(form: str) -> Reading:
    """Return a function that reads a text as DuckDB's strptime does, if it has the shape of the format."""
    has_shape = matcher(shape_of_format(form))
    parts = tuple(_parts(form))
    compared = must_be_compared(form)

    def read(text: str) -> datetime | None:
        if not has_shape(text):
            return None
        numbers = _read_parts(parts, text)
        moment = None if numbers is None else _moment_of(numbers)
        if moment is None or not compared:
            return moment
        written = lower(_written(parts, moment)).replace("0", "")
        return moment if written == lower(trim(text)).replace("0", "") else None

    return read


@dataclass(frozen=True)
class _Part:
    """A part of a format: a directive, a run of blanks, or one other character."""

    directive: str = ""
    text: str = ""
    """The blanks or the character, as the format has them."""


_PART = re.compile(rf"%(?P<directive>.)|[{_BLANKS_OF_DUCKDB}]+|.", re.DOTALL)


def _parts(form: str) -> list[_Part]:
    return [
        _Part(text="%" if part[0] == "%%" else part[0])
        if part["directive"] in (None, "%")
        else _Part(part["directive"])
        for part in _PART.finditer(form)
    ]


@dataclass
class _Numbers:
    """What the parts of a text say; the defaults are those of strptime."""

    year: int = 1900
    month: int = 1
    day: int = 1
    day_of_year: int | None = None
    by_month: bool = False
    """Whether the month or the day is a number: then the day of the year does not count."""
    hour: int = 0
    minute: int = 0
    second: int = 0
    half: int | None = None
    """0 before noon, 1 after it."""
    fraction: str = ""
    nanoseconds: bool = False


def _read_parts(parts: Sequence[_Part], text: str) -> _Numbers | None:
    text = text.lstrip(_BLANKS_OF_DUCKDB)
    numbers, at = _Numbers(), 0
    for part in parts:
        if part.directive:
            end = _read_directive(part.directive, text, at, numbers)
        elif part.text[0] in _BLANKS_OF_DUCKDB:
            end = _after_blanks(text, at)
        else:
            end = at + 1 if text.startswith(part.text, at) else None
        if end is None:
            return None
        at = end
    return numbers if not text[at:].strip(_BLANKS_OF_DUCKDB) else None


def _after_blanks(text: str, at: int) -> int | None:
    """Return the place after one or more blanks, or None."""
    rest = text[at:].lstrip(_BLANKS_OF_DUCKDB)
    return None if len(rest) == len(text) - at else len(text) - len(rest)


def _read_directive(directive: str, text: str, at: int, numbers: _Numbers) -> int | None:
    """Read a directive at this place; return the place after it, or None."""
    if directive in _NAMES:
        return _read_name(directive, text, at, numbers)
    end = at
    while end < min(len(text), at + _WIDTHS[directive]) and text[end] in "0123456789":
        end += 1
    if end == at:
        return None
    digits, number = text[at:end], int(text[at:end])
    least, most = _RANGES.get(directive, (0, number))
    if not least <= number <= most:
        return None
    if directive == "f":
        numbers.fraction = digits
        numbers.nanoseconds |= len(digits) > _MICROSECOND_DIGITS
    elif directive == "y":
        numbers.year = number + (1900 if number >= _CENTURY_BEGINS else 2000)
    else:
        setattr(numbers, _FIELDS[directive], number)
        numbers.by_month |= directive in "md"
    return end


def _read_name(directive: str, text: str, at: int, numbers: _Numbers) -> int | None:
    for place, name in enumerate(_NAMES[directive]):
        if lower(text[at : at + len(name)]) == name.lower():
            if directive in "bB":
                numbers.month = place + 1
            elif directive == "p":
                numbers.half = place
            return at + len(name)
    return None


def _moment_of(numbers: _Numbers) -> datetime | None:
    hour = numbers.hour
    if numbers.half is not None:
        if hour > _NOON:
            return None
        hour = hour % _NOON if numbers.half == 0 else hour % _NOON + _NOON
    try:
        if numbers.day_of_year is not None and not numbers.by_month:
            day = datetime(numbers.year, 1, 1) + timedelta(numbers.day_of_year - 1)  # noqa: DTZ001 - UTC
        else:
            day = datetime(numbers.year, numbers.month, numbers.day)  # noqa: DTZ001 - UTC
        moment = day.replace(hour=hour, minute=numbers.minute, second=numbers.second)
        nanoseconds = int(numbers.fraction.ljust(_NANOSECOND_DIGITS, "0"))
        if not numbers.nanoseconds:
            return moment + timedelta(microseconds=nanoseconds // 1000)
        if not _NANOSECONDS[0] < moment < _NANOSECONDS[1]:
            return None
        half = _HALF_A_MICROSECOND - (moment < _EPOCH)  # it is rounded away from 1970
        return moment + timedelta(microseconds=(nanoseconds + half) // 1000)
    except (ValueError, OverflowError):
        return None


def _written(parts: Sequence[_Part], moment: datetime) -> str:
    """Return the moment in a format, as strftime writes it; zeros in front do not matter."""
    return "".join(part.text or _written_directive(part.directive, moment) for part in parts)


def _written_directive(directive: str, moment: datetime) -> str:
    if directive in "Bb":
        return _NAMES[directive][moment.month - 1]
    if directive in "Aa":
        return _NAMES[directive][moment.weekday()]
    if directive == "p":
        return _NAMES["p"][moment.hour >= _NOON]
    if directive == "f":
        return f"{moment.microsecond:06}"
    number = {
        "Y": moment.year,
        "y": moment.year % 100,
        "m": moment.month,
        "d": moment.day,
        "H": moment.hour,
        "I": (moment.hour - 1) % _NOON + 1,
        "M": moment.minute,
        "S": moment.second,
        "j": moment.timetuple().tm_yday,
    }[directive]
    return str(number)
