"""Explanations why a text is not a value of a column's type. They say what to do, and quote nothing."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from claimwatch.domain.contract.contract import Column, LogicalType, NegativeNumbers
from claimwatch.domain.contract.date_formats import ISO_FORMATS, shape_of_format
from claimwatch.domain.contract.date_parts import why_no_date
from claimwatch.domain.validation.numbers_sql import group_separators, has_own_signs

_MISSING = frozenset(
    {"na", "n/a", "#n/a", "<na>", "nan", "-nan", "nat", "null", "(null)", "none", "nil", "\\n"}
    | {"-", "--", "---", "?", ".", "..", "*", "x", "unknown", "missing"}
)
"""Words, in lower case, that tools and people write for a missing value."""

_SPREADSHEET = re.compile(r"#[A-Z0-9/]+[!?]|#+")
_INFINITY = re.compile(r"[+-]?(inf(inity)?|∞)", re.IGNORECASE)
_MINUS_SIGNS = re.compile("[\u2010-\u2015\u2212\ufe63\uff0d]")
_TRAILING = re.compile("[0-9][^+-]*[-\u2212][^0-9+-]*")
_OTHER_BASE = re.compile(r"[+-]?0[xXbBoO][0-9a-fA-F]+")
_EXPONENT = re.compile(r"[+-]?[0-9.,]+[eE][+-]?[0-9]+")
_WITH_UNIT = re.compile(r"[^0-9]{0,8}[0-9][0-9.,'_\u2019\s]*[^0-9]{0,8}")
_NUMBER_LIKE = re.compile(r"[0-9.,'_\u2019\s+-]+([eE][+-]?[0-9]+)?")
_SEPARATORS = {
    ".": "'.'",
    ",": "','",
    "'": "an apostrophe",
    "\u2019": "an apostrophe",
    "_": "'_'",
    " ": "a blank",
    **dict.fromkeys("\u00a0\u202f\u2009", "a no-break or thin space"),
}

_SERIAL_NUMBER = re.compile(r"[1-9][0-9]{4}([.,][0-9]+)?")
_EPOCH = re.compile(r"[0-9]{9,19}([.,][0-9]+)?")
_COMPACT = re.compile(r"(19|20)[0-9]{6}")
_SENTINEL = re.compile(r"(0+([-./])0+\2|9{2,4}([-./])99\3).*")
_TWO_DIGIT_YEAR = re.compile(r"[0-9]{1,2}([-/. ])([0-9]{1,2}|[A-Za-z]{3,9})\1[0-9]{2}(?![0-9]).*")
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9]).*")
_ISO_TEXT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?( ?[Zz]| UTC| ?[+-][0-9]{2}(:?[0-9]{2})?)?)?"
)
_NAMED_ZONE = re.compile(r".*:[0-9]{2}[^A-Za-z]*(?!([Zz]|UTC|[AaPp]\.?[Mm]\.?)\s*$)[A-Za-z].*")
_OFFSET = re.compile(r".*:[0-9]{2}.*(Z|z|UTC|[+-][0-9:]{2,})")


def why_unreadable(column: Column, text: str) -> str:
    """Return why a text is not a value of the column, or an empty text if there is nothing to explain.

    A long text may be cut off.
    """
    text = text.strip(" \t\r\n\v\f")
    if column.date_parts and (why := why_no_date(column, text)):
        return why
    match column.logical_type:
        case LogicalType.BOOLEAN:
            reasons = iter(["name other words in trueValues and falseValues"])
        case LogicalType.INTEGER | LogicalType.NUMBER:
            reasons = _about_numbers(column, text)
        case LogicalType.DATE | LogicalType.TIMESTAMP:
            reasons = _about_dates(column, text)
        case LogicalType.STRING:
            return ""
    return next(chain(_about_cells(text), reasons), "")


def _about_cells(text: str) -> Iterator[str]:
    if text.lower() in _MISSING:
        yield "if it means that there is no value, name it in missingValues"
    if _SPREADSHEET.fullmatch(text):
        yield "it is an error of a spreadsheet; correct the cell"
    for character in text:
        if unicodedata.category(character) in ("Cf", "Cc", "Co", "Cn"):
            yield f"it has the invisible character U+{ord(character):04X}; remove it"
        if character.isnumeric() and not character.isascii():
            yield "it has digits other than 0 to 9; write those"


def _about_numbers(column: Column, text: str) -> Iterator[str]:
    if _INFINITY.fullmatch(text):
        yield "infinity is not stored"
    if re.search("[0-9]", text):
        yield from _about_signs(column, text)
        yield from _about_notation(column, text)
        if _NUMBER_LIKE.fullmatch(text):
            yield from _about_separators(column, text)
            yield from _about_range(column, text)


def _about_signs(column: Column, text: str) -> Iterator[str]:
    if "(" in text and ")" in text and NegativeNumbers.BRACKETS not in column.negatives:
        yield "if brackets mean a negative number, add 'negativeNumbers: brackets' to the contract"
    if _TRAILING.fullmatch(text[_first_digit(text) :]) and NegativeNumbers.TRAILING not in column.negatives:
        yield "if it is negative, add 'negativeNumbers: trailing' to the contract"
    if _MINUS_SIGNS.search(text) and not has_own_signs(column):
        yield "its minus is not the usual '-' (U+002D); write that"


def _about_notation(column: Column, text: str) -> Iterator[str]:
    if _OTHER_BASE.fullmatch(text):
        yield "it is not decimal"
    if _EXPONENT.fullmatch(text):
        if column.logical_type is LogicalType.INTEGER:
            yield "it has an exponent, so its last digits may be lost; export all digits"
    elif _WITH_UNIT.fullmatch(text) and any(map(_is_of_unit, text)):
        if column.units:
            yield "it has another unit than those in numberUnit, or its unit is at another place"
        yield "if it has a currency sign or another unit, name that in numberUnit"


def _about_range(column: Column, text: str) -> Iterator[str]:
    if re.search("[+-].*[+-]", text) and not _EXPONENT.fullmatch(text):
        yield "it has two signs"
    if column.logical_type is LogicalType.INTEGER:
        if re.search(f"{re.escape(column.decimal_separator)}0*[1-9]", text):
            yield "it has a fraction"
        if len(re.findall("[0-9]", text)) > 18:
            yield "it is beyond the range of bigint; for an identifier use logicalType string"
    elif not re.search("[0-9][+-]", text):
        yield "it is too long, or beyond the range of a double"


def _first_digit(text: str) -> int:
    found = re.search("[0-9]", text)
    return found.start() if found else 0


def _is_of_unit(character: str) -> bool:
    return character.isalpha() or unicodedata.category(character) == "Sc" or character in "%‰°"


def _about_separators(column: Column, text: str) -> Iterator[str]:
    used = [character for character in text if character in _SEPARATORS]
    known = {column.decimal_separator, *group_separators(column)}
    for character in used:
        if character not in known:
            yield f"{_SEPARATORS[character]} is not a separator of the contract"
    if used.count(column.decimal_separator) > 1:
        yield "it has more than one decimal separator"
    if set(used) & set(group_separators(column)):
        yield "a thousands separator stands at the wrong place"


def _about_dates(column: Column, text: str) -> Iterator[str]:
    formats = column.date_formats
    if _SENTINEL.fullmatch(text):
        yield "if it means that there is no date, name it in missingValues"
    if _SERIAL_NUMBER.fullmatch(text):
        yield "it looks like the serial number of a day in a spreadsheet; export dates as text"
    if len(_readings(formats, text)) > 1:
        yield "two formats read it as different dates; give the column one dateFormat"
    if any(re.fullmatch(shape_of_format(form), text) for form in formats):
        yield "there is no such day or time"
    if _COMPACT.fullmatch(text):
        yield "name its format in dateFormat"
    if _EPOCH.fullmatch(text):
        yield "it looks like the time since 1970; write it as a date"
    if _TWO_DIGIT_YEAR.fullmatch(text) and not any("%y" in form for form in formats):
        yield "its year has two digits, and no dateFormat has %y"
    if _NAMED_ZONE.fullmatch(text):
        yield "write the offset of the time zone, such as +01:00, instead of its name"
    if _ISO_TEXT.fullmatch(text):
        if column.logical_type is LogicalType.DATE and _OFFSET.fullmatch(text):
            yield "in another time zone it could be another day; send the date only"
        yield "there is no such day or time"
    elif _ISO_DAY.fullmatch(text):
        yield "what follows the day is not a time as in 08:15:00Z or 08:15:00+01:00"
    if formats:
        yield "it matches neither ISO 8601 nor a dateFormat of the contract"
    else:
        yield "if it is one, name its format in dateFormat"


def _readings(formats: tuple[str, ...], text: str) -> set[datetime]:
    found = set()
    for form in (*ISO_FORMATS, *formats):
        try:
            found.add(datetime.strptime(text, form))  # noqa: DTZ007 - only compared
        except ValueError:
            continue
    return found
