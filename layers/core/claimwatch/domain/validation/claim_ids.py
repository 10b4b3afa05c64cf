"""Hashes of claim ids, by which a claim id that occurs twice in a file is detected."""

import numpy as np
import numpy.typing as npt

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_MIX = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)))
_LAST_SHIFT = np.uint64(31)
_AT_ONCE = 4096
"""Ids that are hashed at a time: each of their bytes takes about 30 bytes of memory meanwhile."""


def claim_id_hashes(ids: bytes) -> npt.NDArray[np.uint64]:
    """Return a 64-bit hash of each id.

    ``ids`` are in UTF-8, each terminated by a NUL byte, which no id contains. A hash depends on its id only,
    never on the process or the version of a library. It is a polynomial of the bytes with the final mix of
    splitmix64, which spreads the hashes evenly. Two ids may be constructed that have the same hash: the ids
    themselves are then compared, which costs time but does no other harm.
    """
    if not ids:
        return np.empty(0, np.uint64)
    text = np.frombuffer(ids, np.uint8)
    ends = np.flatnonzero(text == 0) + 1
    starts = np.concatenate(([0], ends[:-1]))
    hashes = np.empty(len(ends), np.uint64)
    for first in range(0, len(ends), _AT_ONCE):
        block = slice(first, first + _AT_ONCE)
        start, end = starts[block][0], ends[block][-1]
        hashes[block] = _hashes(text[start:end], starts[block] - start)
    return hashes


def _hashes(text: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    lengths = np.diff(starts, append=len(text))
    powers = np.cumprod(np.full(int(lengths.max()), _FACTOR))
    places = np.arange(len(text)) - np.repeat(starts, lengths)
    hashes = np.add.reduceat(text * powers[places], starts)
    for shift, factor in _MIX:
        hashes = (hashes ^ (hashes >> shift)) * factor
    mixed: npt.NDArray[np.uint64] = hashes ^ (hashes >> _LAST_SHIFT)
    return mixed
