"""Weeks: windows of event time with ISO 8601 names (``2026-W30``)."""

import re
from datetime import UTC, date, datetime, timedelta

WEEK = timedelta(days=7)

_NAME = re.compile(r"([0-9]{4})-W([0-9]{2})", re.ASCII)


def monday_of(name: str) -> date:
    """Return the first day of a named week; raises ``ValueError`` for an invalid name."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError("that is not a valid ISO week: write it as 2026-W30")
    try:
        return date.fromisocalendar(int(found[1]), int(found[2]), 1)
    except ValueError as error:
        raise ValueError(f"there is no week {name}: {error}") from None


def name_of(day: date) -> str:
    """Return the name of the week that contains a day."""
    year, week, _ = day.isocalendar()
    return f"{year:04}-W{week:02}"


def start_of(monday: date) -> datetime:
    """Return the start of a week: Monday, 00:00 UTC."""
    return datetime(monday.year, monday.month, monday.day, tzinfo=UTC)


def last_complete(now: datetime) -> date:
    """Return the Monday of the last complete week."""
    today = now.astimezone(UTC).date()
    return today - timedelta(days=today.weekday()) - WEEK
