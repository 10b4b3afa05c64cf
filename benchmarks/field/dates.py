"""Dates and times as tools write them, in contracts with several formats."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from random import Random

from benchmarks.field.generated import GeneratedFile, TrueRow, contract_text

FIELDS = ("claim_id", "reported_at", "day", "moment")
REPORTED = "2026-03-02T08:15:00Z"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
type Writer = Callable[[date], str]

FORMATS: dict[str, Writer] = {
    "%d/%m/%Y": lambda day: f"{day.day:02}/{day.month:02}/{day.year:04}",
    "%m/%d/%Y": lambda day: f"{day.month:02}/{day.day:02}/{day.year:04}",
    "%d.%m.%Y": lambda day: f"{day.day}.{day.month}.{day.year:04}",
    "%d/%m/%y": lambda day: f"{day.day:02}/{day.month:02}/{day.year % 100:02}",
    "%d-%b-%y": lambda day: f"{day.day:02}-{MONTHS[day.month - 1].upper()}-{day.year % 100:02}",
    "%d %b %Y": lambda day: f"{day.day} {MONTHS[day.month - 1]} {day.year:04}",
    "%Y%m%d": lambda day: f"{day.year:04}{day.month:02}{day.day:02}",
    "%Y/%m/%d": lambda day: f"{day.year:04}/{day.month:02}/{day.day:02}",
    "%a %d.%m.%Y": lambda day: f"{WEEKDAYS[day.weekday()]} {day.day:02}.{day.month:02}.{day.year:04}",
    "%Y.%j": lambda day: f"{day.year:04}.{day.timetuple().tm_yday:03}",
    "%Y-%d-%m": lambda day: f"{day.year:04}-{day.day:02}-{day.month:02}",
}
"""How a date is written in each format, without strftime."""

TWINS = ({"%d/%m/%Y", "%m/%d/%Y"}, {"%Y-%d-%m"})
"""Formats with which a text is two dates; the second means another one than ISO 8601."""

CONTRACTS: Sequence[tuple[str, ...]] = (
    (),
    *((form,) for form in FORMATS),
    ("%d/%m/%Y", "%m/%d/%Y"),
    ("%d/%m/%Y", "%d/%m/%y"),
    ("%d.%m.%Y", "%d-%b-%y", "%Y%m%d"),
)


@dataclass(frozen=True)
class Written:
    """A text; ``meant`` is None if it must never be loaded; a ``plain`` one must be loaded."""

    text: str
    meant: date | datetime | None
    plain: bool = False


def draw(random: Random) -> GeneratedFile:
    """Return a file of 1 to 60 rows, as CSV or NDJSON."""
    formats = random.choice(CONTRACTS)
    rows, cells = [], []
    for number in range(random.randint(1, 60)):
        day = random.choice(DAYS)(random, formats)
        moment = random.choice(MOMENTS)(random, formats)
        cells.append((f"D{number}", REPORTED, day.text, moment.text))
        if day.meant is None or moment.meant is None:
            rows.append(TrueRow(None))
            continue
        values = {"claim_id": f"D{number}", "day": day.meant, "moment": moment.meant}
        rows.append(TrueRow(values, plain=day.plain and moment.plain))
    contract = contract_text(
        [_column("day", "date", formats), _column("moment", "timestamp", times(formats))]
    )
    if random.random() < 0.3:
        lines = "".join(json.dumps(dict(zip(FIELDS, row, strict=True))) + "\n" for row in cells)
        return GeneratedFile("dates.ndjson", lines.encode(), contract, rows)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerows([FIELDS, *cells])
    return GeneratedFile("dates.csv", text.getvalue().encode(), contract, rows)


def times(formats: Sequence[str]) -> list[str]:
    """Return formats of dates with a time."""
    return [f"{form} %H:%M:%S" for form in formats]


def _column(name: str, kind: str, formats: Sequence[str]) -> str:
    properties = (
        f"[{{property: role, value: ignored}}, {{property: dateFormat, value: {json.dumps(list(formats))}}}]"
    )
    return f"{{name: {name}, logicalType: {kind}, required: false, customProperties: {properties}}}"


# -- Dates ---------------------------------------------------------------------------------------------------


def _day(random: Random) -> date:
    """Return a day, often one at the border of what databases and tools store."""
    borders = (date(1, 1, 1), date(9999, 12, 31), date(1753, 1, 1), date(1900, 2, 28), date(2024, 2, 29))
    if random.random() < 0.2:
        return random.choice((*borders, date(1970, 1, 1), date(2262, 4, 12), date(1677, 9, 20)))
    return date(1969, 1, 1) + timedelta(days=random.randrange(36_500))


def _recent(random: Random) -> date:
    """Return a day whose year two digits name: 1969 to 2068."""
    return date(1969, 1, 1) + timedelta(days=random.randrange(36_500))


def _ambiguous(formats: Sequence[str], used: str, day: date) -> bool:
    """Return whether the contract lets the text mean another day."""
    if day.day == day.month or day.day > 12:
        return False
    return any(twins <= {*formats} and (used in twins or "%Y-%d-%m" in twins) for twins in TWINS)


def _iso_day(random: Random, formats: Sequence[str]) -> Written:
    day = _day(random)
    swapped = "%Y-%d-%m" in formats and day.day != day.month and day.day <= 12
    return Written(day.isoformat(), None if swapped else day, plain=not swapped)


def _formatted_day(random: Random, formats: Sequence[str]) -> Written:
    form = random.choice(list(formats) or ["%d/%m/%Y"])
    day = _recent(random) if "%y" in form else _day(random)
    text = FORMATS[form](day)
    if not formats:
        return Written(text, day)
    return Written(text, None, False) if _ambiguous(formats, form, day) else Written(text, day, True)


def _foreign_day(random: Random, formats: Sequence[str]) -> Written:
    """Write a date that only another format than those of the contract can mean."""
    forms = [form for form in FORMATS if form not in formats and form not in ("%Y-%d-%m", "%Y%m%d")]
    form = random.choice(forms)
    day = _recent(random)
    if day.day <= 12:
        day = day.replace(day=13 + day.day)
    return Written(FORMATS[form](day), day)


def _two_digit_year(random: Random, formats: Sequence[str]) -> Written:
    day = _recent(random)
    text = random.choice(
        [f"{day.day}/{day.month}/{day.year % 100:02}", f"{day.year % 100:02}-{day.month:02}-{day.day:02}"]
    )
    if text.count("/") == 0 or "%d/%m/%y" in formats:
        return Written(text, day if text.count("/") else None)
    return Written(text, None)


def _with_time(random: Random, formats: Sequence[str]) -> Written:  # noqa: ARG001 - no format has a time
    day = _day(random)
    suffix = random.choice([" 00:00:00", "T00:00:00", "T00:00", " 00:00:00.000", "T00:00:00Z", "T17:03:04"])
    return Written(day.isoformat() + suffix, day, plain=True)


NO_DAYS = (
    "46066", "46083.34375", "31/02/2026", "2026-02-30", "2023-02-29", "0000-00-00", "epoch",
    "today", "infinity", "-infinity", "now", "2026-W06-7", "2026-060", "0000-01-01", "10000-01-01",
    "2026-2-9", "2026 2 9", "-0044-03-15", "0044-03-15 (BC)", "2026-02-09 BC", "2026\\02\\09",
    "29.02.2023", "2026", "2026-13-01", "2026-02-03T23:30:00-05:00", "2026-02-03T24:00:01",
    "\uff12026-02-03", "02-2026", "1770076800", "1770076800000", "3/2/226", "3/2/1", "2026.366",
    "03/02/2026x", "202623", "Q1 2026",
)  # fmt: skip
"""Texts that are no day in any of the contracts."""


def _no_day(random: Random, formats: Sequence[str]) -> Written:
    return Written(random.choice(_wrong_in(formats, NO_DAYS)), None)


def _wrong_in(formats: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Return the texts that are wrong in these formats, too: 2026-13-01 is a date if the day comes first."""
    return [text for text in texts if "%Y-%d-%m" not in formats or not text.startswith("2026-")]


