"""Keyed hashes, which are stored instead of personal data.

The same value always has the same hash within a group of columns, however it is written, so that claims can
be linked. Hashes of different groups cannot be compared. The scheme is part of what is stored: a change needs
a new number in ``SCHEME``.
"""

import hmac
import unicodedata
from collections.abc import Callable
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, InvalidOperation

from claimwatch.invisible import without_invisible

SCHEME = 3
"""Number of this scheme, stored with each chunk.

Scheme 1 had no groups and another canonical form. Scheme 2 kept invisible characters, and what doubles do to
ids; all other values have the same hash.
"""

DIGITS = 32
"""Hexadecimal digits of a hash: half of the digest."""

REMEMBERED = 1 << 15
"""Number of values whose hashes are cached, the first ones that occur: names repeat often."""

LONGEST_REMEMBERED = 64
"""Characters of the longest value that is cached. Longer values are not names, and rarely repeat."""

_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation])
_MOST_PLACES = 400
"""Digits before or after the point up to which a number is written without an exponent."""


def canonical_text(text: str) -> str:
    """Return a text without differences of notation: white space, case, composed and invisible characters.

    It is Unicode's canonical caseless form (3.13, D145), composed (NFC). A no-break space is white space.
    """
    spaced = " ".join(without_invisible(text).split())
    if spaced.isascii():
        return spaced.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", spaced).casefold())


def canonical_number(text: str) -> str:
    """Return a number without plus, superfluous zeros and, if it is not enormous, without an exponent.

    A text that is not a number is returned in the canonical form of a text.
    """
    try:
        number = _EXACT.create_decimal(text.strip()).normalize(_EXACT)
    except (InvalidOperation, MemoryError):
        return canonical_text(text)
    if not number:
        return "0"
    return f"{number:f}" if abs(number.adjusted()) < _MOST_PLACES else str(number)


class KeyedHashes(dict[str, str]):
    """HMAC-SHA-256-128 (RFC 2104, truncated to 128 bits) in hexadecimal, by the value that is hashed.

    ``hashes[value]`` returns the hash of any value: that of the group, a NUL byte and the canonical value. At
    most ``remembered`` hashes are cached.
    """

    def __init__(
        self,
        key: bytes,
        group: str,
        canonical: Callable[[str], str] = canonical_text,
        remembered: int = REMEMBERED,
    ) -> None:
        super().__init__()
        self._canonical = canonical
        self._remembered = remembered
        self._keyed = hmac.new(key, group.encode() + b"\0", "sha256")

    def __missing__(self, value: str) -> str:
        keyed = self._keyed.copy()  # the key and the group are processed once for all values
        keyed.update(self._canonical(value).encode("utf-8", "surrogatepass"))
        digest = keyed.hexdigest()[:DIGITS]
        if len(self) < self._remembered and len(value) <= LONGEST_REMEMBERED:
            self[value] = digest
        return digest
