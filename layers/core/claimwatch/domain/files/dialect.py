"""Dialects of CSV."""

from dataclasses import dataclass
from enum import StrEnum


class Escape(StrEnum):
    """How a quote is escaped inside a quoted field."""

    DOUBLED = "doubled"
    BACKSLASH = "backslash"


@dataclass(frozen=True)
class Dialect:
    """A dialect of CSV. With ``skip_space``, spaces after a delimiter do not belong to the field."""

    delimiter: str = ","
    quote: str = '"'
    escape: Escape = Escape.DOUBLED
    skip_space: bool = False

    @property
    def is_normal(self) -> bool:
        """Whether the rest of the pipeline reads this dialect without conversion."""
        return self == Dialect(self.normal_delimiter)

    @property
    def normal_delimiter(self) -> str:
        """The delimiter itself if the rest of the pipeline can read it, otherwise a tab (rare in cells)."""
        return self.delimiter if self.delimiter in _NORMAL_DELIMITERS else "\t"

    @property
    def traits(self) -> list[str]:
        """Descriptions of everything that differs from plain CSV."""
        named = _DELIMITER_NAMES.get(self.delimiter, f"delimiter {ascii(self.delimiter)[1:-1]}")
        return [
            *([named] if self.delimiter != "," else []),
            *(["single quotes"] if self.quote == "'" else []),
            *(["backslash escapes"] if self.escape is Escape.BACKSLASH else []),
            *(["spaced"] if self.skip_space else []),
        ]


_NORMAL_DELIMITERS = frozenset("\t!#$%&()*+,-./:;<=>?@[]^_`{|}~")
_DELIMITER_NAMES = {
    ";": "semicolon",
    "\t": "tab",
    "|": "pipe",
    ":": "colon",
    "^": "caret",
    "~": "tilde",
    " ": "space",
}