DAYS = (
    _iso_day,
    _iso_day,
    _formatted_day,
    _formatted_day,
    _foreign_day,
    _two_digit_year,
    _with_time,
    _no_day,
)


# -- Times ---------------------------------------------------------------------------------------------------


def _moment(random: Random) -> datetime:
    day = _day(random)
    clock = time(random.randrange(24), random.randrange(60), random.randrange(60))
    return datetime.combine(day, clock, UTC)


def _iso_moment(random: Random, formats: Sequence[str]) -> Written:
    moment = _moment(random)
    if "%Y-%d-%m" in formats and moment.day != moment.month and moment.day <= 12:
        moment = moment.replace(day=13, month=1)
    if random.random() < 0.2:
        return Written(moment.date().isoformat(), moment.replace(hour=0, minute=0, second=0), True)
    fraction = random.choice(["", "", ".5", ",5", ".500000", ".500000000"])
    between, zone = random.choice("T T t"), random.choice(["", "Z", "z", " UTC", "+00:00", "-00"])
    text = f"{moment.date()}{between}{moment.time()}{fraction}{zone}"
    return Written(text, moment.replace(microsecond=500_000 if fraction else 0), True)


def _with_offset(random: Random, formats: Sequence[str]) -> Written:  # noqa: ARG001 - in any format
    moment = datetime(2026, 3, 15, tzinfo=UTC) + timedelta(seconds=random.randrange(10**6))
    minutes = random.choice([60, 120, -300, 330, 345, -210, 840])
    local = moment.astimezone(timezone(timedelta(minutes=minutes)))
    sign, hours, rest = "-" if minutes < 0 else "+", abs(minutes) // 60, abs(minutes) % 60
    offset = random.choice([f"{sign}{hours:02}:{rest:02}", f"{sign}{hours:02}{rest:02}"])
    if rest == 0:
        offset = random.choice([offset, f"{sign}{hours:02}"])
    text = f"{local.date()}{random.choice('T ')}{local.time()}{random.choice(['', ' '])}{offset}"
    return Written(text, moment, True)


