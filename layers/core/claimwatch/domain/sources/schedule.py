"""Expressions of EventBridge Scheduler: ``rate(15 minutes)`` and ``cron(0 6 * * ? *)``."""

import re
from datetime import timedelta

_RATE = re.compile(r"rate\((\d{1,6}) (minute|hour|day)(s?)\)", re.ASCII)
_CRON = re.compile(r"cron\(([^()]*)\)")
_LONGEST = timedelta(days=365)

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

_FIELDS = (
    ("minutes", 0, 59, ()),
    ("hours", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 1, 7, _DAYS),
    ("year", 1970, 2199, ()),
)
_DAY_OF_MONTH, _DAY_OF_WEEK = 2, 4


def schedule_problem(expression: str) -> str | None:
    """Return what is wrong with an expression, and what to write; None if it is valid."""
    rate = _RATE.fullmatch(expression)
    if rate:
        if int(rate[1]) == 0:
            return "the interval is 0; write at least 'rate(1 minute)'"
        if (int(rate[1]) == 1) == bool(rate[3]):
            return f"write '{rate[2]}' with 1 and '{rate[2]}s' with other numbers"
        interval = interval_of(expression)
        return f"the interval is longer than {_LONGEST.days} days" if interval is None else None
    cron = _CRON.fullmatch(expression)
    if cron:
        return _cron_problem(cron[1].split())
    return "must be an expression such as 'rate(15 minutes)' or 'cron(0 6 * * ? *)', in UTC"


def interval_of(expression: str) -> timedelta | None:
    """Return the interval of a rate; None for any other expression."""
    rate = _RATE.fullmatch(expression)
    if rate is None:
        return None
    interval = timedelta(**{f"{rate[2]}s": int(rate[1])})
    return interval if interval <= _LONGEST else None


def rate_of(interval: timedelta) -> str:
    """Return the expression of an interval, in whole minutes."""
    minutes = max(1, -(-interval // timedelta(minutes=1)))
    return f"rate({minutes} minute{'' if minutes == 1 else 's'})"


def _cron_problem(fields: list[str]) -> str | None:
    if len(fields) != len(_FIELDS):
        names = ", ".join(name for name, *_ in _FIELDS)
        return f"cron has {len(fields)} fields; it needs six: {names}"
    for number, (written, (name, least, most, words)) in enumerate(zip(fields, _FIELDS, strict=True)):
        if written == "?" and number in (_DAY_OF_MONTH, _DAY_OF_WEEK):
            continue
        if not all(_is_item(item.upper(), number, least, most, words) for item in written.split(",")):
            return f"cron: '{written}' is not a valid {name}"
    unset = [fields[number] == "?" for number in (_DAY_OF_MONTH, _DAY_OF_WEEK)]
    if sum(unset) != 1:
        return "cron: write '?' for the day of the month or for the day of the week, and not for both"
    return None


def _is_item(item: str, field: int, least: int, most: int, words: tuple[str, ...]) -> bool:
    """Return whether an item of a list is valid: a value, a range, a step, or a day by L, W or #."""
    if field == _DAY_OF_MONTH and re.fullmatch(r"L|LW|\d{1,2}W", item, re.ASCII):
        return item[0] == "L" or least <= int(item[:-1]) <= most
    if field == _DAY_OF_WEEK and re.fullmatch(r"L|\w{1,3}L|\w{1,3}#[1-5]", item, re.ASCII):
        day = item.partition("#")[0] if "#" in item else item.removesuffix("L")
        return day == "" or _number(day, least, most, words) is not None
    span, slash, step = item.partition("/")
    if slash and not (step.isascii() and step.isdecimal() and 1 <= int(step[:6]) <= most):
        return False
    if span == "*":
        return True
    first, dash, last = span.partition("-")
    if _number(first, least, most, words) is None:
        return False
    return not dash or _number(last, least, most, words) is not None


def _number(text: str, least: int, most: int, words: tuple[str, ...]) -> int | None:
    if text in words:
        return words.index(text) + least
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 4 else -1
    return number if least <= number <= most else None
