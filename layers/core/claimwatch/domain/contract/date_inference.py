"""Dates and times in sample cells: their strptime formats, and dates that stand for no date."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product

_DAYS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d.%m.%y",
    "%d-%m-%y",
    "%m-%d-%y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d-%B-%Y",
    "%d/%b/%Y",
    "%d.%b.%Y",
    "%d %b %Y",
    "%d %b %y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%B %d %Y",
    "%b-%d-%Y",
    "%Y-%b-%d",
    "%a, %d %b %Y",
    "%A, %d %B %Y",
    "%A, %B %d, %Y",
    "%d%b%Y",
    "%d%b%y",
    "%Y%m%d",
)
_TIMES = (
    "%H:%M:%S",
    "%H:%M",
    "%H:%M:%S.%f",
    "%I:%M %p",
    "%I:%M:%S %p",
    "%I:%M:%S.%f %p",
    "%I:%M%p",
    "%I:%M:%S%p",
    "%I.%M.%S.%f %p",  # of Oracle
    "%I.%M.%S %p",
    "%H.%M.%S.%f",
    "%H.%M.%S",
    "%H.%M",
    "%H:%M Uhr",
    "%H:%M:%S Uhr",
)
_GAPS = (" ", "T", ", ", ":", "-")
_ISO_DAY = "%Y-%m-%d"
_COMPACT = ("%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d %H%M%S", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M%SZ")
_LONGEST = 40
_MOST_SHAPES = 3
"""Forms of dates in one column: more are a column of texts."""

_NANOSECONDS = re.compile(r"(\.\d{6})\d{3}(?!\d)")
_DIRECTIVES = {"p": "a", "b": "a", "B": "a", "a": "a", "A": "a"}
_MONTHS_FIRST, _DAYS_FIRST = ("%m/%d", "%m-%d"), ("%d/%m", "%d-%m")


@dataclass(frozen=True)
class Dates:
    """How the dates of a column are written.

    ``formats`` lacks ISO 8601, which is always read. ``order`` is ``month`` or ``day`` if that comes first
    and the other order is impossible, ``month?`` or ``day?`` if both are possible, and empty otherwise.
    """

    timed: bool
    formats: tuple[str, ...] = ()
    order: str = ""

    @property
    def short_years(self) -> bool:
        """Whether a format has years of two digits."""
        return any("%y" in form for form in self.formats)


def shape(value: str) -> str:
    """Return a text with each run of digits as 9, each run of letters as a, and single blanks."""
    return re.sub(r"\s+", " ", re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", value)))


def _shape_of_format(form: str) -> str:
    return shape(re.sub(r"%(.)", lambda found: _DIRECTIVES.get(found[1], "9"), form))


def _formats() -> Iterator[tuple[str, bool]]:
    for day in _DAYS:
        yield day, False
    for day, gap, time in product(_DAYS, _GAPS, _TIMES):
        # Digits that follow digits without a sign between them could be divided anywhere.
        if day != "%Y%m%d":
            yield f"{day}{gap}{time}", True
    for form in _COMPACT:
        yield form, True


def _by_shape() -> dict[str, list[tuple[str, bool]]]:
    found: dict[str, list[tuple[str, bool]]] = {}
    for form, timed in _formats():
        found.setdefault(_shape_of_format(form), []).append((form, timed))
    return found


_BY_SHAPE = _by_shape()


def dates(values: Sequence[str], *, day_first: bool | None = None) -> Dates | None:
    """Return how all values are written as dates, or None if they are not.

    ``day_first`` decides if both orders are possible; by default the month is first.
    """
    if max(map(len, values)) > _LONGEST or not all(value[-1:].isalnum() for value in values):
        return None
    groups: dict[str, list[str]] = {}
    timed = False
    for value in values:
        if _is_iso_timestamp(value):
            timed = True
            continue
        groups.setdefault(shape(value), []).append(value)
        if len(groups) > _MOST_SHAPES:
            return None
    fitting = []
    for key, members in groups.items():
        fits = [
            found for found in _BY_SHAPE.get(key, ()) if all(_parses(found[0], value) for value in members)
        ]
        if not fits:
            return None
        fitting.append(fits)
    orders = {_order(form) for fits in fitting for form, _ in fits} - {""}
    decided = {_order(fits[0][0]) for fits in fitting if len({_order(form) for form, _ in fits} - {""}) == 1}
    certain = decided - {""}
    if len(certain) > 1:
        return None  # some begin with the day and some with the month
    first = certain.pop() if certain else ("day" if day_first else "month")
    chosen = [next((fit for fit in fits if _order(fit[0]) in ("", first)), fits[0]) for fits in fitting]
    order = first if decided - {""} else f"{first}?" if len(orders) > 1 else first if orders else ""
    return Dates(
        timed or any(with_time for _, with_time in chosen),
        tuple(dict.fromkeys(form for form, _ in chosen if form != _ISO_DAY)),
        order,
    )


def _order(form: str) -> str:
    if form.startswith(_MONTHS_FIRST):
        return "month"
    return "day" if form.startswith(_DAYS_FIRST) else ""


def _parses(form: str, value: str) -> bool:
    if "%f" in form:  # Python reads six digits, the loader nine
        value = _NANOSECONDS.sub(r"\1", value)
    try:
        return 1800 <= datetime.strptime(value, form).year <= 2200  # noqa: DTZ007 - only tried
    except ValueError:
        return False


def _is_iso_timestamp(value: str) -> bool:
    if not re.match(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}", value, re.ASCII):
        return False
    joined = re.sub(r" (?:UTC|(?=[+-]\d{2}:?\d{2}$))", lambda found: "Z" if found[0] != " " else "", value)
    try:
        return 1800 <= datetime.fromisoformat(joined).year <= 2200
    except ValueError:
        return False


# -- Dates that stand for no date ----------------------------------------------------------------------------

_LAST_YEARS = {"2099", "2199", "2999", "3000", "4000", "5999", "7999", "8888", "9998", "9999"}
_FIRST_YEARS = {"0001", "1753", "1800", "1899", "1900", "1901"}
_SENTINEL = re.compile(
    r"(?:(?P<y>\d{4})[-/.]?(?P<m>\d{2})[-/.]?(?P<d>\d{2})"
    r"|(?P<a>\d{1,2})[-/. ](?P<b>\d{1,2}|[A-Za-z]{3,9})[-/. ](?P<z>\d{4}))"
    r"(?:[T ]?[\d:.]*(?: ?[AaPp][Mm])?(?:Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
_MONTHS = {"jan": "1", "dec": "12", "dez": "12", "dic": "12", "déc": "12"}


def sentinels(values: Iterable[str]) -> tuple[str, ...]:
    """Return the values that are written instead of a missing date, such as 9999-12-31 and 0000-00-00."""
    return tuple(value for value in values if _is_sentinel(value))


def _is_sentinel(value: str) -> bool:
    if not value.strip("0"):
        return True
    found = _SENTINEL.fullmatch(value)
    if found is None:
        return False
    year = found["y"] or found["z"]
    month, day = (found["m"], found["d"]) if found["y"] else (found["b"], found["a"])
    pair = {_MONTHS.get(month[:3].lower(), month).lstrip("0"), day.lstrip("0")}
    if year == "0000" or pair == {""}:
        return True
    if year in _LAST_YEARS:
        return pair in ({"12", "31"}, {"1"}, {"12", "30"})
    return year in _FIRST_YEARS and pair in ({"1"}, {"12", "31"}, {"12", "30"})
