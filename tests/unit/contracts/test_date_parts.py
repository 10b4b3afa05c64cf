"""Dates in parts: what they mean, what a contract may declare, and what a draft proposes."""

from calendar import Calendar
from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from claimwatch.domain.contract.contract import DatePart, Role
from claimwatch.domain.contract.contract_draft import draft_contract
from claimwatch.domain.contract.date_parts import NoSuchDate, date_of_parts
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.errors import RefusedContract
from tests.unit.contracts.sample_contracts import column, contract_text, role

DAYS = [date(2019, 1, 1) + timedelta(number) for number in range(8 * 365)]


def week_of_month(day: date, first_weekday: int) -> int:
    """Return the row of a printed calendar in which a day is."""
    weeks = Calendar(first_weekday).monthdayscalendar(day.year, day.month)
    return next(number for number, week in enumerate(weeks, 1) if day.day in week)


def parts_of(day: date) -> dict[DatePart, str]:
    """Return every part of a date, computed in another way than by the code under test."""
    return {
        DatePart.YEAR: f"{day:%Y}",
        DatePart.YEAR_MONTH: f"{day:%Y-%m}",
        DatePart.MONTH: f"{day:%B}",
        DatePart.DAY: f"{day:%d}",
        DatePart.DAY_OF_YEAR: f"{day:%j}",
        DatePart.ISO_WEEK: f"{day:%V}",
        DatePart.WEEK_OF_MONTH: str((day.day - 1) // 7 + 1),
        DatePart.MONDAY_WEEK_OF_MONTH: str(week_of_month(day, 0)),
        DatePart.SUNDAY_WEEK_OF_MONTH: str(week_of_month(day, 6)),
        DatePart.WEEKDAY: f"{day:%a}",
    }


@pytest.mark.parametrize(
    "names",
    [
        "year month day",
        "yearMonth day",
        "year dayOfYear",
        "year month weekOfMonth weekday",
        "year month mondayWeekOfMonth weekday",
        "yearMonth sundayWeekOfMonth weekday",
    ],
)
def test_every_day_of_eight_years_is_the_date_of_its_parts(names: str) -> None:
    parts = list(map(DatePart, names.split()))
    for day in DAYS:
        assert date_of_parts(parts, [parts_of(day)[part] for part in parts]) == day


def test_every_day_of_eight_years_is_the_date_of_its_iso_week() -> None:
    for day in DAYS:
        texts = [f"{day:%G}", f"{day:%V}", f"{day:%u}"]
        assert date_of_parts([DatePart.YEAR, DatePart.ISO_WEEK, DatePart.WEEKDAY], texts) == day
        assert date_of_parts([DatePart.YEAR, DatePart.ISO_WEEK], texts[:2]) == day - timedelta(day.weekday())


@pytest.mark.parametrize("week", ["weekOfMonth", "mondayWeekOfMonth", "sundayWeekOfMonth"])
def test_a_week_without_a_weekday_is_dated_on_its_first_day_in_the_month(week: str) -> None:
    parts = [DatePart.YEAR, DatePart.MONTH, DatePart(week)]
    firsts: dict[tuple[str, ...], date] = {}
    for day in DAYS:
        firsts.setdefault(tuple(parts_of(day)[part] for part in parts), day)
    for texts, first in firsts.items():
        assert date_of_parts(parts, texts) == first


@pytest.mark.parametrize(
    ("names", "texts", "reason"),
    [
        ("year month day", "2026 2 31", "the month has no such day"),
        ("year month day", "2026 2 29", "the month has no such day"),
        ("year month day", "2026 13 1", "a month is a number from 1 to 12"),
        ("year month day", "2026 Mayo. 0", "the month has no such day"),
        ("year month day", "26 5 1", "a year has four digits"),
        ("year month day", "0000 5 1", "there is no year 0"),
        ("year month day", "2026 Smarch 1", "a month is a number from 1 to 12"),
        ("year month day", "2026 5 1st", "the day of a month is a whole number"),
        ("year isoWeek weekday", "2021 53 1", "the year has no such week"),
        ("year isoWeek weekday", "2020 54 1", "the year has no such week"),
        ("year isoWeek weekday", "2020 0 1", "the year has no such week"),
        ("year isoWeek weekday", "2020 1 0", "a day of the week is a number from 1 (Monday) to 7"),
        ("year isoWeek", "2020 W1", "the week is not a whole number"),
        ("year dayOfYear", "2023 366", "the year has no such day"),
        ("yearMonth day", "2026-3-1 1", "a year with its month is written as 2026-03"),
        ("year month weekOfMonth weekday", "2026 2 5 Monday", "the month has no such week"),
        ("year month weekOfMonth weekday", "2026 4 5 Monday", "no such day of the week"),
        ("year month mondayWeekOfMonth weekday", "2026 4 1 Tuesday", "no such day of the week"),
        ("year month mondayWeekOfMonth", "2026 4 0", "the month has no such week"),
    ],
)
def test_parts_that_make_no_date_are_refused_with_the_reason(names: str, texts: str, reason: str) -> None:
    with pytest.raises(NoSuchDate, match=reason.replace("(", r"\(").replace(")", r"\)")):
        date_of_parts(list(map(DatePart, names.split())), texts.split())


@pytest.mark.parametrize(
    ("word", "month"),
    [("MÄR", 3), ("août", 8), ("Sept.", 9), ("gen", 1), ("okt", 10), ("05.0", 5), (" 7 ", 7)],
)
def test_months_are_read_as_words_of_six_languages_and_as_numbers(word: str, month: int) -> None:
    assert date_of_parts([DatePart.YEAR, DatePart.MONTH, DatePart.DAY], ["2026", word, "1"]).month == month


# -- Contracts -----------------------------------------------------------------------------------------------

PARTS = [column(name, "string", customProperties=role("ignored")) for name in ("Y", "M", "D", "W")]


def made(value: Any, **changes: Any) -> str:
    event = column("event day", "date", customProperties=role("event_time", dateParts=value)) | changes
    reported = column("reported_at", "timestamp", customProperties=role("ignored"))
    return contract_text(event, reported, *PARTS)


@pytest.mark.parametrize(
    ("declared", "parts"),
    [
        ({"year": "Y", "month": "M", "day": "D"}, (("year", "Y"), ("month", "M"), ("day", "D"))),
        ({"day": 1, "yearMonth": "M"}, (("yearMonth", "M"), ("day", "1"))),
        ({"year": "Y", "isoWeek": "W", "day": 1}, (("year", "Y"), ("isoWeek", "W"))),
        ({"year": "Y", "dayOfYear": "D"}, (("year", "Y"), ("dayOfYear", "D"))),
        (
            {"weekday": "D", "year": "Y", "month": "M", "sundayWeekOfMonth": "W"},
            (("year", "Y"), ("month", "M"), ("sundayWeekOfMonth", "W"), ("weekday", "D")),
        ),
    ],
)
def test_parts_of_a_date_are_declared_in_any_order(declared: Any, parts: Any) -> None:
    event = parse_contract(made(declared), "home").column("event day")
    assert event is not None
    assert event.role is Role.EVENT_TIME
    assert event.date_parts == parts


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        (
            {"year": "Y", "month": "M"},
            "has no day, and none is guessed; name the column of the day, or state",
        ),
        (
            {"year": "Y", "isoWeek": "W"},
            "name the column of the weekday, or state 'day: 1', the first day of",
        ),
        (
            {"year": "Y", "month": "M", "day": 31},
            "states day 31; state one that every month has, from 1 to 28",
        ),
        ({"year": "Y", "isoWeek": "W", "day": 3}, "state 'day: 1', the first day of the week"),
        ({"year": 2026, "month": "M", "day": "D"}, "states the year; only a day can be stated"),
        ({"month": "M", "day": "D"}, "month, day make no date; write year, month and day"),
        ({"year": "Y", "month": "M", "day": "D", "weekday": "W"}, "make no date"),
        ({"year": "Y", "month": "M", "date": "D"}, "has the unknown part 'date'; known are year, yearMonth"),
        ({"year": "Y", "month": "Monat", "day": "D"}, "names 'Monat' as month, but no column has that name"),
        ({"year": "Y", "month": "event day", "day": "D"}, "its month 'event day' is itself made of parts"),
        (["Y", "M", "D"], "must name the columns that the date is made of"),
        ({}, "without a part make no date"),
    ],
)
def test_parts_that_are_not_complete_are_refused(declared: Any, sentence: str) -> None:
    with pytest.raises(RefusedContract) as refusal:
        parse_contract(made(declared), "home")
    assert any(sentence in problem for problem in refusal.value.problems), refusal.value.problems


