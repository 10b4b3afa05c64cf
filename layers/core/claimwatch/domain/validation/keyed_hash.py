"""Keyed hashes, which are stored instead of personal data."""

import hmac

DIGITS = 32
"""Hexadecimal digits of a hash: half of the digest."""

REMEMBERED = 1 << 15
"""Number of values whose hashes are cached, the first ones that occur: names repeat often."""

LONGEST_REMEMBERED = 64
"""Characters of the longest value that is cached. Longer values are not names, and rarely repeat."""


class KeyedHashes(dict[str, str]):
    """HMAC-SHA-256-128 (RFC 2104, truncated to 128 bits) in hexadecimal, by the text that is hashed.

    ``hashes[text]`` returns the hash of any text. At most ``remembered`` hashes are cached.
    """

    def __init__(self, key: bytes, remembered: int = REMEMBERED) -> None:
        super().__init__()
        self._remembered = remembered
        self._keyed = hmac.new(key, digestmod="sha256")

    def __missing__(self, text: str) -> str:
        keyed = self._keyed.copy()  # the key is processed once for all texts
        keyed.update(text.encode())
        digest = keyed.hexdigest()[:DIGITS]
        if len(self) < self._remembered and len(text) <= LONGEST_REMEMBERED:
            self[text] = digest
        return digest
