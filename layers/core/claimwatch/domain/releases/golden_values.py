"""Values of a column for golden claims: typical, rare, extreme and unseen ones, and those that break a rule.

Nothing is of a person: of a personal feature there are quantiles only, and the values of columns that are not
features are made up.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from claimwatch.domain.contract.contract import DATED, NUMERIC, Bound, Column, LogicalType, Role
from claimwatch.domain.model.features import Feature
from claimwatch.domain.model.profile import Profile
from claimwatch.domain.releases.draws import Draws
from claimwatch.domain.releases.pattern_texts import text_matching

UNSEEN = "golden value"
"""A text that no claim of a customer has."""

_QUANTILES = (0.5, 0.01, 0.05, 0.25, 0.75, 0.95, 0.99)
_MOMENTS = 28
"""Event times: every weekday, and every hour of the day."""
_DISTANCES = (1.0, 0.0, 30.0, 400.0)
"""Days before the event, of dates from which no feature is made."""
_LARGEST = 10**15
"""The greatest number: every reader of JSON keeps its digits."""
_FIRST_ID = 900_000_000_000_001
"""Ids that are whole numbers begin here, where no line has claims."""
_LONGEST = 40
"""Characters of a made-up text, unless the contract wants more."""
_LONGEST_BROKEN = 5_000
"""Characters of a text that is too long; a few of them fit into a request."""
_TEXTS = 3
"""Made-up texts of a column."""
_EARLIEST = datetime(1700, 1, 1)  # noqa: DTZ001
_LATEST = datetime(2262, 1, 1)  # noqa: DTZ001 - UTC, like all times here


@dataclass(frozen=True)
class Before:
    """A date that lies so many days before the event of its claim."""

    days: float


type Value = str | int | float | bool | datetime | Before | None
"""A value of JSON, or a date that becomes one."""


@dataclass(frozen=True)
class Choices:
    """Values of a column.

    ``valid`` begins with the most usual one. ``low`` and ``high`` are its extremes. Each value of ``broken``
    breaks a rule, unless the contract has words for it.
    """

    column: Column
    valid: tuple[Value, ...]
    broken: tuple[Value, ...]

    @property
    def low(self) -> Value:
        """The least number or the earliest date; of other values, the first one."""
        return min(self._ordered, default=self.valid[0])

    @property
    def high(self) -> Value:
        """The greatest number or the latest date; of other values, the last one."""
        return max(self._ordered, default=self.valid[-1])

    @property
    def _ordered(self) -> list[int | float]:
        return [value for value in self.valid if isinstance(value, int | float) and type(value) is not bool]


def choices_of(
    column: Column, feature: Feature | None, profile: Profile | None, until: date, draws: Draws
) -> Choices:
    """Return the values of a column that is not the identifier.

    ``feature`` is made from the column, and has the ``profile``; columns without a feature have neither.
    Events are before ``until``.
    """
    if column.role is Role.EVENT_TIME:
        found: Iterable[Value] = _moments(column, until)
    elif column.logical_type is LogicalType.BOOLEAN:
        found = (False, True)
    elif column.logical_type in DATED:
        found = _dates(column, feature, profile)
    elif column.logical_type in NUMERIC:
        found = _numbers(column, profile)
    else:
        found = _texts(column, feature, profile, draws)
    valid = tuple(dict.fromkeys(found)) or (None,)
    return Choices(column, valid, tuple(_broken(column)))


def claim_id(column: Column, number: int, draws: Draws) -> str | int:
    """Return the id of a claim that no customer has; each number has its own."""
    if column.logical_type is not LogicalType.STRING:
        last = _whole(column.maximum, column.exclusive_maximum, -1)
        return _FIRST_ID + number if last is None or last > _FIRST_ID + number else last - number
    if column.pattern is not None:
        made = text_matching(column.pattern, draws, column.name, number)
        if made is not None:
            return made
    return _fitted(f"golden-{draws.seed[:8]}-{number:04}", column)


def _moments(column: Column, until: date) -> Iterator[Value]:
    latest = datetime(until.year, until.month, until.day)  # noqa: DTZ001
    for number in range(1, _MOMENTS + 1):
        hours = timedelta(hours=number % 24 if column.logical_type is LogicalType.TIMESTAMP else 0)
        yield within(column, latest - timedelta(days=number) + hours)


def _dates(column: Column, feature: Feature | None, profile: Profile | None) -> Iterator[Value]:
    if feature is None or profile is None:
        yield from map(Before, _DISTANCES)
        return
    for days in _of_profile(profile, personal=column.personal):
        if abs(days) < 100_000:
            yield Before(float(days) if feature.exact else float(round(days)))


def within(column: Column, moment: datetime) -> datetime:
    """Return the moment, or the nearest one that the bounds of a column of dates allow."""
    step = timedelta(days=1) if column.logical_type is LogicalType.DATE else timedelta(seconds=1)
    for bound, shift in ((column.minimum, 0), (column.exclusive_minimum, 1)):
        if bound is not None:
            moment = max(moment, _moment(bound) + shift * step)
    for bound, shift in ((column.maximum, 0), (column.exclusive_maximum, 1)):
        if bound is not None:
            moment = min(moment, _moment(bound) - shift * step)
    return moment


def _moment(bound: Bound) -> datetime:
    if isinstance(bound, datetime):
        return bound.astimezone(UTC).replace(tzinfo=None) if bound.tzinfo else bound
    assert isinstance(bound, date)
    return datetime(bound.year, bound.month, bound.day)  # noqa: DTZ001


def _numbers(column: Column, profile: Profile | None) -> Iterator[Value]:
    low, high = column.minimum, column.maximum
    made_up = [float(bound) for bound in (low, high) if isinstance(bound, Decimal)]
    known = list(_of_profile(profile, personal=column.personal)) if profile is not None else []
    whole = column.logical_type is LogicalType.INTEGER
    for number in (*known, 0.0, 1.0, *made_up, 0.5 * sum(made_up)):
        value = round(number) if whole else number
        if abs(value) <= _LARGEST and _is_within(column, value):
            yield value


def _is_within(column: Column, value: float) -> bool:
    return (
        (not isinstance(column.minimum, Decimal) or value >= column.minimum)
        and (not isinstance(column.maximum, Decimal) or value <= column.maximum)
        and (not isinstance(column.exclusive_minimum, Decimal) or value > column.exclusive_minimum)
        and (not isinstance(column.exclusive_maximum, Decimal) or value < column.exclusive_maximum)
    )


def _of_profile(profile: Profile, *, personal: bool) -> Iterator[float]:
    """Yield quantiles of a number, what lies between them, its range, and what lies outside of it."""
    quantiles = [found for share in _QUANTILES if (found := profile.quantile(share)) is not None]
    yield from quantiles
    least, greatest = (min(quantiles), max(quantiles)) if quantiles else (0.0, 1.0)
    if not personal and profile.minimum is not None and profile.maximum is not None:
        least, greatest = profile.minimum, profile.maximum  # those of one claim each
    span = max(greatest - least, 1.0)
    yield from (least, greatest, least - span, greatest + span, greatest + 1000 * span)
    ordered = sorted(set(quantiles))
    yield from (0.5 * (one + two) for one, two in pairwise(ordered))


def _texts(column: Column, feature: Feature | None, profile: Profile | None, draws: Draws) -> Iterator[Value]:
    if feature is not None and profile is not None and feature.categories:
        counts = dict(zip(profile.categories, profile.counts, strict=True))
        yield from sorted(feature.categories, key=lambda category: -counts.get(category, 0))
    if column.valid_values is not None:
        yield from column.valid_values
        return
    for number in range(_TEXTS):
        made = None if column.pattern is None else text_matching(column.pattern, draws, column.name, number)
        yield made if made is not None else _fitted(UNSEEN if number == 0 else f"{UNSEEN} {number}", column)


def _fitted(text: str, column: Column) -> str:
    """Return the end of a text, as long as the column allows."""
    most = min(column.max_length or _LONGEST, _LONGEST)
    return text[-most:].ljust(column.min_length or 0, "x")


def _broken(column: Column) -> Iterator[Value]:
    if column.required:
        yield None
    if column.logical_type is LogicalType.STRING:
        if column.valid_values is not None or column.pattern is not None:
            yield "\u00a7"
        if column.max_length is not None and column.max_length < _LONGEST_BROKEN:
            yield "x" * (column.max_length + 1)
        if column.min_length is not None and column.min_length > 1:
            yield "x" * (column.min_length - 1)
        return
    yield UNSEEN
    if column.logical_type in NUMERIC:
        below = _whole(column.minimum, column.exclusive_minimum, 0)
        above = _whole(column.maximum, column.exclusive_maximum, 0)
        yield from (below - 1,) if below is not None else ()
        yield from (above + 1,) if above is not None else ()
    elif column.logical_type in DATED:
        yield "2021-02-30"
        if column.minimum is not None or column.exclusive_minimum is not None:
            yield _EARLIEST
        if column.maximum is not None or column.exclusive_maximum is not None:
            yield _LATEST


def _whole(bound: Bound | None, exclusive: Bound | None, shift: int) -> int | None:
    """Return the whole number of a bound of numbers; an exclusive one is shifted."""
    if isinstance(bound, Decimal):
        return int(bound)
    return int(exclusive) + shift if isinstance(exclusive, Decimal) else None