def test_only_a_date_is_made_of_parts() -> None:
    with pytest.raises(RefusedContract, match="write 'logicalType: date'"):
        parse_contract(made({"year": "Y", "month": "M", "day": "D"}, logicalType="timestamp"), "home")


# -- Drafts --------------------------------------------------------------------------------------------------


def drafted(header: str, rows: Sequence[Sequence[str]]) -> tuple[str, dict[str, Any]]:
    text = draft_contract(
        "home", ["claim_no", *header.split()], [[f"C{n:05}", *row] for n, row in enumerate(rows)]
    )
    contract = parse_contract(text, "home")
    return text, {column.name: column for column in contract.columns}


def days(number: int = 400, seed: int = 3) -> list[date]:
    random = Random(seed)
    return [date(2024, 1, 1) + timedelta(random.randrange(730)) for _ in range(number)]


@pytest.mark.parametrize(
    ("header", "row", "parts"),
    [
        ("Year Month Day", "{0:%Y} {0:%m} {0:%d}", {"year": "Year", "month": "Month", "day": "Day"}),
        ("Jahr Monat Tag", "{0:%Y} {0:%b} {0:%d}", {"year": "Jahr", "month": "Monat", "day": "Tag"}),
        (
            "accident_year accident_week accident_weekday policy_year policy_month",
            "{0:%G} {0:%V} {0:%A} 2020 {0:%m}",
            {"year": "accident_year", "isoWeek": "accident_week", "weekday": "accident_weekday"},
        ),
        ("loss_year loss_month", "{0:%Y} {0:%m}", {"year": "loss_year", "month": "loss_month", "day": "1"}),
        ("accident_period", "{0:%Y%m}", {"yearMonth": "accident_period", "day": "1"}),
        ("year day_of_year", "{0:%Y} {0:%j}", {"year": "year", "dayOfYear": "day_of_year"}),
    ],
)
def test_a_draft_proposes_an_event_date_that_is_given_in_parts(
    header: str, row: str, parts: dict[str, str]
) -> None:
    rows = [row.format(day).split() for day in days()]
    text, columns = drafted(header, rows)
    event = columns["event_date"]
    assert (event.role, event.required) == (Role.EVENT_TIME, True)
    assert dict(event.date_parts) == parts
    assert all(columns[name].role is Role.IGNORED for name in parts.values() if name != "1")
    assert "# check: the event date is made of" in text
    assert ("the day is not in the file" in text) == ("day" in parts and parts["day"] == "1")


