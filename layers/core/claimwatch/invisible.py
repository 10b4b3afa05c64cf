"""Characters that nobody sees: they make two texts different that look the same."""

import re
import unicodedata

INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Unicode's default-ignorable code points, the marks of annotations, and the empty Braille pattern.

Among them are byte order marks, zero-width characters, soft hyphens, variation selectors and the marks of
writing direction. Blanks and control characters are not among them.
"""


def without_invisible(text: str) -> str:
    """Return a text without invisible characters, its letters composed (NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", INVISIBLE.sub("", text))


def with_code_points(text: str) -> str:
    """Return a text with the code point of each invisible character instead of it: ``<U+200B>``."""
    return text if text.isascii() else INVISIBLE.sub(lambda found: _code_point(found[0]), text)


def show_invisible(text: str) -> str:
    """Return a text on one line, with the code point of each invisible and each control character."""
    line = with_code_points(" ".join(text.split()))
    if line.isprintable():
        return line
    return "".join(letter if letter.isprintable() else _code_point(letter) for letter in line)


def _code_point(letter: str) -> str:
    return f"<U+{ord(letter):04X}>"
