"""Keyed hashes, which are stored instead of personal data."""

import hmac

DIGITS = 32
"""Hexadecimal digits of a hash: half of the digest."""

REMEMBERED = 1 << 15
"""Number of values whose hashes are cached, the first ones that occur: names repeat often."""


class KeyedHashes(dict[str, str]):
    """HMAC-SHA-256-128 (RFC 2104, truncated to 128 bits) in hexadecimal, by the text that is hashed.

    ``hashes[text]`` returns the hash of any text.
    """

    def __init__(self, key: bytes) -> None:
        super().__init__()
        self._keyed = hmac.new(key, digestmod="sha256")

    def __missing__(self, text: str) -> str:
        keyed = self._keyed.copy()  # the key is processed once for all texts
        keyed.update(text.encode())
        digest = keyed.hexdigest()[:DIGITS]
        if len(self) < REMEMBERED:
            self[text] = digest
        return digest
