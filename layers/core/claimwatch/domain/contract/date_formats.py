"""Date formats: those of strptime, which contracts use, and those of Java, which ODCS uses."""

import re
from datetime import datetime
from functools import cache
from itertools import combinations

_DIRECTIVES = {*"YymdbBHIMSfpjaA%"}
_DAY = ({"m", "d"}, {"b", "d"}, {"B", "d"}, {"j"})

_DIGITS = {"Y": "4", "y": "2", "m": "1,2", "d": "1,2", "H": "1,2", "I": "1,2", "M": "1,2", "S": "1,2"}
_SHAPES = {
    **{letter: f"[0-9]{{{number}}}" for letter, number in _DIGITS.items()},
    **dict.fromkeys("bBaA", "[A-Za-z]+"),
    "f": "[0-9]{1,9}",
    "j": "[0-9]{1,3}",
    "p": "[AaPp][Mm]",
    "%": "%",
}
_CHECKED = {"j", "a", "A"}
_PARTS = re.compile(r"%(?P<directive>.)|(?P<blanks>\s+)|(?P<other>.)", re.DOTALL)
ISO_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
"""Forms of ISO 8601, which is always read."""
_SAMPLES = (datetime(2001, 2, 3, 4, 5, 6), datetime(2003, 2, 1, 1, 2, 3), datetime(2012, 11, 10, 9, 8, 7))  # noqa: DTZ001

_JAVA = {
    "yyyy": "%Y",
    "uuuu": "%Y",
    "yy": "%y",
    "MM": "%m",
    "M": "%m",
    "MMM": "%b",
    "MMMM": "%B",
    "dd": "%d",
    "d": "%d",
    "HH": "%H",
    "H": "%H",
    "hh": "%I",
    "h": "%I",
    "mm": "%M",
    "ss": "%S",
    "SSS": "%f",
    "SSSSSS": "%f",
    "a": "%p",
}
_JAVA_TOKEN = re.compile(r"'(?P<quoted>[^']*)'|(?P<letters>([A-Za-z])\3*)|(?P<other>[^A-Za-z'])")


def format_problem(form: str, *, with_time: bool) -> str | None:
    """Return what is wrong with a strptime format, as a predicate that completes a sentence, or None."""
    directives = re.findall(r"%(.?)", form)
    used = set(directives)
    unknown = sorted(used - _DIRECTIVES)
    if unknown:
        return f"uses '%{unknown[0]}'; supported are only %{' %'.join(sorted(_DIRECTIVES))}"
    repeated = sorted(letter for letter in used - {"%"} if directives.count(letter) > 1)
    if repeated:
        return f"has '%{repeated[0]}' more than once, so what it means cannot be known; write it once"
    if not used & {"Y", "y"} or not any(day <= used for day in _DAY):
        return "lacks the year, month or day; %m/%d/%Y has all three"
    if not with_time and used & {"H", "I", "M", "S", "f", "p"}:
        return "has a time, but the column is a date"
    return None


def shape_of_format(form: str) -> str:
    """Return a regular expression (RE2) for the texts that a format describes.

    strptime alone is laxer: %Y reads the year 26 in 3/2/26. Numbers that follow each other without a
    separator have all their digits.
    """
    parts = list(_PARTS.finditer(form))
    shape = []
    for place, part in enumerate(parts):
        directive = part["directive"]
        if directive is None:
            shape.append(r"\s+" if part["blanks"] else _escaped(part["other"]))
        else:
            joined = any(_is_number(parts, neighbour) for neighbour in (place - 1, place + 1))
            shape.append(_SHAPES[directive].replace("1,", "") if joined else _SHAPES[directive])
    return rf"\s*{''.join(shape)}\s*"


def _is_number(parts: list[re.Match[str]], place: int) -> bool:
    return 0 <= place < len(parts) and "[0-9]" in _SHAPES.get(parts[place]["directive"] or "", "")


def _escaped(character: str) -> str:
    return re.escape(character) if character.isascii() else character


def must_be_compared(form: str) -> bool:
    """Return whether strptime reads dates with this format that do not exist, such as a day 366 of 2026.

    Then the date, written with the format, must be compared with the text.
    """
    return not _CHECKED.isdisjoint(re.findall(r"%(.?)", form))


@cache
def ambiguous(formats: tuple[str, ...]) -> bool:
    """Return whether two of these formats, or ISO 8601 and one, read a text as different dates."""
    return any(
        _reads_otherwise(form, other) or _reads_otherwise(other, form)
        for form, other in [
            *combinations(formats, 2),
            *((iso, form) for iso in ISO_FORMATS for form in formats),
        ]
    )


def _reads_otherwise(form: str, other: str) -> bool:
    for moment in _SAMPLES:
        text = moment.strftime(form)
        try:
            found = datetime.strptime(text, other)  # noqa: DTZ007 - only compared
        except ValueError:
            continue
        if found != datetime.strptime(text, form):  # noqa: DTZ007 - only compared
            return True
    return False


def from_java(form: str) -> str | None:
    """Return the strptime format for a Java format such as ``dd.MM.yyyy``, or None if there is none."""
    parts = []
    place = 0
    while place < len(form):
        token = _JAVA_TOKEN.match(form, place)
        if token is None:
            return None
        place = token.end()
        if token["letters"]:
            if token["letters"] not in _JAVA:
                return None
            parts.append(_JAVA[token["letters"]])
        else:
            literal = token["quoted"] if token["quoted"] is not None else token["other"]
            parts.append((literal or "'").replace("%", "%%"))
    return "".join(parts)
