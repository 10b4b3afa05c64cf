"""Which columns of a draft are personal data, judging by their names and the form of their values.

What certainly is personal is stored as a hash. So is a column in doubt: texts that differ in most rows or may
contain names, and long numbers that differ. That costs a feature until a person has looked at it, but no name
is ever stored by mistake. Texts with few values that repeat are kinds of things, and internal.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from claimwatch.domain.contract.category_words import contains_category, is_category
from claimwatch.domain.contract.contract import DATED, NUMERIC, LogicalType
from claimwatch.domain.contract.draft_column import Guess
from claimwatch.domain.contract.header_words import Meaning, meanings_of, words_of
from claimwatch.domain.contract.text_notes import is_quantity
from claimwatch.domain.contract.value_shapes import MOST, personal_numbers, personal_values

_BY_NAME = (
    Meaning.EMAIL,
    Meaning.DEVICE,
    Meaning.BIRTH,
    Meaning.POSTCODE,
    Meaning.VIN,
    Meaning.PLATE,
    Meaning.BANK,
    Meaning.OFFICIAL,
    Meaning.CARD,
    Meaning.DOCUMENT,
    Meaning.PHONE,
    Meaning.COORDINATE,
    Meaning.USER,
    Meaning.NAME,
    Meaning.ADDRESS,
    Meaning.TOWN,
    Meaning.TEXT,
    Meaning.PERSON,
)
"""Meanings of names that make a column personal; the first that a name has describes it."""

_TEXT_ONLY = frozenset(
    {Meaning.NAME, Meaning.TEXT, Meaning.PERSON, Meaning.TOWN, Meaning.EMAIL, Meaning.USER, Meaning.VIN}
)
"""Meanings that numbers do not have: a column of numbers with such a name counts something."""

_KINDS = frozenset({Meaning.CATEGORY, Meaning.OBJECT, Meaning.CLAIM, Meaning.TOWN, Meaning.QUALIFIER})
"""Meanings of names of columns whose capitalised words are kinds, makes or places."""

_NUMBER_OF_PERSON = 7
"""Average digits from which integers that differ in most rows may be numbers of persons."""

_NO_AMOUNT = 11
"""Average digits from which integers may be numbers of persons even if they repeat."""

_SHORTEST_NUMBER = 4
"""Average digits below which numbers are codes or counts, whatever their column is called."""

_MOST_KINDS = 100
"""Maximum number of different values of a category."""

_ROWS_OF_KIND = 5
"""Average rows of each value of a category."""

_FEW = 20
"""Different values that a column may have if its name says that it is a category."""

_SMALL_SAMPLE = 10
_MOST_DIFFER = 0.7
"""Share of different values above which a column of a larger sample is no category, whatever its name."""

_LONGEST_KIND = 60
"""Average characters of the longest category."""

_ADULT = 15
"""Years between the newest date of a file and the newest dates of a column that may be dates of birth."""

_FEWEST_BIRTHS = 5
_GENERATION = 20
"""Years between the dates of such a column."""


@dataclass(frozen=True)
class PersonalData:
    """Why a column is personal."""

    meaning: Meaning | None
    certain: bool
    why: str


def personal_data(guess: Guess, newest: int | None = None) -> PersonalData | None:
    """Return why a column is personal, or None. ``newest`` is the year of the newest date of the file."""
    if guess.logical_type is LogicalType.BOOLEAN:
        return None
    meanings = frozenset[Meaning]() if guess.placeholder else meanings_of(words_of(guess.header))
    named = _meaning_of_name(guess, meanings)
    if guess.logical_type in DATED:
        if named is Meaning.BIRTH:
            return _certain(named, "name")
        if newest is not None and _may_be_births(guess, newest):
            return PersonalData(Meaning.BIRTH, certain=False, why="these may be dates of birth")
        return None
    if guess.values.logical_type is LogicalType.INTEGER:
        return _of_numbers(guess, meanings, named)
    if guess.logical_type is LogicalType.STRING:
        return _of_texts(guess, meanings, named)
    return _certain(named, "name") if named in (Meaning.COORDINATE, Meaning.BIRTH) else None


def year(guess: Guess, share: float = 1.0) -> int | None:
    """Return the year up to which a share of a column's dates lie, or None if it has no dates."""
    if guess.logical_type not in DATED:
        return None
    formats = guess.values.date_formats
    read = (_year(value, formats) for value in islice(guess.values.counts, MOST))
    years = sorted(filter(None, read))
    return years[min(int(share * len(years)), len(years) - 1)] if years else None


# -- Names ---------------------------------------------------------------------------------------------------


def _meaning_of_name(guess: Guess, meanings: frozenset[Meaning]) -> Meaning | None:
    """Return which personal data a column contains, judging by its name."""
    values = guess.values
    found = set(meanings)
    numbered = bool(meanings & {Meaning.NUMBERED})
    if Meaning.TAX in meanings and numbered:
        found.add(Meaning.OFFICIAL)
    if Meaning.ACCOUNT in meanings and (
        numbered or not meanings - {Meaning.ACCOUNT, Meaning.PERSON, Meaning.FILLER}
    ):
        found.add(Meaning.BANK)
    if Meaning.REGISTRATION in meanings and (numbered or meanings & {Meaning.OBJECT}):
        found.add(Meaning.PLATE)
    if Meaning.OBJECT in meanings and not meanings & {Meaning.PERSON}:
        found -= {Meaning.NAME}  # of a product, a company or a file
    if Meaning.CLAIM in meanings or Meaning.OBJECT in meanings:
        found -= {Meaning.TOWN}
    if Meaning.BIRTH in found and meanings & {Meaning.TOWN, Meaning.COUNTRY}:
        found -= {Meaning.BIRTH}  # a place of birth
    if not _ends_with_person(guess):
        found -= {Meaning.PERSON}
    numeric = values.logical_type in NUMERIC
    counted = numeric and values.average_length < _SHORTEST_NUMBER
    if meanings & {Meaning.QUALIFIER, Meaning.QUANTITY} and (counted or _repeats(guess)):
        found &= {Meaning.BIRTH}
    if numeric:
        found -= _TEXT_ONLY
        if counted and values.number:
            found &= {Meaning.BIRTH, Meaning.COORDINATE, Meaning.ADDRESS}
        if counted and values.distinct <= 2:
            found -= {Meaning.ADDRESS, Meaning.BIRTH}
    return next((meaning for meaning in _BY_NAME if meaning in found), None)


