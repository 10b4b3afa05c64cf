"""Values that show that they are personal data: by their form, and by check digits if they exist.

A claim number or an amount of the same length rarely has valid check digits, so it is not mistaken for the
number of a person.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from stdnum import bic, iban, luhn
from stdnum.at import vnr
from stdnum.be import nn
from stdnum.ch import ssn as ahv
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.it import codicefiscale
from stdnum.nl import bsn
from stdnum.us import ssn

from claimwatch.domain.contract.given_names import GIVEN_NAMES, TITLES
from claimwatch.domain.contract.header_words import Meaning, folded, meanings_of, words_of

MOST = 400
"""Different values of a column that are examined."""

_CERTAIN_SHARE = 0.3
"""Share of different values of one form from which a column certainly contains such values."""

_NAMED_SHARE = 0.2
"""Share of different values that begin or end with a given name from which a column contains names."""

_FEWEST = 4
"""Different numbers, all with valid check digits, from which they are no coincidence."""

_MANY = 10
_VALID_SHARE = 0.9
"""Share of valid numbers that is enough if there are many: some are mistyped."""

_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^\W\d_]{2,}", re.IGNORECASE)
_PHONE = re.compile(
    r"(?:\+|00)[1-9][\d\s()./-]{6,}\d|\(0?\d{1,5}\)[\d\s./-]{4,}\d|0[1-9]\d{0,4}[\s/.-][\d\s/.-]{4,}\d"
    r"|0[1-9]\d{7,10}|(?:1[\s.-])?\(?\d{3}\)?[\s.-]\d{3}[\s.-]\d{4}|\d{3}[\s.-]\d{4}|[6-9](?:\d{2}[\s.]){2}\d{3}"
    r"|0[1-9](?:[\s.-]\d{2}){4}",
    re.ASCII,
)
_DATE = re.compile(
    r"(?:\d{1,2}([-/. ])\d{1,2}\1(?:19|20)?\d{2}|(?:19|20)\d{2}([-/. ])\d{1,2}\2\d{1,2})(?:[T ,].*)?",
    re.ASCII,
)
_NINO = re.compile(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]", re.ASCII | re.IGNORECASE)
_SSN = re.compile(r"\d{3}-\d{2}-\d{4}", re.ASCII)
_VIN = re.compile(r"(?=(?:.*[A-Z]){3})(?=(?:.*\d){4})[A-HJ-NPR-Z0-9]{17}", re.ASCII)
_CARD = re.compile(r"[3-6]\d{11,18}|2[2-7]\d{14}|(?:1800|2131)\d{11}", re.ASCII)
_COORDINATES = re.compile(
    r"[([]?-?\d{1,3}\.\d{3,}\s*[,;\s]\s*-?\d{1,3}\.\d{3,}[)\]]?|POINT ?\(.*\)"
    r"|\d{1,3}\s?°.*[NSEWO]\W*\d{1,3}\s?°.*[NSEWO]",
    re.ASCII | re.IGNORECASE,
)
_PLATES = {
    "DE": re.compile(r"[A-ZÄÖÜ]{1,3}[- :][A-Z]{1,2}[- ]?\d{1,4}[EH]?"),
    "FR, IT": re.compile(r"[A-HJ-NP-TV-Z]{2}[- ]?\d{3}[- ]?[A-HJ-NP-TV-Z]{2}"),
    "ES": re.compile(r"\d{4}[- ]?[B-DF-HJ-NP-TV-Z]{3}"),
    "GB": re.compile(r"[A-Z]{2}\d{2} ?[A-Z]{3}"),
    "NL": re.compile(r"(?=.*[A-Z])(?=.*\d)(?=(?:[A-Z0-9]-?){6}$)[A-Z0-9]{1,3}-[A-Z0-9]{2,3}-[A-Z0-9]{1,2}"),
}
_STREET_WORDS = """
    street st road rd avenue ave av drive dr lane ln way court ct boulevard blvd bd place pl square terrace
    crescent close highway hwy parkway strasse str weg platz allee gasse ring ufer damm chaussee rue chemin
    impasse quai route cours calle c avenida avda plaza pza paseo camino carretera ronda via viale piazza
    corso largo vicolo straat laan plein gracht kade dreef singel
