"""What a person should know about the values of a column: codes, sentinels, dates written as numbers.

Notes quote no value except words and dates that are read as missing, and numbers that may mean missing.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal

from claimwatch.domain.contract.column_words import names_a_date
from claimwatch.domain.contract.contract import DATED, NUMERIC, LogicalType
from claimwatch.domain.contract.date_inference import dates
from claimwatch.domain.contract.draft_column import Guess
from claimwatch.domain.contract.header_words import Meaning, meanings_of, words_of
from claimwatch.domain.contract.text_notes import decimal_zeros, exponents, months, text_note
from claimwatch.domain.contract.type_inference import Values

_FEW_CODES = 5
"""Largest number of different whole numbers that may be codes."""

_LEAST_SAMPLE = 20
"""Number of values from which rare or few values are noted."""

_COUNTS = {"number", "count", "no", "anzahl", "nombre", "numero", "aantal", "age", "year", "hour", "days"}
"""Words for numbers that are not codes."""

_EPOCHS = (("seconds", 1), ("milliseconds", 10**3), ("microseconds", 10**6), ("nanoseconds", 10**9))
_EPOCH_RANGE = (631_152_000, 2_208_988_800)
"""Seconds since 1970 from 1990 to 2040."""

_DAY = 86_400
"""Seconds within which numbers that look like times are a count of something else."""

_SERIAL_RANGE = (32_874, 51_136)
"""Excel's serial numbers of days from 1990 to 2040."""

_SERIAL_DAYS = 3_660
"""Days within which whole numbers without the name of a date may still be such numbers."""

_CUT_BY_SPREADSHEETS = 10**11
"""Number from which a spreadsheet shows an exponent, and keeps six digits."""

_YEAR_MONTH = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])", re.ASCII)
_COMPACT = re.compile(r"(?:19|20)\d{6}", re.ASCII)
_MAY_MEAN_MISSING = re.compile(r"-?9{2,}(?:\.0+)?|-1(?:\.0+)?", re.ASCII)
_FAR = 2
"""How many times larger than all others a number of nines is that may mean missing."""

_GROWN = 10
"""The age from which the next one above 0 makes 0 unlikely to be an age."""


def notes(guess: Guess) -> Iterator[str]:
    """Yield the notes on a column, each a sentence without its full stop."""
    values = guess.values
    if values.number == 0:
        return
    if guess.logical_type is LogicalType.STRING:
        note = text_note(values.counts, all_present=not values.missing)
        if note:
            yield note
    elif guess.logical_type in NUMERIC:
        yield from _notes_on_numbers(guess)
    elif guess.logical_type in DATED:
        yield from _notes_on_dates(guess)
    elif values.true_words or values.false_words:
        yield (
            f"looks like yes and no: {_listed(values.true_words)} is read as true,"
            f" {_listed(values.false_words)} as false"
        )
    tokens = values.own_missing_tokens
    if tokens and guess.logical_type is not LogicalType.STRING:
        rows = sum(cell in tokens or cell.strip() in tokens for cell in guess.cells)
        shown = ", ".join(repr(token) for token in tokens[:5])
        yield f"{shown} ({rows} of {len(guess.cells)} rows) is read as missing; if not, edit missingValues"
    if values.distinct == 1 and values.number > 1 and not values.missing:
        yield f"all {values.number} values of the sample are the same"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(f"'{word}'" for word in words) or "the usual word"


# -- Numbers -------------------------------------------------------------------------------------------------


