"""Signs around numbers in sample cells: units, brackets, and a minus behind the digits."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from claimwatch.domain.contract.contract import NegativeNumbers

_GAP = r"[\s\u00a0\u202f\u2009]*"
_MINUS = "\u2212-"
_UNIT = r"[^\d\s+\u2212()\-.,'_\u2019](?:[^\d+\u2212()-]{0,8}[^\d\s+\u2212()\-.,'_\u2019])?"
_SIGNED = re.compile(
    rf"(?P<open>\({_GAP})?(?:(?P<before>{_UNIT}){_GAP})?(?P<sign>[+{_MINUS}])?{_GAP}(?:(?P<inner>{_UNIT}){_GAP})?"
    r"(?P<digits>\d(?:[\d.,'_\u2019\u00a0\u202f\u2009 ]*\d)?)"
    rf"{_GAP}(?P<after>{_UNIT})?{_GAP}(?P<behind>[{_MINUS}])?(?P<close>{_GAP}\))?"
)
_CURRENCY = (
    r"[€$£¥₹₽₺₴₫₪₩¢]|[A-Z]{1,3}\$|EUR|USD|CHF|GBP|JPY|SEK|NOK|DKK|PLN|CZK|HUF|CAD|AUD|NZD|BRL|MXN|INR|CNY"
    r"|ZAR|TRY|Euros?|euros?|kr|kr\.|zł|Kč"
)
_BEFORE = re.compile(_CURRENCY)
_AFTER = re.compile(
    rf"{_CURRENCY}|[%‰]|km|mi|miles|m2|m²|qm|cm|kg|kWh|kW|PS|hp|ccm|cm3|cm³|km/h|mph|°C|min|years|days"
)
"""Units that a number may have in a draft. Other words around digits may be part of a code or a name."""


@dataclass(frozen=True)
class Signs:
    """What surrounds the numbers of a column: one unit or none, and ways to write negative numbers."""

    unit: str = ""
    negatives: tuple[NegativeNumbers, ...] = ()


NO_SIGNS = Signs()


@dataclass(frozen=True)
class Unsigned:
    """The numbers of a column without what surrounds them, with a minus in front if they are negative."""

    signs: Signs
    numbers: dict[str, str]


def unsigned(values: Iterable[str]) -> Unsigned | None:
    """Return the numbers in texts that all are numbers with the same unit or signs, or None."""
    units: set[str] = set()
    negatives: dict[NegativeNumbers, None] = {}
    numbers: dict[str, str] = {}
    for value in values:
        found = _SIGNED.fullmatch(value)
        if found is None or bool(found["open"]) != bool(found["close"]):
            return None
        before, after = found["before"] or found["inner"], found["after"]
        known = (not before or _BEFORE.fullmatch(before)) and (not after or _AFTER.fullmatch(after))
        minuses = [found["open"], found["sign"], found["behind"]]
        if (
            not known
            or sum(map(bool, (found["before"], found["inner"], after))) > 1
            or sum(map(bool, minuses)) > 1
        ):
            return None
        units |= {before or after} - {None}
        if found["open"]:
            negatives[NegativeNumbers.BRACKETS] = None
        if found["behind"]:
            negatives[NegativeNumbers.TRAILING] = None
        negative = found["open"] or found["behind"] or found["sign"] in ("-", "\u2212")
        numbers[value] = f"{'-' if negative else ''}{found['digits']}"
    if len(units) > 1 or not (units or negatives):
        return None
    return Unsigned(Signs("".join(units), tuple(negatives)), numbers)
