"""Keyed hashes, which stand in for personal data."""

import hashlib

DIGITS = 32
"""Hexadecimal digits of a hash: half of the digest."""

REMEMBERED = 1 << 15
"""Values whose hashes are kept, the first that come: names repeat, and looking one up is much faster."""

_BLOCK = 64
"""Bytes of a block of SHA-256."""


class KeyedHashes(dict[str, str]):
    """HMAC-SHA-256-128 (RFC 2104, truncated to half of the digest) in hexadecimal, by the text.

    ``hashes[text]`` is there for every text, whether it is remembered or made. ``key`` has at most 64 bytes.
    """

    def __init__(self, key: bytes) -> None:
        super().__init__()
        if len(key) > _BLOCK:
            raise ValueError("the key is longer than a block of SHA-256; hash it first")
        block = key.ljust(_BLOCK, b"\0")
        # The key's own blocks are hashed once, and every text goes on from there.
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def __missing__(self, text: str) -> str:
        made = self.made(text.encode())
        if len(self) < REMEMBERED:
            self[text] = made
        return made

    def made(self, text: bytes) -> str:
        """The hash of a text in UTF-8, made anew."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.hexdigest()[:DIGITS]