def _notes_on_numbers(guess: Guess) -> Iterator[str]:
    values = guess.values
    least, most = values.least, values.most
    if least is None or most is None:
        return
    if values.distinct > 1 and decimal_zeros(values.counts):
        yield "all values end in .0: they may be whole numbers that a program wrote as decimals"
    if values.signs.unit:
        yield f"numbers with the unit '{values.signs.unit}', which is read and not stored"
    if values.signs.negatives:
        yield "numbers in brackets or with a minus behind are read as negative"
    dated = names_a_date(guess.plain_words)
    epoch = [
        name
        for name, factor in _EPOCHS
        if _within(least, most, _EPOCH_RANGE, factor)
        and (dated or values.distinct < _LEAST_SAMPLE or most - least >= _DAY * factor)
    ]
    if most >= _CUT_BY_SPREADSHEETS and exponents(values.counts):
        yield "some values are like 1.2E+15: a spreadsheet cut their digits; export the column as text"
    elif epoch:
        yield f"looks like {epoch[0]} since 1970, which are numbers here: send dates and times instead"
    elif dated and _within(least, most, _SERIAL_RANGE):
        yield "looks like Excel's serial numbers of days, which are numbers here: send dates instead"
    elif not guess.values.dates and _compact_dates(values.counts):
        yield "looks like dates written as YYYYMMDD: if they are, write logicalType date, dateFormat '%Y%m%d'"
    elif _may_be_serials(guess, least, most):
        yield "may be Excel's serial numbers of days, which are numbers here: if so, send dates instead"
    elif (dated and months(values.counts)) or _year_months(values):
        yield "looks like months without a day, which are numbers here: send whole dates"
    if values.number >= _LEAST_SAMPLE:
        yield from _notes_on_codes(guess, least, most)
        yield from _sentinels(guess, least, most)


def _within(least: Decimal, most: Decimal, bounds: tuple[int, int], factor: int = 1) -> bool:
    low, high = bounds
    return low * factor <= least and most <= high * factor


def _may_be_serials(guess: Guess, least: Decimal, most: Decimal) -> bool:
    """Return whether a column that is not named after dates has whole numbers of a few years of days."""
    return (
        guess.values.logical_type is LogicalType.INTEGER
        and guess.values.distinct >= _LEAST_SAMPLE
        and most - least <= _SERIAL_DAYS
        and _within(least, most, _SERIAL_RANGE)
    )


def _year_months(values: Values) -> bool:
    return values.number >= _LEAST_SAMPLE and all(map(_YEAR_MONTH.fullmatch, values.counts))


def _compact_dates(counts: Counter[str]) -> bool:
    found = dates(list(counts)) if all(map(_COMPACT.fullmatch, counts)) else None
    return found is not None and not found.timed


def _notes_on_codes(guess: Guess, least: Decimal, most: Decimal) -> Iterator[str]:
    number = guess.values.distinct
    whole = all(value == value.to_integral_value() for value in guess.values.numbers)
    if not whole or not 1 < number <= _FEW_CODES:
        return
    if least == -1 and most == 0:
        yield "only 0 and -1 occur: Access writes -1 for true"
    elif least > 0 and guess.logical_type is LogicalType.INTEGER and not _COUNTS & set(guess.plain_words):
        yield f"only {number} whole numbers occur: write logicalType string if they are codes and not amounts"


def _sentinels(guess: Guess, least: Decimal, most: Decimal) -> Iterator[str]:
    values = guess.values
    for token, count in values.counts.items():
        if not _MAY_MEAN_MISSING.fullmatch(token) or values.distinct <= _FEW_CODES:
            continue
        number = Decimal(token)
        others = [abs(other) for other in values.numbers if other != number]
        far = number == most and number > _FAR * max(others)
        alone = number == least and number < 0 and values.negative == count
        if far or alone:
            yield f"{token} occurs in {count} of {values.number} rows, unlike the rest: it may mean missing"
    zeros = values.counts["0"]
    if zeros and Meaning.AGE in meanings_of(words_of(guess.header)):
        others = [number for number in values.numbers if number]
        if least == 0 and others and min(others) >= _GROWN:
            yield f"0 occurs in {zeros} of {values.number} rows, unlike the rest: it may mean missing"


# -- Dates ---------------------------------------------------------------------------------------------------


def _notes_on_dates(guess: Guess) -> Iterator[str]:
    values = guess.values
    if values.dates is None:
        return
    if values.dates.short_years:
        yield "years have two digits: 00 to 68 are read as 2000 to 2068, and 69 to 99 as 1969 to 1999"
    if len(values.dates.formats) > 1:
        yield "the dates have several forms; each of the formats reads some"
    epoch = sum(count for value, count in values.counts.items() if value.startswith("1970-01-01"))
    if 0 < epoch < values.number:
        yield f"1970-01-01 occurs in {epoch} of {values.number} rows: it may mean missing"
    if guess.logical_type is LogicalType.TIMESTAMP and not all(map(_has_zone, values.counts)):
        yield "times without a zone are read as UTC"


def _has_zone(value: str) -> bool:
    return re.search(r"(?:Z|[+-]\d{2}:?\d{2})$", value) is not None
