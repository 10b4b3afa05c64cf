"""Roles of the columns of a draft that are about persons: personal data, protected attributes, long texts."""

from collections.abc import Iterable

from claimwatch.domain.contract.contract import DATED, NUMERIC, LogicalType, Role
from claimwatch.domain.contract.draft_column import Guess
from claimwatch.domain.contract.header_words import Meaning
from claimwatch.domain.contract.personal_data import PersonalData, personal_data, year
from claimwatch.domain.contract.protected_attributes import (
    protected_attribute,
    tells_bands_of_ages,
    tells_marital_status,
)

_LONG = 40
"""Average characters from which texts that differ are texts written by persons, whatever their name."""

_SENTENCE = 20
"""The same for a column whose name says that it is a text."""

_SMALL_GROUPS = frozenset({Meaning.BIRTH, Meaning.AGE, Meaning.POSTCODE})
"""Protected attributes with so many values that few claims have the same one."""


def newest_year(guesses: Iterable[Guess]) -> int | None:
    """Return the year of the newest date in a file, except the last of those that mean "no end"."""
    return max(filter(None, (year(guess, 0.95) for guess in guesses)), default=None)


def mark_person(guess: Guess, newest: int | None) -> bool:
    """Give a column about persons its role and classification; return whether it is about persons.

    ``newest`` is the year of the newest date of the file.
    """
    data = personal_data(guess, newest)
    attribute = protected_attribute(guess)
    if _is_long_text(guess, data):
        guess.role, guess.personal, guess.plain = Role.TEXT, True, True
        guess.about_persons += ("long texts may name persons; stored as plain text so that they can be read",)
        return True
    if attribute is not None and data is not None and data.meaning is None:
        data = None  # a sex or a nationality names nobody, however many there are
    if attribute is Meaning.MARITAL and tells_marital_status(guess):
        data = None
    if attribute is Meaning.AGE and tells_bands_of_ages(guess):
        data = None
    if data is not None:
        guess.role, guess.personal, guess.in_doubt = Role.IGNORED, True, not data.certain
        guess.about_persons += (_reason(data),)
        if guess.logical_type in NUMERIC and data.meaning not in (Meaning.BIRTH, Meaning.COORDINATE):
            guess.logical_type = (
                LogicalType.STRING
            )  # nobody calculates with it, and a value may begin with a zero
    if attribute is not None:
        guess.role = Role.PROTECTED
        guess.about_persons += tuple(_protected(guess, attribute))
    return data is not None or attribute is not None


def _is_long_text(guess: Guess, data: PersonalData | None) -> bool:
    values = guess.values
    named = data is not None and data.certain and data.meaning is Meaning.TEXT
    if data is not None and data.certain and not named:
        return False
    long = values.average_length > (_SENTENCE if named else _LONG)
    return guess.logical_type is LogicalType.STRING and long and values.distinct > values.number / 2


def _reason(data: PersonalData) -> str:
    if not data.certain:
        return f"in doubt, so personal: {data.why}"
    return f"personal, judging by its {data.why}: {data.meaning}"


def _protected(guess: Guess, attribute: Meaning) -> Iterable[str]:
    yield f"protected ({attribute}): no feature; the weekly bias check compares its groups"
    if attribute not in _SMALL_GROUPS or guess.values.distinct <= 10:
        return
    if guess.logical_type not in (*NUMERIC, *DATED):
        better = "a region" if attribute is Meaning.POSTCODE else "a band of ages"
        yield f"groups of fewer than 50 claims are not compared: better send {better}"
    elif guess.personal and not guess.plain:
        yield "stored as hashes, it has groups of single values, too small to be compared"
        yield "'storeAs: plain' has it compared in bands of ages; or send a band of ages"
    elif attribute is Meaning.POSTCODE:
        yield "compared in bands of numbers; the property bands sets their lower ends"
    else:
        yield "compared in bands, decades of the age at the event; the property bands sets others"
