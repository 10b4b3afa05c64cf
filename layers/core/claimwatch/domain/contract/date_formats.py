"""Date formats: those of strptime, which contracts use, and those of Java, which ODCS uses."""

import re

_DIRECTIVES = {*"YymdbBHIMSfpjaA%"}
_DAY = ({"m", "d"}, {"b", "d"}, {"B", "d"}, {"j"})

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
    used = set(re.findall(r"%(.?)", form))
    unknown = sorted(used - _DIRECTIVES)
    if unknown:
        return f"uses '%{unknown[0]}'; supported are only %{' %'.join(sorted(_DIRECTIVES))}"
    if not used & {"Y", "y"} or not any(day <= used for day in _DAY):
        return "lacks the year, month or day; %m/%d/%Y has all three"
    if not with_time and used & {"H", "I", "M", "S", "f", "p"}:
        return "has a time, but the column is a date"
    return None


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