def _end_of_day(random: Random, formats: Sequence[str]) -> Written:
    day = _recent(random)
    if "%Y-%d-%m" in formats and day.day <= 12:
        day = day.replace(day=20)
    after = datetime.combine(day, time(0), UTC) + timedelta(days=1)
    return Written(f"{day}T24:00{random.choice(['', ':00', ':00Z'])}", after, True)


def _formatted_moment(random: Random, formats: Sequence[str]) -> Written:
    form = random.choice(list(formats) or ["%d.%m.%Y"])
    moment = _moment(random)
    if "%y" in form:
        moment = datetime.combine(_recent(random), moment.time(), UTC)
    text = f"{FORMATS[form](moment.date())} {moment.time()}"
    if not formats:
        return Written(text, moment)
    return (
        Written(text, None, False)
        if _ambiguous(formats, form, moment.date())
        else Written(text, moment, True)
    )


NO_MOMENTS = (
    "46083.34375", "2026-02-09T08: 5:00", "2026-02-09T08:1 :00", "2026-02-09T8:15:00", "epoch",
    "now", "2026-02-09T23:59:60", "2026-02-09T24:00:01", "2026-02-09T25:00:00", "2026-02-09T10",
    "10:00", "2026-02-09T10:00:00+99:99", "2026-02-09T10:00:00+5", "2026-02-09T10:00:00.1234567890",
    "infinity", "2026-02-30T10:00:00", "0000-01-01T00:00:00", "9999-12-31T23:30:00-02:00",
    "2026-2-9 1:2:3", "0001-01-01T00:30:00+01:00", "1770076800", "2026-02-09T10:00:00 (BC)",
    "2026-02-09T10:60:00", "9999-12-31T24:00:00", "2026-02-09 10:00:00 CEST",
    "2026-02-09 10:00:00 EST", "20260209T101500Z",
)  # fmt: skip
"""Texts that are no time in any of the contracts."""


def _no_moment(random: Random, formats: Sequence[str]) -> Written:
    return Written(random.choice(_wrong_in(formats, NO_MOMENTS)), None)


def _named_zone(random: Random, formats: Sequence[str]) -> Written:  # noqa: ARG001 - in any format
    clock = random.choice(["10:00:00 Europe/Berlin", "10:00:00 CET", "10:00:00+01:00[Europe/Berlin]"])
    return Written(f"2026-02-19 {clock}", datetime(2026, 2, 19, 9, tzinfo=UTC))


MOMENTS = (
    _iso_moment,
    _iso_moment,
    _with_offset,
    _end_of_day,
    _formatted_moment,
    _no_moment,
    _named_zone,
)