def _ends_with_person(guess: Guess) -> bool:
    words = [word for word in words_of(guess.header) if not word.isdigit()]
    return bool(words) and Meaning.PERSON in meanings_of(words[-1:])


# -- Values --------------------------------------------------------------------------------------------------


def _of_numbers(guess: Guess, meanings: frozenset[Meaning], named: Meaning | None) -> PersonalData | None:
    values = guess.values
    if named is not None:
        return _certain(named, "name")
    found = personal_numbers(values.counts)
    if found is not None:
        return _certain(found.meaning, "check digits")
    many = values.average_length >= _NUMBER_OF_PERSON and values.distinct > values.number / 2
    many |= values.average_length >= _NO_AMOUNT
    if many and not meanings & {Meaning.QUANTITY, Meaning.DATE} and not values.negative:
        return PersonalData(None, certain=False, why="long numbers that differ may belong to persons")
    if guess.logical_type is LogicalType.STRING and Meaning.PERSON in meanings and values.distinct > _FEW:
        return PersonalData(None, certain=False, why="these numbers may belong to persons")
    return None


def _of_texts(guess: Guess, meanings: frozenset[Meaning], named: Meaning | None) -> PersonalData | None:
    values = guess.values
    found = personal_values(values.counts)
    kinds = values.number > 0 and all(map(is_category, values.counts))
    if named in (Meaning.PERSON, Meaning.TEXT, Meaning.TOWN, Meaning.USER) and found is None:
        worded = all(map(contains_category, values.counts))  # codes may be the initials of persons
        named = None if kinds and worded and values.number else named
    if named in (Meaning.TOWN, Meaning.TEXT) and found is None and _repeats(guess):
        named = None
    if found is not None and found.certain:
        return _certain(found.meaning, "values")
    if named is not None:
        return _certain(named, "name")
    if found is not None:
        return PersonalData(found.meaning, certain=False, why=f"some values look like: {found.meaning}")
    if not values.number or kinds or _is_named_kind(guess, meanings) or is_quantity(values.counts):
        return None
    if not _repeats(guess):
        numbered = sum(any(map(str.isdigit, value)) for value in values.counts) > values.distinct / 2
        what = "numbers and codes that differ may lead to" if numbered else "texts that differ may name"
        return PersonalData(None, certain=False, why=f"{what} persons")
    unknown = [value for value in values.counts if _is_capitalised(value) and not contains_category(value)]
    if len(unknown) > len(values.counts) / 2 and not meanings & _KINDS:
        return PersonalData(None, certain=False, why="capitalised words may be names of persons")
    return None


def _is_named_kind(guess: Guess, meanings: frozenset[Meaning]) -> bool:
    """Return whether a column is called like a category, and has no more values than one."""
    values = guess.values
    few = values.distinct <= max(_FEW, values.number / _ROWS_OF_KIND)
    few &= values.number < _SMALL_SAMPLE or values.distinct <= _MOST_DIFFER * values.number
    return bool(meanings & {Meaning.CATEGORY}) and few and values.average_length <= _LONGEST_KIND


def _repeats(guess: Guess) -> bool:
    """Return whether a column has few different values, most of which occur in many rows."""
    values = guess.values
    rare = sum(count for count in values.counts.values() if count < _ROWS_OF_KIND)
    return (
        0 < values.distinct <= _MOST_KINDS
        and values.distinct * _ROWS_OF_KIND <= values.number
        and rare <= values.number / 10
        and values.average_length <= _LONGEST_KIND
    )


def _is_capitalised(value: str) -> bool:
    """Return whether a value is one to three words that begin with capital letters, as names do."""
    words = re.findall(r"[^\W\d_][\w'\u2019-]*", value)
    whole = "".join(words) == re.sub(r"[\s,.]", "", value)
    return whole and 1 <= len(words) <= 3 and all(word[0].isupper() for word in words) and len(value) > 3


def _may_be_births(guess: Guess, newest: int) -> bool:
    youngest, oldest = year(guess, 0.95), year(guess, 0.0)
    return (
        youngest is not None
        and oldest is not None
        and newest - youngest >= _ADULT
        and youngest - oldest >= _GENERATION
        and guess.values.distinct > _FEWEST_BIRTHS
    )


def _year(value: str, formats: Sequence[str]) -> int | None:
    for form in formats:
        with suppress(ValueError):
            return datetime.strptime(value, form).year  # noqa: DTZ007 - only the year is used
    with suppress(ValueError):
        return datetime.fromisoformat(value).year
    return None


def _certain(meaning: Meaning, judged_by: str) -> PersonalData:
    return PersonalData(meaning, certain=True, why=judged_by)
