"""Dates that a file gives in parts: year, month and day, or a week and the day of the week.

This is the only definition of what the parts mean: validation, its reasons, and drafts use it.
"""

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from unicodedata import combining, normalize

from claimwatch.domain.contract.contract import Column, DatePart

PART_SEPARATOR = "\x1e"
"""Character between the parts of a date in the argument of `read_date`."""

_SHOWN_SEPARATOR = " & "
"""What separates the parts of an unreadable date; no format of dates has it."""

_LONGEST_PART = 16
LONGEST_DATE = 4 * (_LONGEST_PART + len(_SHOWN_SEPARATOR))
"""Characters of an unreadable date: no date has more than four parts."""

_NUMBER = re.compile(r"([0-9]{1,4})(?:\.0+)?", re.ASCII)
_YEAR = re.compile(r"([0-9]{4})(?:\.0+)?", re.ASCII)
_YEAR_MONTH = re.compile(r"([0-9]{4})[-/. ]?([0-9]{1,2})(?:\.0+)?", re.ASCII)

_MONTHS = (
    "jan january januar janner jaenner janvier janv enero ene gennaio gen januari",
    "feb february februar feber fevrier fevr fev febrero febbraio februari",
    "mar march marz maerz mrz mars marzo maart mrt",
    "apr april avril avr abril abr aprile",
    "may mai mayo maggio mag mei",
    "jun june juni juin junio giugno giu",
    "jul july juli juillet juil julio luglio lug",
    "aug august aout agosto ago augustus",
    "sep sept september septembre septiembre setiembre set settembre",
    "oct october oktober okt octobre octubre ottobre ott",
    "nov november novembre noviembre",
    "dec december dezember dez decembre diciembre dic dicembre",
)
_WEEKDAYS = (
    "mon monday montag lundi lun lunes lunedi maandag",
    "tue tues tuesday dienstag die mardi mar martes martedi dinsdag",
    "wed weds wednesday mittwoch mit mercredi mer miercoles mie mercoledi woensdag woe",
    "thu thur thurs thursday donnerstag don jeudi jeu jueves jue giovedi gio donderdag",
    "fri friday freitag fre vendredi ven viernes vie venerdi vrijdag vri",
    "sat saturday samstag sam sonnabend samedi sabado sab sabato zaterdag zat",
    "sun sunday sonntag son dimanche dim domingo dom domenica zondag zon",
)
"""Names without accents in English, German, French, Spanish, Italian and Dutch. None has two meanings."""

_NAMES = {
    part: {name: number for number, names in enumerate(all_names, 1) for name in names.split()}
    for part, all_names in ((DatePart.MONTH, _MONTHS), (DatePart.WEEKDAY, _WEEKDAYS))
}

_NO_MONTH = "a month is a number from 1 to 12, or its name in one of six languages"
_NO_WEEKDAY = "a day of the week is a number from 1 (Monday) to 7, or its name in one of six languages"
_NO_NUMBER = {
    DatePart.YEAR: "a year has four digits",
    DatePart.MONTH: _NO_MONTH,
    DatePart.DAY: "the day of a month is a whole number",
    DatePart.DAY_OF_YEAR: "the day of a year is a whole number",
    DatePart.WEEKDAY: _NO_WEEKDAY,
}
_NO_WEEK = "the week is not a whole number"
_NO_DAY_IN_MONTH = "the month has no such day"
_NO_DAY_IN_YEAR = "the year has no such day"
_NO_WEEK_IN_YEAR = "the year has no such week"
_NO_WEEK_IN_MONTH = "the month has no such week"
_NO_DAY_IN_WEEK = "this week of the month has no such day of the week"


class NoSuchDate(ValueError):
    """Parts that make no date; the message says why and quotes none of them."""


