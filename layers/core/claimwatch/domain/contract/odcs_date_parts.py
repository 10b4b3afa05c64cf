"""Reading of ``dateParts`` in a contract in ODCS: the columns that a date is made of."""

from collections.abc import Iterator, Mapping, Sequence

from claimwatch.domain.contract.contract import Column, DatePart, is_stated
from claimwatch.domain.contract.strict_yaml import YamlMapping, YamlValue

_WEEKS_OF_MONTH = (DatePart.WEEK_OF_MONTH, DatePart.MONDAY_WEEK_OF_MONTH, DatePart.SUNDAY_WEEK_OF_MONTH)
_WEEKS = frozenset({*_WEEKS_OF_MONTH, DatePart.ISO_WEEK})
_MONTHS = ((DatePart.YEAR, DatePart.MONTH), (DatePart.YEAR_MONTH,))
_DATES = frozenset(
    {
        frozenset({DatePart.YEAR, DatePart.DAY_OF_YEAR}),
        *(frozenset({*month, DatePart.DAY}) for month in _MONTHS),
        *(
            frozenset({*weeks, day})
            for day in (DatePart.WEEKDAY, DatePart.DAY)
            for weeks in (
                (DatePart.YEAR, DatePart.ISO_WEEK),
                *((*month, week) for month in _MONTHS for week in _WEEKS_OF_MONTH),
            )
        ),
    }
)
"""The sets of parts that make a date. With a week, the day can only be stated, as the first of the week."""

_LAST_STATED_DAY = 28
"""The last day that every month has."""

_HOW = (
    "write year, month and day; year and dayOfYear; year, isoWeek and weekday; or year, month, weekday and "
    "one of weekOfMonth, mondayWeekOfMonth and sundayWeekOfMonth; yearMonth stands for year and month"
)


def read_date_parts(value: YamlValue, place: str, problems: list[str]) -> tuple[tuple[DatePart, str], ...]:
    """Return the parts of a date, each with the name of its column; a stated day has its number.

    The stated first day of a week is left out: a week without a day of the week means its first day.
    """
    if value is None:
        return ()
    if not isinstance(value, YamlMapping):
        problems.append(
            f"{place}dateParts must name the columns that the date is made of, as in "
            "{year: Year, month: Month, day: Day}"
        )
        return ()
    unknown = [name for name in value if name not in list(DatePart)]
    if unknown:
        known = ", ".join(DatePart)
        problems += [f"{place}dateParts has the unknown part '{name}'; known are {known}" for name in unknown]
        return ()
    parts = {part: str(value[part] or "") for part in DatePart if part in value}
    problem = _problem(parts)
    if problem is not None:
        problems.append(f"{place}dateParts {problem}")
        return ()
    return tuple(
        (part, source)
        for part, source in parts.items()
        if part is not DatePart.DAY or not _WEEKS & set(parts)
    )


def date_part_problems(columns: Sequence[Column]) -> Iterator[str]:
    """Yield a problem for each part of a date that is no column of the files."""
    by_name = {column.name: column for column in columns}
    for column in columns:
        for part, source in column.date_parts:
            if is_stated(source):
                continue
            if source not in by_name:
                yield (
                    f"column '{column.name}': dateParts names '{source}' as {part}, but no column has that "
                    "name; add the column, or correct the name"
                )
            elif by_name[source].date_parts:
                yield (
                    f"column '{column.name}': its {part} '{source}' is itself made of parts; "
                    "name a column of the files"
                )


def _problem(parts: Mapping[DatePart, str]) -> str | None:
    """Return why these parts make no date, or None if they do."""
    week = bool(_WEEKS & set(parts))
    stated = [part for part, source in parts.items() if is_stated(source)]
    if any(part is not DatePart.DAY for part in stated):
        return f"states the {stated[0]}; only a day can be stated, the others are names of columns"
    if frozenset(parts) not in _DATES:
        if frozenset({*parts, DatePart.DAY}) in _DATES:
            what, first = ("weekday", "first day of the week") if week else ("day", "first of the month")
            return (
                f"has no day, and none is guessed; name the column of the {what}, or state 'day: 1', "
                f"the {first}"
            )
        return f"{', '.join(parts) or 'without a part'} make no date; {_HOW}"
    day = parts.get(DatePart.DAY, "1")
    if week and day != "1":
        return "names a day and a week; name a weekday, or state 'day: 1', the first day of the week"
    if is_stated(day) and not (len(day) <= 2 and 1 <= int(day) <= _LAST_STATED_DAY):
        return f"states day {day[:10]}; state one that every month has, from 1 to {_LAST_STATED_DAY}"
    return None
