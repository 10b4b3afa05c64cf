"""Type inference: a column's type, its notation, and its tokens for missing values, from sample cells."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache

from claimwatch.domain.contract.contract import NUMERIC, LogicalType
from claimwatch.domain.contract.date_inference import Dates, dates, sentinels
from claimwatch.domain.contract.number_signs import NO_SIGNS, Signs, unsigned

MISSING = (
    *("?", "NA", "N/A", "n/a", "#N/A", "null", "NULL", "Null", "(null)", "\\N", "NaN", "nan", "-", "--"),
    *("<NA>", "NaT", "<null>", "[NULL]"),
)
"""Tokens that mean a missing value wherever they fill a cell."""

MISSING_AMONG_TYPED = frozenset(
    {
        *("none", "nil", "unknown", "missing", "not available", "not applicable", "n.a.", "na", "n/a"),
        *("null", "nan", "tbd", "tba", "blank", "(blank)", "empty", ".", "*", "---", "n.d.", "n/d", "s/d"),
        *("k.a.", "k. a.", "unbekannt", "keine", "keine angabe", "nicht bekannt", "inconnu", "inconnue"),
        *("non connu", "desconocido", "desconocida", "sconosciuto", "non disponibile", "onbekend", "geen"),
        # What spreadsheets write instead of a result.
        *("#value!", "#ref!", "#div/0!", "#name?", "#num!", "#null!", "#n/a", "#wert!", "#bezug!", "#nv"),
    }
)
"""Tokens, in lower case, that mean a missing value only if all other cells are numbers, dates or booleans."""

MAX_CATEGORIES = 30
"""Maximum number of values in a proposed enumeration."""

_LEAST_DIGITS = 7
"""Digits of the shortest telephone number; codes and ranges of ages have fewer."""

TRUE_WORDS = frozenset({"true", "t", "yes", "y", "1"})
FALSE_WORDS = frozenset({"false", "f", "no", "n", "0"})
"""Words that the loader reads as true and as false."""

TRUE_ELSEWHERE = frozenset(
    {"ja", "j", "wahr", "oui", "vrai", "si", "sí", "verdadero", "vero", "waar", "sim", "tak", "on"}
)
FALSE_ELSEWHERE = frozenset(
    {"nein", "falsch", "non", "faux", "falso", "nee", "onwaar", "não", "nao", "nie", "off"}
)
"""Words for yes and no in other languages. Of single letters only j: o and s are directions, too."""

_SIGN = r"[+-]?"
_SEPARATORS = (  # of decimals and of thousands; the first pair that fits all values is used
    (".", ""),
    (".", ","),
    (",", ""),
    (",", "."),
    *((decimal, blank) for blank in (" ", "'", "\u00a0", "\u202f", "\u2019") for decimal in (".", ",")),
)


@dataclass(frozen=True)
class Values:
    """Description of a column's values; ``number`` of them are not missing.

    ``other_reading`` explains an ambiguity in words. ``few`` are the distinct values, most frequent first, if
    there are few and the sample probably contains all of them.
    """

    number: int
    missing: int
    logical_type: LogicalType
    missing_tokens: tuple[str, ...] = ()
    own_missing_tokens: tuple[str, ...] = ()
    dates: Dates | None = None
    decimal_separator: str = "."
    thousands_separator: str = ""
    signs: Signs = NO_SIGNS
    true_words: tuple[str, ...] = ()
    false_words: tuple[str, ...] = ()
    other_reading: str = ""
    distinct: int = 0
    few: tuple[str, ...] = ()
    numbers: tuple[Decimal, ...] = field(default=(), repr=False)
    negative: int = 0
    average_length: float = 0.0
    counts: Counter[str] = field(default_factory=Counter, repr=False)

    @property
    def least(self) -> Decimal | None:
        """The smallest number."""
        return min(self.numbers, default=None)

    @property
    def most(self) -> Decimal | None:
        """The largest number."""
        return max(self.numbers, default=None)

    @property
    def date_formats(self) -> tuple[str, ...]:
        """The strptime formats of dates; those of ISO 8601 need none."""
        return self.dates.formats if self.dates else ()


def infer_type(
    cells: Iterable[str], *, decimal_comma: bool = False, day_first: bool = False, dated: bool = False
) -> Values:
    """Infer the type of a column from its cells.

    ``decimal_comma`` and ``day_first`` decide how ambiguous numbers and dates are read. ``dated`` means that
    whole numbers may be dates: 20260314.
    """
    raw = Counter(cells)
    counts: Counter[str] = Counter()
    for cell, count in raw.items():
        counts[cell.strip()] += count
    empty = counts.pop("", 0)
    tokens = tuple(token for token in MISSING if token in counts)
    empty += sum(counts.pop(token) for token in tokens)
    weak = tuple(value for value in counts if value.casefold() in MISSING_AMONG_TYPED)
    for own in dict.fromkeys(((*weak, *sentinels(counts)), weak)):
        rest = Counter({value: count for value, count in counts.items() if value not in own})
        typed = _date(list(rest), day_first) if dated else _typed(rest, decimal_comma, day_first)
        # A sentinel is one only among dates; among numbers it may be any number.
        if typed is not None and (typed.dates or own == weak):
            missing = empty + sum(counts[token] for token in own)
            # The loader compares whole cells, so blanks around a token are part of it.
            same = {"", *tokens, *own}
            padded = tuple(
                cell for cell in raw if cell not in same and cell.strip() in same and cell.isprintable()
            )
            return _described(typed, rest, missing, tokens, (*own, *padded))
    return _described(_Typed(LogicalType.STRING), counts, empty, tokens, ())


def is_value(text: str) -> bool:
    """Return whether a text is a date, an e-mail address, a number or a telephone number: no column's name.

    Years and other short whole numbers are possible names.
    """
    text = text.strip()
    if re.fullmatch(r"[^@\s]+@[^@\s]+", text) or _is_telephone_number(text):
        return True
    kind = infer_type([text]).logical_type
    return kind not in (LogicalType.STRING, LogicalType.BOOLEAN) and not re.fullmatch(r"\d{1,4}", text)


def _is_telephone_number(text: str) -> bool:
    return re.fullmatch(r"[\d\s()+./-]+", text) is not None and len(re.findall(r"\d", text)) >= _LEAST_DIGITS


@dataclass(frozen=True)
class _Typed:
    logical_type: LogicalType
    dates: Dates | None = None
    decimal_separator: str = "."
    thousands_separator: str = ""
    signs: Signs = NO_SIGNS
    plain: Mapping[str, str] | None = None
    """The numbers without units and with their sign in front."""
    true_words: tuple[str, ...] = ()
    false_words: tuple[str, ...] = ()
    other_reading: str = ""


def _described(
    typed: _Typed, counts: Counter[str], missing: int, tokens: tuple[str, ...], weak: tuple[str, ...]
) -> Values:
    number = counts.total()
    numbers: list[tuple[Decimal, int]] = []
    if typed.logical_type in NUMERIC:
        numbers = [(_decimal(value, typed), count) for value, count in counts.items()]
    # Good-Turing: the share of unseen values is about the share of values seen once.
    complete = 0 < len(counts) <= MAX_CATEGORIES and min(counts.values()) > 1
    categories = sorted(counts, key=lambda value: (-counts[value], value)) if complete else []
    return Values(
        number=number,
        missing=missing,
        logical_type=typed.logical_type,
        missing_tokens=tokens,
        own_missing_tokens=weak,
        dates=typed.dates,
        decimal_separator=typed.decimal_separator,
        thousands_separator=typed.thousands_separator,
        signs=typed.signs,
        true_words=typed.true_words,
        false_words=typed.false_words,
        other_reading=typed.other_reading,
        distinct=len(counts),
        few=tuple(categories) if typed.logical_type is LogicalType.STRING else (),
        numbers=tuple(value for value, _ in numbers),
        negative=sum(count for value, count in numbers if value < 0),
        average_length=sum(len(value) * count for value, count in counts.items()) / number if number else 0.0,
        counts=counts,
    )


def _typed(counts: Counter[str], decimal_comma: bool, day_first: bool) -> _Typed | None:
    """Return the type other than string that all values have, or None."""
    if not counts:
        return None
    values = list(counts)
    return (
        _boolean(values)
        or _number(values, decimal_comma)
        or _date(values, day_first)
        or _signed_number(values, decimal_comma)
    )


def _boolean(values: Sequence[str]) -> _Typed | None:
    words = {value.casefold() for value in values}
    own = words & TRUE_ELSEWHERE, words & FALSE_ELSEWHERE
    if any(own) and words <= TRUE_WORDS | FALSE_WORDS | own[0] | own[1]:
        if words & (TRUE_WORDS | own[0]) and words & (FALSE_WORDS | own[1]):
            return _Typed(
                LogicalType.BOOLEAN, true_words=tuple(sorted(own[0])), false_words=tuple(sorted(own[1]))
            )
        return None
    alone = words in ({"true"}, {"false"}, {"yes"}, {"no"})
    both = words <= TRUE_WORDS | FALSE_WORDS and words & TRUE_WORDS and words & FALSE_WORDS
    if alone or (both and not words <= {"0", "1"}):
        return _Typed(LogicalType.BOOLEAN)
    return None


def _number(values: Sequence[str], decimal_comma: bool) -> _Typed | None:
    if any(re.fullmatch(rf"{_SIGN}0\d+", value, re.ASCII) for value in values):
        return None  # a code: as a number it would lose its leading zeros
    fitting = [pair for pair in _SEPARATORS if all(map(_pattern(*pair).fullmatch, values))]
    if not fitting:
        return None
    preferred = [pair for pair in fitting if (pair[0] == ",") == decimal_comma]
    decimal, thousands = (preferred or fitting)[0]
    whole = all(re.fullmatch(rf"{_SIGN}\d+", _plain(value, decimal, thousands), re.ASCII) for value in values)
    if whole and max(len(value) for value in values) > 18:
        return None
    unclear = next((value for value in values if len({_plain(value, *pair) for pair in fitting}) > 1), None)
    other = ""
    if unclear:
        marks = {mark for pair in fitting for mark in pair}
        example = f"1{next(letter for letter in unclear if letter in marks)}234"  # no value of the file
        other = f"numbers like '{example}' are read as {_plain(example, decimal, thousands)}"
    return _Typed(
        LogicalType.INTEGER if whole else LogicalType.NUMBER,
        decimal_separator=decimal,
        thousands_separator=thousands,
        other_reading=other,
    )


def _signed_number(values: Sequence[str], decimal_comma: bool) -> _Typed | None:
    """Return the type of numbers with a unit, in brackets, or with a minus behind."""
    found = unsigned(values)
    typed = _number(list(found.numbers.values()), decimal_comma) if found else None
    if found is None or typed is None:
        return None
    return replace(typed, logical_type=LogicalType.NUMBER, signs=found.signs, plain=found.numbers)


@cache
def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    """Return a pattern of numbers with these separators."""
    point = re.escape(decimal)
    exponent = r"(?:[eE][+-]?\d{1,2})?" if decimal == "." and not thousands else ""
    digits = rf"(?:\d+|[1-9]\d{{0,2}}(?:{re.escape(thousands)}\d{{3}})+)" if thousands else r"\d+"
    return re.compile(rf"{_SIGN}(?:{digits}(?:{point}\d*)?|{point}\d+){exponent}", re.ASCII)


def _plain(value: str, decimal: str, thousands: str) -> str:
    bare = value.replace(thousands, "") if thousands else value
    return bare.replace(decimal, ".")


def _decimal(value: str, typed: _Typed) -> Decimal:
    text = typed.plain[value] if typed.plain else value
    return Decimal(_plain(text, typed.decimal_separator, typed.thousands_separator))


def _date(values: Sequence[str], day_first: bool) -> _Typed | None:
    found = dates(values, day_first=day_first) if values else None
    if found is None:
        return None
    assumed = found.order.removesuffix("?") if found.order.endswith("?") else ""
    other = f"no day above 12 decides, so it is assumed that the {assumed} comes first" if assumed else ""
    kind = LogicalType.TIMESTAMP if found.timed else LogicalType.DATE
    return _Typed(kind, dates=found, other_reading=other)
