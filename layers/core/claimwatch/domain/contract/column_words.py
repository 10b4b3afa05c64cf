"""Words that tell identifiers and dates by the names of their columns, in six languages.

What a name says about persons and protected attributes is in `header_words`. The lists are apart because a
wrong word costs a column's role or a check line here, and the privacy of persons there.
"""

import re
from unicodedata import combining, normalize

_WORD = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![a-z])|\d+")

NUMBERED = {
    *(
        "id",
        "identifier",
        "number",
        "no",
        "nr",
        "num",
        "nbr",
        "ref",
        "reference",
        "key",
        "uuid",
        "guid",
        "nro",
    ),
    *("nummer", "kennung", "zeichen", "numero", "identifiant", "identificador", "identificativo"),
    *("kenmerk", "referenz", "referentie", "referencia", "riferimento", "clave", "sleutel"),
}
"""Words for numbers that identify something; accents are removed."""

CLAIM = {
    *("claim", "claims", "clm", "loss", "case", "notification", "fnol"),
    *("schaden", "schadens", "schadenfall", "schade", "fall", "vorgang", "vorgangs", "akte", "akten"),
    *("sinistre", "dossier", "siniestro", "expediente", "sinistro", "pratica"),
}
"""Words for claims."""

DATED = {
    *("date", "day", "dt", "dob", "datum", "tag", "fecha", "dia", "data", "giorno", "jour", "dag"),
    *("ts", "time", "timestamp", "datetime", "zeit", "moment", "when", "created", "reported", "occurred"),
}
"""Words for dates and times."""

_DATE_ENDINGS = ("date", "datum", "dt", "zeit", "tijd", "tag")


def _any_of(words: set[str]) -> str:
    return "|".join(sorted(words, key=lambda word: (-len(word), word)))


_CLAIM_NUMBER = re.compile(rf"({_any_of(CLAIM)})s?({_any_of(NUMBERED)})")


def words_of(title: str) -> tuple[str, ...]:
    """Return the words of a column's name in lower case."""
    return tuple(word.lower() for word in _WORD.findall(title))


def plain_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return words without accents, and those that are written together apart: casenum is case and num."""
    found: list[str] = []
    for word in words:
        bare = "".join(
            letter for letter in normalize("NFKD", word.replace("\u00b0", "o")) if not combining(letter)
        )
        parts = _CLAIM_NUMBER.fullmatch(bare)
        found += parts.groups() if parts else [bare]
    return tuple(found)


def names_a_number(words: tuple[str, ...]) -> bool:
    """Return whether plain words name a number that identifies something: claim no, num sinistre."""
    if not words:
        return False
    first_of_claim = len(words) > 1 and words[0] in NUMBERED | {"n"} and bool(set(words[1:]) & CLAIM)
    return words[-1] in NUMBERED or (first_of_claim and not {"of", "claims"} & set(words))


def names_a_date(words: tuple[str, ...]) -> bool:
    """Return whether plain words name a date or a time."""
    return bool(set(words) & DATED) or any(word.endswith(_DATE_ENDINGS) for word in words)
