"""When a schedule starts the next pull, from its expression: EventBridge Scheduler does not report it."""

import re
from datetime import UTC, datetime, timedelta

from claimwatch.domain.sources.schedule import interval_of

LONGEST_AHEAD = timedelta(days=366)
"""How far ahead a cron expression is looked up."""

_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_NAMES = {
    name: number
    for names in (
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
        ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"),
    )
    for number, name in enumerate(names, 1)
}


class _Unreadable(ValueError):
    """A field of a cron expression with a sign that is not looked up: L, W or #."""


def next_run(schedule: str, last: datetime | None, now: datetime) -> datetime | None:
    """Return about when the next pull starts, or None if the expression does not reveal it.

    A rate counts from ``last``, the time of the last pull.
    """
    if interval := interval_of(schedule):
        return max(now, last + interval) if last else now
    cron = _CRON.fullmatch(schedule)
    if cron is None:
        return None
    try:
        return _next_of_cron(cron.groups(), now.astimezone(UTC))
    except _Unreadable:
        return None


def _next_of_cron(fields: tuple[str, ...], now: datetime) -> datetime | None:
    minutes, hours = _field(fields[0], 0, 59), _field(fields[1], 0, 23)
    days, months = _field(fields[2], 1, 31), _field(fields[3], 1, 12)
    weekdays, years = _field(fields[4], 1, 7), _field(fields[5], 1970, 2199)
    for ahead in range(LONGEST_AHEAD.days + 1):
        day = (now + timedelta(days=ahead)).replace(hour=0, minute=0, second=0, microsecond=0)
        if not (day.year in years and day.month in months and day.day in days):
            continue
        if day.isoweekday() % 7 + 1 not in weekdays:
            continue
        times = (day.replace(hour=hour, minute=minute) for hour in hours for minute in minutes)
        if found := next((time for time in times if time > now), None):
            return found
    return None


def _field(text: str, first: int, last: int) -> list[int]:
    """Return the values that a field of a cron expression allows, in their order."""
    allowed: set[int] = set()
    for part in text.upper().split(","):
        span, _, step = part.partition("/")
        if span in ("*", "?"):
            low, high = first, last
        else:
            start, dash, end = span.partition("-")
            low = _number(start)
            high = _number(end) if dash else (last if step else low)
        allowed.update(range(low, high + 1, max(1, _number(step)) if step else 1))
    return sorted(allowed)


def _number(text: str) -> int:
    if text in _NAMES:
        return _NAMES[text]
    if not text.isdecimal():
        raise _Unreadable(text)
    return int(text)
