"""Forms of texts that no logical type reads: amounts with a sign, worded dates, several values in a cell.

Notes never quote a value, because it may be a person's.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from functools import partial

from claimwatch.domain.contract.contract import LogicalType
from claimwatch.domain.contract.date_inference import dates, sentinels
from claimwatch.domain.contract.type_inference import infer_type

_MOST = 0.8
"""Share of the values that have a form before a note is made of it."""

_MANY = 0.5
"""Share of the cells that hold several values, or have a type, before a note is made of it."""

_LEAST_TRIED, _MOST_TRIED = 3, 2_000
"""Distinct values of a column whose type is inferred one by one."""

_WORDS_OF_PART = 3
"""Words of a value in a cell with several values; prose has more between two semicolons."""

_BLANKS = r"[\s\u00a0\u202f]*"
_MINUS = "\u2212\u2013-"
"""Minus, dash and, last within brackets of a pattern, hyphen."""

_CURRENCY = (
    r"[€$£¥₹฿₽₺₴₫₪₩¢]|(?:US|C|A|R|NZ|HK)\$|EUR|USD|CHF|GBP|JPY|SEK|NOK|DKK|PLN|CZK|HUF|CAD|AUD|BRL|"
    r"MXN|INR|CNY|ZAR|TRY|RUB|Euros?|Fr\.|kr\.?|zł|Kč"
)
_UNIT = (
    r"km/h|mph|km|mi|miles?|m|cm|mm|m2|m²|qm|ft|kg|g|t|lbs?|l|h|hrs?|hours?|min|s|sec|d|days?|Tage?|"
    r"jours?|días?|giorni|dagen|weeks?|months?|Monate?|mois|meses|mesi|years?|yrs?|Jahre?|ans|años|"
    r"anni|jaar|PS|hp|CV|kWh|kW|ccm|cm3|cm³|°C?|Stück|Stk\.?|pcs|Mio\.?|Tsd\.?|Mrd\.?|mln|k|K|M"
)
_DECORATED = re.compile(
    rf"(?P<open>\()?(?P<sign>[+{_MINUS}] ?)?(?P<before>(?:{_CURRENCY}){_BLANKS})?(?P<inner>[+{_MINUS}] ?)?"
    r"\d(?:[\d.,'\u2019\u00a0\u202f ]*\d)?"
    rf"(?P<dash>,-|,--|\.-)?{_BLANKS}(?P<percent>[%‰])?(?P<after>{_CURRENCY})?(?P<unit>{_UNIT})?"
    rf"{_BLANKS}(?P<minus>[{_MINUS}]|CR|DR)?(?P<close>\))?"
)
_EXPONENT = re.compile(r"[+-]?\d(?:[.,]\d+)?[eE]\+\d{2}", re.ASCII)
_DECIMAL_ZERO = re.compile(r"[+-]?\d+\.0", re.ASCII)
_LEADING_ZERO = re.compile(r"0\d+", re.ASCII)
_DIGITS_ONLY = re.compile(r"\d+", re.ASCII)
_WRAPPED = re.compile(r"'\d[\d.,]*|=?\"[^\"]*\"")
_TIME = re.compile(
    r"\d{1,2}[:.h]\d{2}(?:[:.]\d{2}(?:[.,]\d+)?)?(?: ?[AaPp]\.?[Mm]\.?)?|\d{1,2} ?(?:h|Uhr)", re.ASCII
)
_MONTH_NAMES = (
    "january|february|march|april|may|june|july|august|september|october|november|december|sept|"
    "januar|februar|märz|maerz|mai|juni|juli|oktober|dezember|jänner|mrz|janvier|février|fevrier|"
    "mars|avril|juin|juillet|août|aout|septembre|octobre|novembre|décembre|decembre|enero|febrero|"
    "marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|gennaio|febbraio|"
    "aprile|maggio|giugno|luglio|settembre|ottobre|dicembre|januari|februari|maart|mei|augustus|mrt|"
    "jan|janv|ene|gen|feb|févr|fev|mär|mar|apr|avr|abr|mag|jun|giu|jul|juil|lug|aug|ago|sep|set|oct|"
    "okt|ott|nov|dec|dez|déc|dic"
)
_PERIOD = re.compile(
    r"\d{4}[-/.]?(?:0[1-9]|1[0-2])|(?:0?[1-9]|1[0-2])[-/.]\d{4}"
    r"|\d{4}-W\d{2}(?:-\d)?|\d{4}[- ]?(?:Q[1-4]|[WK]W?\d{1,2})"
    rf"|(?:Q[1-4]|[KC]?W ?\d{{1,2}})[-/ ]\d{{2,4}}|(?:{_MONTH_NAMES})\.?[-/ ]\d{{2,4}}",
    re.IGNORECASE,
)
_WORDED_DATE = re.compile(
    r"(?:\w+,? )?\d{1,2}(?:\.|er|º|th|st|nd|rd)?[-/. ]*(?:de )?"
    rf"(?:{_MONTH_NAMES})\.?,?[-/. ]*(?:de |del )?\d{{2,4}}\b.*"
    rf"|(?:{_MONTH_NAMES})\.? \d{{1,2}}(?:th|st|nd|rd)?,? \d{{4}}\b.*",
    re.IGNORECASE,
)
_ANY_DATE = re.compile(
    r"(?:\d{4}[-/. ](?:\d{1,2}|[A-Za-z]{3,9})[-/. ]\d{1,2}|"
    r"\d{1,2}[-/. ](?:\d{1,2}|[A-Za-z]{3,9})[-/. ](?:\d{4}|\d{2}))(?:[T ,:].*)?"
    r"|[A-Za-z]{3} [A-Za-z]{3} \d{1,2} .*\d{4}.*|/Date\(-?\d+.*\)/"
)
_TRUTHS = frozenset(
    {
        *("yes", "no", "y", "n", "true", "false", "t", "f", "on", "off", "0", "1"),
        *("-1", "x", "ja", "nein", "j", "wahr", "falsch", "ja.", "nein.", "oui", "non", "o", "vrai", "faux"),
        *("si", "sí", "s", "verdadero", "falso", "vero", "v", "nee", "waar", "onwaar", "sim", "não"),
        *("nao", "tak", "nie", "✓", "✔", "✗", "✘", "☑", "☐"),
    }
)
_SEVERAL = ((";", "semicolons"), ("|", "bars"), ("\t", "tabs"), ("^", "carets"), ("~", "tildes"))
_LIST = re.compile(r"[^,\s]+(?:,[^,\s]+)+")
_GROUPED = re.compile(r"-?(?:0|[1-9]\d{0,2})(?:[.,' ]\d{2,4})+", re.ASCII)
"""Digits in groups that do not begin as a telephone number does."""


def text_note(counts: Counter[str], *, all_present: bool) -> str | None:
    """Return a note on what texts look like, without its full stop, or None if they look like words.

    ``all_present`` means that no cell is empty.
    """
    truth = partial(_truth, all_present=all_present)
    looks = (
        *(_mixed_dates, _odd_groups, _several, _nested, _worded_dates, truth, _wrapped, _decorated, _times),
        *(_periods, _digits, _mostly),
    )
    return next((note for look in looks if (note := look(counts))), None)


def is_quantity(counts: Counter[str]) -> bool:
    """Return whether texts look like amounts, durations or months, or like yes and no."""
    looks = (partial(_truth, all_present=True), _decorated, _times, _periods)
    return any(look(counts) for look in looks)


def decimal_zeros(counts: Counter[str]) -> bool:
    """Return whether all values are whole numbers that end in .0."""
    return all(map(_DECIMAL_ZERO.fullmatch, counts))


def exponents(counts: Counter[str]) -> bool:
    """Return whether some values are numbers as a spreadsheet shows long ones: 1.2E+15."""
    return any(map(_EXPONENT.fullmatch, counts))


def months(counts: Counter[str]) -> bool:
    """Return whether all values are months without a day."""
    return all(map(_PERIOD.fullmatch, counts))


def _share(counts: Counter[str], fits: Callable[[str], object]) -> float:
    return sum(count for value, count in counts.items() if fits(value)) / counts.total()


def _mixed_dates(counts: Counter[str]) -> str | None:
    """Return a note on dates in several orders of day and month, or in several forms."""
    if _share(counts, _ANY_DATE.fullmatch) < _MOST:
        return None
    if len(sentinels(counts)) == len(counts):
        return "all dates mean no date or no end, so they stay text: if later files have others, write date"
    read, number = sum(count for value, count in counts.items() if dates([value])), counts.total()
    if read == number:
        return "looks like dates in several forms or orders, so they stay text: send one form"
    if read < _MOST * number and _share(counts, _WORDED_DATE.fullmatch) >= _MOST:
        return _worded_dates(counts)
    some = f"only {read} of {number}" if read else "none"
    return f"looks like dates, of which {some} can be read, so they stay text: send them as 2026-03-14"


def _worded_dates(counts: Counter[str]) -> str | None:
    if _share(counts, _WORDED_DATE.fullmatch) < _MOST:
        return None
    return "looks like dates with names of months that are not read, so they stay text: send 2026-03-14"


def _truth(counts: Counter[str], *, all_present: bool) -> str | None:
    words = {value.casefold() for value in counts}
    if not words <= _TRUTHS or len(words) > 8 or words <= {"0", "1", "-1"}:
        return None
    if len(words) == 1 and not all_present:
        return "there is one word or nothing: it may mean yes; as text, it is a category"
    if len(words) == 1:
        return None
    return "looks like yes and no: for logicalType boolean, name the words in trueValues and falseValues"


def _wrapped(counts: Counter[str]) -> str | None:
    if _share(counts, _WRAPPED.fullmatch) < _MOST:
        return None
    return "the values carry quotes or an apostrophe of a spreadsheet, which stay part of the text"


def _decorated(counts: Counter[str]) -> str | None:
    kinds: dict[str, bool] = {}
    fitting = 0
    for value, count in counts.items():
        found = _DECORATED.fullmatch(value)
        if found is None or bool(found["open"]) != bool(found["close"]):
            continue
        fitting += count
        typographic = found["inner"] or (found["sign"] and found["sign"] not in ("+", "-"))
        for kind, has in (
            ("a currency", found["before"] or found["after"] or found["dash"]),
            ("a percent sign", found["percent"]),
            ("a unit", found["unit"]),
            ("brackets for a minus", found["open"]),
            ("a minus behind", found["minus"]),
            ("a sign apart or in typography", typographic),
        ):
            kinds[kind] = kinds.get(kind, False) or bool(has)
    seen = [kind for kind, has in kinds.items() if has]
    if not seen or fitting < _MOST * counts.total():
        return None
    return (
        f"looks like a number with {' and '.join(seen)}: as text, it is a category of {len(counts)} values;"
        " send plain numbers"
    )


def _times(counts: Counter[str]) -> str | None:
    if _share(counts, _TIME.fullmatch) < _MOST:
        return None
    return "looks like times of day or durations, which stay text: join a time with its date in one column"


def _periods(counts: Counter[str]) -> str | None:
    if _share(counts, _PERIOD.fullmatch) < _MOST:
        return None
    return "looks like months, quarters or weeks without a day, which stay text: send whole dates"


def _several(counts: Counter[str]) -> str | None:
    for sign, name in _SEVERAL:
        if _share(counts, partial(_is_list, sign=sign)) >= _MANY:
            return (
                f"cells hold several values between {name}: as text, each combination is a value of its own"
            )
    if _decorated(counts) or _mostly(counts):
        return None
    listed = max(_share(counts, _LIST.fullmatch), _share(counts, _is_long_list))
    if listed >= _MANY or _has_few_parts(counts):
        return "cells hold several values between commas: as text, each combination is one value"
    return None


def _is_list(value: str, *, sign: str) -> bool:
    """Return whether a text is a list of words and not prose with this sign."""
    parts = value.split(sign)
    return len(parts) > 1 and len(value.split()) <= _WORDS_OF_PART * len(parts)


def _is_long_list(value: str) -> bool:
    """Return whether a text has several commas and little between them; a name may have one."""
    return value.count(",") > 1 and _is_list(value, sign=",")


def _has_few_parts(counts: Counter[str]) -> bool:
    """Return whether texts combine a few uncapitalised words with commas: door, hood."""
    lists = [re.split(", ?", value) for value in counts if "," in value]
    parts = {part for each in lists for part in each}
    return (
        _share(counts, lambda value: "," in value) >= _MANY
        and len(parts) < len(lists)
        and all(part[:1].islower() for part in parts)
    )


def _odd_groups(counts: Counter[str]) -> str | None:
    if _share(counts, _GROUPED.fullmatch) < _MOST:
        return None
    return "looks like numbers with separators at unusual places, so they stay text: send plain numbers"


def _nested(counts: Counter[str]) -> str | None:
    if _share(counts, _is_nested) < _MANY:
        return None
    return "cells hold JSON or XML with values of their own, which stay one text: send each value as a column"


def _is_nested(value: str) -> bool:
    if re.match(r"<[?!]?[A-Za-z]", value) and value.endswith(">"):
        return True
    if value[:1] not in ("{", "["):
        return False
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return value[-1:] in ("}", "]")
    return True


def _digits(counts: Counter[str]) -> str | None:
    if exponents(counts) and _share(counts, lambda value: value[:1].isdigit()) >= _MOST:
        return "some values are like 1.2E+15: a spreadsheet cut their digits; export the column as text"
    if _share(counts, _DECIMAL_ZERO.fullmatch) >= _MOST:
        return "the values end in .0: a program wrote whole numbers as decimals; send them without .0"
    if all(map(_DIGITS_ONLY.fullmatch, counts)):
        if any(map(_LEADING_ZERO.fullmatch, counts)):
            return "digits with leading zeros, which a number would lose, so they stay text"
        if max(map(len, counts)) > 15:
            return "more digits than a spreadsheet keeps; check that they do not end in zeros"
    return None


def _mostly(counts: Counter[str]) -> str | None:
    """Return a note if most values have a type that some have not."""
    ordered = counts.most_common()
    # The most frequent values, and others, each of which stands for several.
    often, rare = ordered[: _MOST_TRIED // 2], ordered[_MOST_TRIED // 2 :]
    step = max(1, -(-len(rare) // (_MOST_TRIED // 2)))
    tried = [*often, *((value, step * count) for value, count in rare[::step])]
    total = sum(count for _, count in tried)
    if total < _LEAST_TRIED:
        return None
    read: Counter[str] = Counter()
    for value, count in tried:
        read[_KINDS.get(infer_type([value]).logical_type, "")] += count
    for what in dict.fromkeys(_KINDS.values()):
        if read[what] == total and infer_type(counts).logical_type is LogicalType.STRING:
            return f"the values are {what} in several forms, so they stay text: send one form"
        if _MANY * total <= read[what] < total:
            share = (
                f"{read[what]} of {total}"
                if len(tried) == len(counts)
                else f"{read[what] / total:.0%} of the"
            )
            return f"{share} values are {what} and the others are not, so all stay text"
    return None


_KINDS = {
    LogicalType.INTEGER: "numbers",
    LogicalType.NUMBER: "numbers",
    LogicalType.DATE: "dates",
    LogicalType.TIMESTAMP: "dates",
}