"""
_STREETS = frozenset(_STREET_WORDS.split())
_STREET_ENDS = (
    "strasse",
    "str",
    "weg",
    "platz",
    "allee",
    "gasse",
    "straat",
    "laan",
    "plein",
    "gracht",
    "kade",
)
_TOWN_LINE = re.compile(
    r"(?:[A-Z]{1,2}[- ])?\d{4,5}(?: ?[A-Z]{2})?,? [A-ZÄÖÜÉÈÂ][\w'.-]+(?: [\w'./-]+)*"
    r"|[\w'., -]+,? [A-Z]{2},? \d{5}(?:-\d{4})?"
    r"|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}|[1-9]\d{3} [A-Z]{2}"
)
_INITIAL = re.compile(r"(?:[A-Z]\.[ -]?)+ ?[^\W\d_][\w'-]{2,}|[^\W\d_][\w'-]{2,},? (?:[A-Z]\.[ -]?)+")
_TWO_NAMES = re.compile(r"[^\W\d_a-z][\w'-]+, [^\W\d_a-z][\w'. -]+")
_HANDLE = re.compile(r"@[A-Za-z0-9_.]{3,30}")
_MAC = re.compile(r"(?:[0-9A-F]{2}[:-]){5}[0-9A-F]{2}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """Personal data among the values of a column: ``certain`` if they are common, otherwise some."""

    meaning: Meaning
    certain: bool


def personal_values(counts: Counter[str]) -> Found | None:
    """Return which personal data the values of a column of text are, or contain, judging by their form."""
    values = list(islice(counts, MOST))
    if not values:
        return None
    matches = {shape: sum(map(shape.fits, values)) for shape in _SHAPES}
    certain = [s for s, number in matches.items() if number >= max(s.fewest, s.share * len(values))]
    if certain:
        return Found(max(certain, key=lambda shape: matches[shape]).meaning, certain=True)
    named = [value for value in values if _names_a_person(value)]
    if len(named) >= _NAMED_SHARE * len(values):
        return Found(Meaning.NAME, certain=True)
    rare = next((shape for shape, number in matches.items() if number and shape.telling), None)
    if rare is not None:
        return Found(rare.meaning, certain=False)
    if any("@" in value and _EMAIL.search(value) for value in counts):
        return Found(Meaning.EMAIL, certain=False)
    if any(len(value.split()) > 1 for value in named):
        return Found(Meaning.NAME, certain=False)
    return None


def personal_numbers(numbers: Iterable[str]) -> Found | None:
    """Return which numbers of persons integers are, judging by their check digits."""
    values = list(islice(numbers, MOST))
    share = _VALID_SHARE if len(values) >= _MANY else 1.0
    if len(values) < _FEWEST:
        return None
    for meaning, valid in _CHECKED.items():
        if any(sum(map(check, values)) >= share * len(values) for check in valid):
            return Found(meaning, certain=True)
    return None


def is_person(header: str) -> bool:
    """Return whether the name of a column is personal data itself: a value that stands in the header."""
    if any(shape.telling and shape.fits(header) for shape in _SHAPES) or _is_phone(header):
        return True
    words = re.findall(r"[^\W\d_]+", header)
    unknown = all(word[0].isupper() for word in words) and not meanings_of(words_of(header))
    return len(words) > 1 and unknown and _names_a_person(header)


# -- Forms ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Shape:
    """A form of personal data.

    A column contains it if ``share`` of its different values, and at least ``fewest``, have it. One value
    of a ``telling`` form is enough to doubt.
    """

    meaning: Meaning
    fits: Callable[[str], bool]
    share: float = _CERTAIN_SHARE
    fewest: int = 1
    telling: bool = False


def _is_address(value: str) -> bool:
    words = re.findall(r"[^\W_]+", folded(value))
    if not 2 <= len(words) <= 12 or not any(word[0].isdigit() for word in words):
        return _TOWN_LINE.fullmatch(value.strip()) is not None
    streets = any(word in _STREETS or (len(word) > 6 and word.endswith(_STREET_ENDS)) for word in words)
    at_end = re.match(r"\d{1,5}[a-z]?\b", words[0]) or any(
        re.fullmatch(r"\d{1,4}[a-z]?", word) for word in words[1:]
    )
    return bool(streets and at_end and re.search(r"[^\W\d_]{3}", value)) or bool(
        _TOWN_LINE.fullmatch(value.strip())
    )


def _is_card(value: str) -> bool:
    digits = re.sub(r"[ -]", "", value)
    return _CARD.fullmatch(digits) is not None and bool(luhn.is_valid(digits))


def _is_ip(value: str) -> bool:
    if value.count(".") != 3 and value.count(":") < 2:
        return False
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _is_iban(value: str) -> bool:
    return re.match(r"[A-Za-z]{2}\d\d", value) is not None and bool(iban.is_valid(value))


def _is_identity_number(value: str) -> bool:
    """Return whether a value is a number of a person that contains letters or fixed separators."""
    plain = value.strip().upper()
    if _SSN.fullmatch(plain):
        return bool(ssn.is_valid(plain))
    if _NINO.fullmatch(plain):
        return True
    if not re.search("[A-Z]", plain):
        return re.search(r"\d[ ./-]\d", plain) is not None and any(
            check(plain) for check in (nir.is_valid, nn.is_valid, ahv.is_valid)
        )
    if len(plain) == 16:
        return bool(codicefiscale.is_valid(plain))
    return 9 <= len(plain) <= 12 and bool(dni.is_valid(plain) or nie.is_valid(plain))


def _is_plate(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda value: pattern.fullmatch(value.strip()) is not None


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda value: pattern.fullmatch(value.strip()) is not None


def _is_phone(value: str) -> bool:
    digits = sum(letter.isdigit() for letter in value)
    plain = value.strip()
    return 7 <= digits <= 15 and _PHONE.fullmatch(plain) is not None and _DATE.fullmatch(plain) is None


def _names_a_person(value: str) -> bool:
    """Return whether a text is short and has a title or a given name at its beginning or end."""
    if len(value) > 60 or any(letter.isdigit() for letter in value):
        return False
    words = re.findall(r"[^\W\d_]+", folded(value))
    if not 1 <= len(words) <= 5:
        return False
    if len(words) > 1 and words[0] in TITLES and re.match(r"\w+\.? ", value):
        return True
    return words[0] in GIVEN_NAMES or words[-1] in GIVEN_NAMES or (len(words) > 2 and words[1] in GIVEN_NAMES)


_SHAPES = (
    _Shape(Meaning.EMAIL, _matches(_EMAIL), telling=True),
    _Shape(Meaning.BANK, _is_iban, telling=True),
    _Shape(Meaning.OFFICIAL, _is_identity_number, telling=True),
    _Shape(Meaning.CARD, _is_card, telling=True),
    _Shape(Meaning.PHONE, _is_phone),
    _Shape(Meaning.DEVICE, _is_ip, telling=True),
    _Shape(Meaning.DEVICE, _matches(_MAC), telling=True),
    _Shape(Meaning.COORDINATE, _matches(_COORDINATES)),
    _Shape(Meaning.ADDRESS, _is_address),
    _Shape(Meaning.NAME, _matches(_INITIAL)),
    _Shape(Meaning.NAME, _matches(_TWO_NAMES), share=0.5, fewest=3),
    _Shape(Meaning.VIN, _matches(_VIN)),
    _Shape(Meaning.USER, _matches(_HANDLE), fewest=3),
    _Shape(Meaning.BANK, lambda value: bool(bic.is_valid(value.strip())), share=0.8, fewest=5),
    *(_Shape(Meaning.PLATE, _is_plate(pattern), share=0.6, fewest=3) for pattern in _PLATES.values()),
)

_CHECKED: Mapping[Meaning, tuple[Callable[[str], bool], ...]] = {
    Meaning.OFFICIAL: (
        *(module.is_valid for module in (idnr, nir, nn, ahv, vnr)),
        lambda value: len(value) in (8, 9) and bool(bsn.is_valid(value)),
    ),
    Meaning.CARD: (_is_card,),
}
