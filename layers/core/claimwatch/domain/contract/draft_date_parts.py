"""Event date of a draft that the file gives in parts, such as year, month and week of the month."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from claimwatch.domain.contract.contract import DatePart, LogicalType, Role
from claimwatch.domain.contract.date_parts import NoSuchDate, date_of_parts, number_of
from claimwatch.domain.contract.draft_column import Guess
from claimwatch.domain.contract.type_inference import infer_type

NAME = "event_date"
"""Name of the column that is proposed, unless the file has one of this name."""

_LEAST_SHARE = 0.8
"""Share of the rows that must make a date."""

_NEARLY_ALL = 0.95
"""Share of the rows in which a day of the week must fit its week."""

_YEARS = {"year", "yr", "yyyy", "jahr", "annee", "ano", "anno", "jaar"}
_MONTHS = {"month", "mth", "mm", "monat", "mois", "mes", "mese", "maand"}
_WEEKS = {"week", "wk", "kw", "woche", "kalenderwoche", "semaine", "semana", "settimana", "weekofyear"}
_DAYS = {"day", "dd", "tag", "jour", "dia", "giorno", "dag"}
_WEEKDAYS = {"weekday", "dow", "dayofweek", "wochentag", "weekdag"}
_LITTLE = {"of", "the", "in", "de", "la", "du", "del", "iso", "number", "no", "num", "date", "name"}
_ALL = chain(_YEARS, _MONTHS, _WEEKS, _DAYS, _WEEKDAYS, _LITTLE)
_PART_WORDS = {*_ALL, "weekofmonth", "dayofmonth", "dayofyear", "doy", "yearmonth", "yyyymm", "period"}

_RANGES = {
    DatePart.YEAR: range(1950, 2100),
    DatePart.YEAR_MONTH: range(195_001, 210_000),
    DatePart.MONTH: range(1, 13),
    DatePart.DAY: range(1, 32),
    DatePart.DAY_OF_YEAR: range(1, 367),
    DatePart.ISO_WEEK: range(1, 54),
    DatePart.WEEK_OF_MONTH: range(1, 7),
    DatePart.WEEKDAY: range(1, 8),
}
_WEEKS_OF_MONTH = {
    DatePart.WEEK_OF_MONTH: "days 1 to 7 are the first week",
    DatePart.MONDAY_WEEK_OF_MONTH: "weeks begin on Monday",
    DatePart.SUNDAY_WEEK_OF_MONTH: "weeks begin on Sunday",
}
_WAYS = (
    (DatePart.DAY,),
    (DatePart.DAY_OF_YEAR,),
    (DatePart.WEEK_OF_MONTH, DatePart.WEEKDAY),
    (DatePart.WEEK_OF_MONTH,),
    (DatePart.ISO_WEEK, DatePart.WEEKDAY),
    (DatePart.ISO_WEEK,),
    (),
)
"""What tells the day besides the year or the month, the most certain first."""


@dataclass(frozen=True)
class _Proposal:
    """Parts with their columns, the dates that they make in the sample, and what a person should know."""

    columns: Mapping[DatePart, Guess]
    stated: bool
    cells: Sequence[str]
    note: str = ""

    @property
    def share(self) -> float:
        """The share of the rows that make a date."""
        return sum(map(bool, self.cells)) / len(self.cells) if self.cells else 0.0


def event_date_of_parts(groups: Iterable[Sequence[Guess]]) -> Guess | None:
    """Return the event date that the columns of the first group that makes one make, or None.

    These columns are no features any more.
    """
    found = (proposal for group in groups for proposal in _proposals(_parts_of(group)))
    best = next((proposal for proposal in found if proposal.share >= _LEAST_SHARE), None)
    return None if best is None else _guess(best)


def groups_of_parts(guesses: Sequence[Guess]) -> dict[frozenset[str], list[Guess]]:
    """Return the columns that may be parts of a date, by the words that say what happened on it.

    A group without a year has that of the columns which say nothing else: Year belongs to AccidentMonth.
    """
    found: dict[frozenset[str], list[Guess]] = {}
    for guess in guesses:
        if guess.role in (Role.FEATURE, Role.IGNORED) and not guess.personal and _kind(guess) is not None:
            found.setdefault(frozenset(guess.plain_words) - _PART_WORDS, []).append(guess)
    years = [guess for guess in found.get(frozenset(), []) if _kind(guess) is DatePart.YEAR]
    for words, group in list(found.items()):
        if words and len(years) == 1 and not {DatePart.YEAR, DatePart.YEAR_MONTH} & set(map(_kind, group)):
            found[words] = [*group, *years]
    return found


def _parts_of(group: Sequence[Guess]) -> dict[DatePart, Guess]:
    found: dict[DatePart, Guess] = {}
    for guess in group:
        kind = _kind(guess)
        if kind is not None:
            found.setdefault(kind, guess)
    return found


def _kind(guess: Guess) -> DatePart | None:
    """Return the part that a column is, by its name and all its values."""
    words = set(guess.plain_words)
    kind = next((kind for kind, named in _named(words) if named), None)
    if kind is None or not guess.values.number:
        return None
    allowed = _RANGES[kind]
    fitting = sum(count for value, count in guess.values.counts.items() if number_of(kind, value) in allowed)
    return kind if fitting >= _NEARLY_ALL * guess.values.number else None


def _named(words: set[str]) -> Iterator[tuple[DatePart, bool]]:
    """Yield each part, and whether the words of a column's name mean it; the first that they mean counts."""
    year, month = bool(words & _YEARS), bool(words & _MONTHS)
    week, day = bool(words & _WEEKS), bool(words & _DAYS)
    yield DatePart.WEEK_OF_MONTH, (week and month) or "weekofmonth" in words
    yield DatePart.WEEKDAY, (day and week) or bool(words & _WEEKDAYS)
    yield DatePart.DAY_OF_YEAR, (day and year) or bool(words & {"dayofyear", "doy"})
    yield DatePart.DAY, day or "dayofmonth" in words
    yield DatePart.ISO_WEEK, week
    yield DatePart.YEAR_MONTH, (year and month) or bool(words & {"yearmonth", "yyyymm", "period"})
    yield DatePart.MONTH, month
    yield DatePart.YEAR, year


