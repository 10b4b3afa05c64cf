"""Which columns of a draft are protected attributes of persons, judging by their names and values."""

import re

from claimwatch.domain.contract.contract import DATED, NUMERIC, LogicalType
from claimwatch.domain.contract.draft_column import Guess
from claimwatch.domain.contract.header_words import Meaning, folded, meanings_of, words_of

_ATTRIBUTES = (
    Meaning.SEX,
    Meaning.MARITAL,
    Meaning.NATIONALITY,
    Meaning.ETHNICITY,
    Meaning.RELIGION,
    Meaning.DISABILITY,
    Meaning.ORIENTATION,
    Meaning.LANGUAGE,
    Meaning.POSTCODE,
    Meaning.BIRTH,
    Meaning.AGE,
)
"""The protected attributes; the first that a name has describes the column."""

_OLDEST = 130
"""Largest age, and most different values of an attribute."""

_MOST_SEXES = 10
_MOST_STATUSES = 15
_MOST_BANDS = 30


def _folded(listed: str) -> frozenset[str]:
    return frozenset(map(folded, listed.split()))


_SEXES = _folded(
    """male female man woman men women boy girl m f mann frau mannlich weiblich w homme femme masculin feminin
    hombre mujer varon masculino femenino uomo donna maschio femmina maschile femminile vrouw mannelijk
    vrouwelijk v h d x divers diverse other autre otro altro anders unknown unbekannt herr mr mrs ms miss
    monsieur madame senora signor signora dhr mevr nonbinary"""
)
_BAND = re.compile(r"\D*\d{1,3}\D*(?:\d{1,3}\D*)?", re.ASCII)
_OF_BANDS = _folded(
    """to and over under above below more less than up or older younger from between age aged year years yrs y
    old bis und uber unter ab jahre a de plus moins ans et mas menos anos e piu meno anni tot en
    ouder jonger jaar"""
)
_NOT_TELLING = _folded("m f w v h d x other autre otro altro anders diverse divers unknown unbekannt")
_STATUSES = _folded(
    """single married divorced widowed widow widower separated unmarried husband wife spouse ledig verheiratet
    geschieden verwitwet getrennt celibataire marie mariee divorce divorcee veuf veuve pacse pacsee soltero
    soltera casado casada divorciado divorciada viudo viuda celibe nubile coniugato coniugata sposato sposata
    divorziato divorziata vedovo vedova ongehuwd gehuwd weduwe weduwnaar"""
)


def protected_attribute(guess: Guess) -> Meaning | None:
    """Return the protected attribute of persons that a column is, or None."""
    meanings = meanings_of(words_of(guess.header))
    named = next(
        (each for each in _ATTRIBUTES if each in meanings and _is_plausible(guess, each, meanings)), None
    )
    return named or _by_values(guess)


def _is_plausible(guess: Guess, attribute: Meaning, meanings: frozenset[Meaning]) -> bool:
    """Return whether the values of a column can be those of an attribute that its name says."""
    values, kind = guess.values, guess.logical_type
    if kind in DATED:
        return attribute is Meaning.BIRTH
    of_object = Meaning.OBJECT in meanings and Meaning.PERSON not in meanings
    match attribute:
        case Meaning.AGE:
            # 999 may mean that an age is missing.
            old = sum(number > _OLDEST for number in values.numbers)
            young = kind in NUMERIC and old <= len(values.numbers) / 2
            few = kind is LogicalType.STRING and values.distinct <= _OLDEST
            return (young or few) and not of_object
        case Meaning.SEX | Meaning.LANGUAGE:
            most = _MOST_SEXES if attribute is Meaning.SEX else _OLDEST
            return values.distinct <= most and not of_object
        case Meaning.BIRTH:
            return kind is not LogicalType.BOOLEAN
        case Meaning.POSTCODE:
            return kind is not LogicalType.BOOLEAN and (not values.number or 3 <= values.average_length <= 12)
        case Meaning.MARITAL:
            return values.distinct <= _MOST_STATUSES
        case _:
            return not of_object and values.distinct <= max(_OLDEST, values.number / 5)


def tells_marital_status(guess: Guess) -> bool:
    """Return whether all values are words for marital statuses, some of which are also given names: marié."""
    return bool(guess.values.counts) and _words(guess) <= _STATUSES


def tells_bands_of_ages(guess: Guess) -> bool:
    """Return whether all values are bands of ages, such as 25-34, 31 to 35, over 65 or 65+."""
    values = [folded(value) for value in guess.values.counts]
    return (
        guess.logical_type is LogicalType.STRING
        and 1 < len(values) <= _MOST_BANDS
        and all(
            _BAND.fullmatch(value) and set(re.findall(r"[^\W\d_]+", value)) <= _OF_BANDS for value in values
        )
    )


def _by_values(guess: Guess) -> Meaning | None:
    """Return the sex or the marital status if the values say it, whatever the name of the column."""
    if guess.logical_type is not LogicalType.STRING or guess.values.distinct > _MOST_STATUSES:
        return None
    values = _words(guess)
    if len(values) > 1 and values <= _SEXES and (values - _NOT_TELLING or {"m", "f"} <= values):
        return Meaning.SEX
    return Meaning.MARITAL if len(values & _STATUSES) > 1 else None


def _words(guess: Guess) -> set[str]:
    return {folded(value.strip(" .")) for value in guess.values.counts}
