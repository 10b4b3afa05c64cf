"""Weeks: windows of event time, named as ISO 8601 names them (``2026-W30``)."""

import re
from datetime import UTC, date, datetime, timedelta

WEEK = timedelta(days=7)

_NAME = re.compile(r"([0-9]{4})-W([0-9]{2})", re.ASCII)


def monday_of(name: str) -> date:
    """The Monday on which a week begins; raises ``ValueError`` for what names none."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"'{name[:20]}' is no ISO week: write it as 2026-W30")
    try:
        return date.fromisocalendar(int(found[1]), int(found[2]), 1)
    except ValueError as error:
        raise ValueError(f"there is no week {name}: {error}") from None


def name_of(day: date) -> str:
    """The name of the week that a day is in."""
    year, week, _ = day.isocalendar()
    return f"{year:04}-W{week:02}"


def start_of(monday: date) -> datetime:
    """Its first moment: 00:00 in UTC."""
    return datetime(monday.year, monday.month, monday.day, tzinfo=UTC)


def last_complete(now: datetime) -> date:
    """The Monday of the last week that is over."""
    today = now.astimezone(UTC).date()
    return today - timedelta(days=today.weekday()) - WEEK