def _proposals(parts: Mapping[DatePart, Guess]) -> Iterator[_Proposal]:
    """Yield the ways in which a date can be made of the parts, the most certain first."""
    for way in _WAYS:
        if not set(way) <= set(parts):
            continue
        of_year = bool({DatePart.DAY_OF_YEAR, DatePart.ISO_WEEK} & set(way))
        for period in (
            ((DatePart.YEAR,),) if of_year else ((DatePart.YEAR, DatePart.MONTH), (DatePart.YEAR_MONTH,))
        ):
            if set(period) <= set(parts):
                columns = {part: parts[part] for part in (*period, *way)}
                stated = not way or way in ((DatePart.WEEK_OF_MONTH,), (DatePart.ISO_WEEK,))
                yield (
                    _weekly(columns, stated) if DatePart.WEEK_OF_MONTH in way else _proposal(columns, stated)
                )


def _proposal(columns: Mapping[DatePart, Guess], stated: bool) -> _Proposal:
    parts = [*columns, *([DatePart.DAY] if stated and not _has_week(columns) else [])]
    cells = []
    for row in zip(*(guess.cells for guess in columns.values()), strict=True):
        try:
            made = date_of_parts(parts, [*row, "1"][: len(parts)])
        except NoSuchDate:
            cells.append("")
        else:
            cells.append(made.isoformat())
    return _Proposal(columns, stated, cells)


def _weekly(columns: Mapping[DatePart, Guess], stated: bool) -> _Proposal:
    """Return the proposal with the weeks of the month that fit most rows; a weekday must fit nearly all."""
    tried = [
        _proposal(
            {(kind if part is DatePart.WEEK_OF_MONTH else part): guess for part, guess in columns.items()},
            stated,
        )
        for kind in _WEEKS_OF_MONTH
    ]
    best = max(tried, key=lambda proposal: proposal.share)
    if not stated and best.share < _NEARLY_ALL:
        return _Proposal(columns, stated, [])
    shares = ", ".join(
        f"{proposal.share:.0%} if {what}".replace("%", " %", 1)
        for what, proposal in zip(_WEEKS_OF_MONTH.values(), tried, strict=True)
    )
    found = f"rows that make a date: {shares}; the draft takes the most"
    return _Proposal(best.columns, stated, best.cells, found)


def _has_week(columns: Mapping[DatePart, Guess]) -> bool:
    return bool({DatePart.ISO_WEEK, *_WEEKS_OF_MONTH} & set(columns))


def _guess(found: _Proposal) -> Guess:
    names = {part: guess.name for part, guess in found.columns.items()}
    made_of = ", ".join(repr(name) for name in names.values())
    checks = [f"the event date is made of {made_of}; weekly windows and ages are measured from it"]
    if found.stated:
        names[DatePart.DAY] = "1"
        which = "the first day of its week" if _has_week(found.columns) else "the first of its month"
        checks.append(
            f"the day is not in the file: each claim is dated on {which}; state another if you know"
        )
    if found.note:
        checks.append(found.note)
    weekday = found.columns.get(DatePart.WEEKDAY)
    if weekday is not None and any(value[:1].isdigit() for value in weekday.values.counts):
        checks.append("the weekday 1 is read as Monday and 7 as Sunday")
    for guess in found.columns.values():
        if guess.role is Role.FEATURE:
            guess.role = Role.IGNORED
            guess.checks += ("a part of the event date: as a feature, a model would learn the calendar",)
    return Guess(
        NAME,
        NAME,
        ("event", "date"),
        ("event", "date"),
        infer_type(found.cells),
        LogicalType.DATE,
        Role.EVENT_TIME,
        checks=tuple(checks),
        cells=found.cells,
        date_parts=tuple(names.items()),
    )
