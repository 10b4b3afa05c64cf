"""Notation of values in a contract in ODCS: separators, units, words and date formats."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from claimwatch.domain.contract.contract import NegativeNumbers
from claimwatch.domain.contract.date_formats import format_problem
from claimwatch.domain.contract.strict_yaml import YamlValue

SHARED_PROPERTIES = (
    "missingValues",
    "dateFormat",
    "decimalSeparator",
    "thousandsSeparator",
    "negativeNumbers",
    "trueValues",
    "falseValues",
)
"""Custom properties that a contract can have for all its columns, and a column for itself."""

_THOUSANDS = ("", ",", ".", " ", "'", "_", "\u00a0", "\u202f", "\u2009", "\u2019")
_UNIT = re.compile(r"[^\d\s+\u2212()\-.,'_\u2019](?:[^\d+\u2212()-]{0,18}[^\d\s+\u2212()-])?")
_FACTORS = frozenset(
    {"k", "K", "M", "MM", "Mio", "Mio.", "Mrd", "Mrd.", "Tsd", "Tsd.", "mn", "mln", "bn", "lakh", "crore"}
    | {"k€", "K€", "T€", "M€", "kEUR", "TEUR", "TCHF", "k$", "K$", "M$", "\u2030"}
)
"""Units that change the number; they would be ignored."""
_NUMBER_SIGNS = frozenset("eE.,'_\u2019")


@dataclass(frozen=True)
class Shared:
    """Settings that a contract makes once for all its columns."""

    missing_values: tuple[str, ...] = ()
    date_formats: tuple[str, ...] = ()
    decimal_separator: str = "."
    thousands_separator: str = ""
    negatives: tuple[NegativeNumbers, ...] = ()
    true_words: tuple[str, ...] = ()
    false_words: tuple[str, ...] = ()


def read_tokens(value: YamlValue, place: str, problems: list[str]) -> tuple[str, ...]:
    """Return a list of texts, or a single text as a list, without empty texts."""
    texts = value if isinstance(value, list) else [value]
    if not all(text is None or isinstance(text, str) for text in texts):
        problems.append(f"{place} must be a list of texts")
        return ()
    return tuple(dict.fromkeys(str(text) for text in texts if text))


def read_date_formats(
    value: YamlValue, place: str, problems: list[str], *, with_time: bool
) -> tuple[str, ...]:
    """Return formats of strptime, and report those that cannot be used."""
    formats = read_tokens(value, f"{place}dateFormat", problems)
    problems += [
        f"{place}dateFormat '{form}' {problem}"
        for form in formats
        if (problem := format_problem(form, with_time=with_time))
    ]
    return formats


def read_separators(
    default: tuple[str, str], custom: Mapping[str, YamlValue], place: str, problems: list[str]
) -> tuple[str, str]:
    """Return the decimal and the thousands separator."""
    decimal = str(custom.get("decimalSeparator") or default[0])
    thousands = str(custom["thousandsSeparator"] or "") if "thousandsSeparator" in custom else default[1]
    if decimal not in (".", ","):
        problems.append(f"{place}decimalSeparator '{decimal}' is neither '.' nor ','")
    if thousands not in _THOUSANDS:
        problems.append(f"{place}thousandsSeparator '{thousands}' is not one of . , ' _ and the blank")
    if decimal == thousands:
        problems.append(f"{place}'{decimal}' cannot separate both decimals and thousands; change one")
    return decimal, thousands


def read_units(custom: Mapping[str, YamlValue], place: str, problems: list[str]) -> tuple[str, ...]:
    """Return the units that may stand before or after a number."""
    units = read_tokens(custom.get("numberUnit"), f"{place}numberUnit", problems)
    problems += [
        f"{place}numberUnit '{unit}' is not a currency or unit such as EUR, % or km; correct it"
        for unit in units
        if not _UNIT.fullmatch(unit) or not unit.isprintable() or set(unit) <= _NUMBER_SIGNS
    ]
    problems += [
        f"{place}numberUnit '{unit}' multiplies the number, which would be ignored; export full numbers"
        for unit in units
        if unit in _FACTORS
    ]
    return units


def read_negatives(
    default: tuple[NegativeNumbers, ...], custom: Mapping[str, YamlValue], place: str, problems: list[str]
) -> tuple[NegativeNumbers, ...]:
    """Return how negative numbers may be written."""
    if "negativeNumbers" not in custom:
        return default
    words = read_tokens(custom["negativeNumbers"], f"{place}negativeNumbers", problems)
    unknown = [word for word in words if word not in list(NegativeNumbers)]
    problems += [
        f"{place}negativeNumbers '{word}' is unknown; write trailing for 150- or brackets for (150)"
        for word in unknown
    ]
    return tuple(NegativeNumbers(word) for word in words if word not in unknown)


def read_words(
    default: tuple[tuple[str, ...], tuple[str, ...]],
    custom: Mapping[str, YamlValue],
    place: str,
    problems: list[str],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words for true and for false, in lower case."""
    true, false = (
        tuple(word.strip().lower() for word in read_tokens(custom[name], f"{place}{name}", problems))
        if name in custom
        else words
        for name, words in zip(("trueValues", "falseValues"), default, strict=True)
    )
    problems += [
        f"{place}'{word}' is in both trueValues and falseValues; remove it from one of them"
        for word in true
        if word in false
    ]
    return true, false
