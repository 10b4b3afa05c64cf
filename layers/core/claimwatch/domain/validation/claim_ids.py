"""Claim ids by the ten thousand: their hashes, and the order in which an index likes to meet them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_MIX = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)))
_LAST_SHIFT = np.uint64(31)
_KEY = 8
"""Bytes of an id that its place in the order depends on."""


class ClaimIds:
    """Ids in UTF-8, laid one behind the other, each with a NUL at its end: that byte is in none of them."""

    def __init__(self, ids: Sequence[bytes | bytearray]) -> None:
        self._bytes = np.frombuffer(b"\0".join([*ids, b""]), np.uint8)
        self._lengths = np.fromiter(map(len, ids), np.int64, len(ids)) + 1
        self._starts = np.cumsum(self._lengths) - self._lengths
        self._alike = _alike(min(ids), max(ids)) if ids else 0

    def hashes(self) -> npt.NDArray[np.uint64]:
        """64 bits of each id, the same wherever and whenever they are made.

        A polynomial of the bytes, mixed (as splitmix64 ends) so that the hashes are spread evenly. Somebody
        may find two ids of one hash; all that comes of it is a second look at the ids themselves.
        """
        if not len(self._lengths):
            return np.empty(0, np.uint64)
        powers = np.cumprod(np.full(int(self._lengths.max()), _FACTOR))
        places = np.arange(len(self._bytes)) - np.repeat(self._starts, self._lengths)
        hashes = np.add.reduceat(self._bytes * powers[places], self._starts)
        for shift, factor in _MIX:
            hashes = (hashes ^ (hashes >> shift)) * factor
        mixed: npt.NDArray[np.uint64] = hashes ^ (hashes >> _LAST_SHIFT)
        return mixed

    def order(self) -> npt.NDArray[np.int64]:
        """Indexes of the ids as their bytes order them, by the first eight in which they differ."""
        keys = np.zeros(len(self._lengths), np.uint64)
        for place in range(self._alike, self._alike + _KEY):
            inside = np.minimum(place, self._lengths - 1)  # behind an id its NUL is repeated
            keys = (keys << np.uint64(8)) | self._bytes[self._starts + inside]
        return np.argsort(keys)


def _alike(one: bytes | bytearray, other: bytes | bytearray) -> int:
    """How many bytes they begin with in common."""
    return next(
        (place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one)
    )