def date_of_parts(parts: Sequence[DatePart], texts: Sequence[str]) -> date:
    """Return the date that the texts of these parts mean. Raises ``NoSuchDate``."""
    numbers: dict[DatePart, int] = {}
    for part, text in zip(parts, texts, strict=True):
        if part is DatePart.YEAR_MONTH:
            both = _YEAR_MONTH.fullmatch(text.strip())
            if both is None:
                raise NoSuchDate("a year with its month is written as 2026-03 or 202603")
            numbers[DatePart.YEAR], numbers[DatePart.MONTH] = int(both[1]), int(both[2])
        else:
            numbers[part] = _number(part, text.strip())
    year, weekday = numbers[DatePart.YEAR], numbers.get(DatePart.WEEKDAY, 1)
    if year == 0:
        raise NoSuchDate("there is no year 0")
    if not 1 <= weekday <= 7:
        raise NoSuchDate(_NO_WEEKDAY)
    if DatePart.DAY_OF_YEAR in numbers:
        return _day_of_year(year, numbers[DatePart.DAY_OF_YEAR])
    if DatePart.ISO_WEEK in numbers:
        try:
            return date.fromisocalendar(year, numbers[DatePart.ISO_WEEK], weekday)
        except ValueError:
            raise NoSuchDate(_NO_WEEK_IN_YEAR) from None
    if not 1 <= numbers[DatePart.MONTH] <= 12:
        raise NoSuchDate(_NO_MONTH)
    return date(year, numbers[DatePart.MONTH], _day_of_month(year, numbers))


def number_of(part: DatePart, text: str) -> int | None:
    """Return the number that a text means as this part, or None; a year with its month is 202603."""
    text = text.strip()
    if part is DatePart.YEAR_MONTH:
        both = _YEAR_MONTH.fullmatch(text)
        return None if both is None else 100 * int(both[1]) + int(both[2])
    try:
        return _number(part, text)
    except NoSuchDate:
        return None


def read_date(parts: Sequence[DatePart], joined: str) -> str:
    """Return the date as ISO 8601, or the parts in the form that is shown if they make no date."""
    texts = joined.split(PART_SEPARATOR)
    try:
        return date_of_parts(parts, texts).isoformat()
    except ValueError:  # a text with the separator in it has too many parts
        return _SHOWN_SEPARATOR.join(text.strip()[:_LONGEST_PART] for text in texts)


def why_no_date(column: Column, shown: str) -> str:
    """Return why parts make no date, from what `read_date` returned; empty for any other text."""
    if _SHOWN_SEPARATOR not in shown:
        return ""
    try:
        date_of_parts([part for part, _ in column.date_parts], shown.split(_SHOWN_SEPARATOR))
    except NoSuchDate as reason:
        return str(reason)
    except ValueError:
        pass
    return "a part is too long, or has a control character"


def _number(part: DatePart, text: str) -> int:
    found = (_YEAR if part is DatePart.YEAR else _NUMBER).fullmatch(text)
    if found is not None:
        return int(found[1])
    letters = normalize("NFKD", text.casefold().removesuffix("."))
    name = "".join(letter for letter in letters if not combining(letter))
    try:
        return _NAMES[part][name]
    except KeyError:
        raise NoSuchDate(_NO_NUMBER.get(part, _NO_WEEK)) from None


def _day_of_year(year: int, number: int) -> date:
    if not 1 <= number <= (date(year, 12, 31) - date(year, 1, 1)).days + 1:
        raise NoSuchDate(_NO_DAY_IN_YEAR)
    return date(year, 1, 1) + timedelta(number - 1)


def _day_of_month(year: int, numbers: Mapping[DatePart, int]) -> int:
    """Return the day of the month; without a day of the week, it is the first of its week in this month."""
    first, days = monthrange(year, numbers[DatePart.MONTH])
    weekday = numbers.get(DatePart.WEEKDAY)
    begins = {
        # The day on which the first week begins, and the day of the week (Monday is 0) that it begins with.
        DatePart.WEEK_OF_MONTH: (1, first),
        DatePart.MONDAY_WEEK_OF_MONTH: (1 - first, 0),
        DatePart.SUNDAY_WEEK_OF_MONTH: (1 - (first + 1) % 7, 6),
    }
    week = next((part for part in begins if part in numbers), None)
    if week is None:
        if not 1 <= numbers[DatePart.DAY] <= days:
            raise NoSuchDate(_NO_DAY_IN_MONTH)
        return numbers[DatePart.DAY]
    start, begins_with = begins[week]
    start += 7 * (numbers[week] - 1)
    if numbers[week] < 1 or start > days:
        raise NoSuchDate(_NO_WEEK_IN_MONTH)
    if weekday is None:
        return max(1, start)
    day = start + (weekday - 1 - begins_with) % 7
    if not 1 <= day <= days:
        raise NoSuchDate(_NO_DAY_IN_WEEK)
    return day