@pytest.mark.parametrize(
    ("first_weekday", "kind"), [(None, "weekOfMonth"), (0, "mondayWeekOfMonth"), (6, "sundayWeekOfMonth")]
)
def test_a_draft_finds_out_how_weeks_of_the_month_are_counted(first_weekday: int | None, kind: str) -> None:
    rows = [
        [
            f"{day:%b}",
            str((day.day - 1) // 7 + 1 if first_weekday is None else week_of_month(day, first_weekday)),
            f"{day:%A}",
            f"{day:%Y}",
        ]
        for day in days(1_000)
    ]
    text, columns = drafted("Month WeekOfMonth DayOfWeek Year", rows)
    parts = {"year": "Year", "month": "Month", kind: "WeekOfMonth", "weekday": "DayOfWeek"}
    assert dict(columns["event_date"].date_parts) == parts
    assert "# check: rows that make a date: " in text


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("loss_date Year Month Day", "{0:%Y-%m-%d} {0:%Y} {0:%m} {0:%d}"),
        ("policy_year policy_month policy_day", "{0:%Y} {0:%m} {0:%d}"),
        ("auto_year incident_hour months_as_customer", "{0:%Y} 7 {0:%m}"),
        ("year month day", "{0:%y} {0:%m} {0:%d}"),
        ("month day amount", "{0:%m} {0:%d} 12"),
    ],
)
def test_a_draft_makes_no_event_date_of_other_columns(header: str, row: str) -> None:
    text, columns = drafted(header, [row.format(day).split() for day in days()])
    assert "dateParts" not in text
    assert "event_date" not in columns
