"""Lower case and white space as DuckDB's functions ``lower`` and ``trim`` know them."""

_BLANKS = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
"""Unicode's space separators; tabs and line breaks are not among them."""

_DOTTED = "\u0130"
"""The only letter whose lower case is two characters in Python and one in DuckDB."""


def lower(text: str) -> str:
    """Return a text in lower case, letter by letter."""
    if text.isascii():
        return text.lower()
    return "".join("i" if letter == _DOTTED else letter.lower() for letter in text)


def trim(text: str) -> str:
    """Return a text without blanks at its ends."""
    return text.strip(_BLANKS)
