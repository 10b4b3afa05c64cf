"""Texts of identifiers: the same claim has the same id, whatever its tools did to it.

Invisible characters, Unicode's two forms of a letter and outer blanks make no difference, nor does a detour
through a floating-point number: ``1000.0`` is ``1000``. Case and leading zeros do make a difference. An id
whose digits or characters are lost cannot be told; another claim might have it.
"""

import re
import unicodedata
from decimal import Decimal, InvalidOperation

from claimwatch.invisible import without_invisible

EXACT = 2**53
"""A double that is smaller is the whole number that its writer meant; larger ones may have been rounded."""

CLEAN_PATTERN = r"[!#-*\-/-~]+"
"""Ids that need no cleaning, as most are: printable ASCII without blanks, quotes, points, commas and plus."""

JSON_NUMBER = "\x1f"
"""Precedes the text of a JSON number that is not written as a whole number, to tell it from a string."""

LOST_NUMBER = f"{JSON_NUMBER}\x02"
"""Precedes the text of a floating-point number that may have lost digits: no function reads it."""

_WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))[.,](0+)")
_GROUP = 3
"""Digits between separators of thousands: 12.000 may be 12 or 12000."""
_SPREADSHEET_TEXT = re.compile(r'="([^"]*)"')
"""How a text is written for spreadsheets, so that they keep its zeros."""
_SCIENTIFIC = re.compile(r"-?[0-9](?:[.,][0-9]+[eE][+-]?|[eE]\+)[0-9]+")
_OF_JAVA = re.compile(r"(-?[1-9])\.([0-9]+)E([0-9]{1,2})")


def clean_identifier(text: str) -> str | None:
    """Return the id that a text means; None if that cannot be told."""
    if text.startswith(JSON_NUMBER):
        return whole_number(text)
    visible = without_invisible(text).strip()
    cleaned = "".join(" " if unicodedata.category(letter) == "Zs" else letter for letter in visible)
    if for_spreadsheets := _SPREADSHEET_TEXT.fullmatch(cleaned):
        return clean_identifier(for_spreadsheets[1])
    if not cleaned or any(map(_is_lost, cleaned)):
        return None
    if whole := _WHOLE.fullmatch(cleaned):
        may_be_grouped = len(whole[2]) == _GROUP and len(whole[1].lstrip("-")) <= _GROUP
        is_long = len(whole[1]) > len(str(-EXACT))
        return None if may_be_grouped or is_long else _exact(int(whole[1]))
    if _SCIENTIFIC.fullmatch(cleaned):
        return _digits_of_java(cleaned)
    return cleaned


def whole_number(text: str) -> str | None:
    """Return the digits of a JSON number if it is a whole number that a double holds exactly, else None."""
    number = _decimal(text)
    if number is None or number.adjusted() > len(str(EXACT)) or number != number.to_integral_value():
        return None
    return _exact(int(number))


def number_as_text(text: str) -> str | None:
    """Return the text of a JSON number in a column of text: whole numbers without a point, others as written.

    None if it is a whole number that a double cannot hold exactly: its digits are lost.
    """
    number = _decimal(text)
    if number is None:
        return None
    if number.adjusted() <= len(str(EXACT)) and number != number.to_integral_value():
        return text.removeprefix(JSON_NUMBER)
    return whole_number(text)


def _decimal(text: str) -> Decimal | None:
    try:
        number = Decimal(text.removeprefix(JSON_NUMBER))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _exact(number: int) -> str | None:
    return str(number) if abs(number) < EXACT else None


def _digits_of_java(text: str) -> str | None:
    """Return the whole number of Java's notation (``1.234E3``) if it has all of its digits, else None."""
    found = _OF_JAVA.fullmatch(text)
    if found is None or len(found[2]) != int(found[3]):
        return None
    return _exact(int(found[1] + found[2]))


def _is_lost(letter: str) -> bool:
    """Return whether a character means nothing: U+FFFD, or a control character that moves no text."""
    if letter in "\t\n\r":
        return False
    return letter == "\ufffd" or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")
