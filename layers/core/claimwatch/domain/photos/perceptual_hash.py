"""A 64-bit perceptual hash: the hashes of similar pictures differ in only a few bits.

The picture is reduced to 32 x 32 gray levels and transformed by a DCT-II. Each bit states whether one of the
64 lowest frequencies, without the mean, is above their median. Changes of brightness, contrast, size and
compression change few of these bits.
"""

from functools import cache
from itertools import pairwise
from math import cos, pi, sqrt, sumprod
from statistics import median

from PIL.Image import Image, Resampling

BITS = 64

MATCH_DISTANCE = 10
"""Largest number of differing bits at which two hashes count as copies of one picture.

The indexed search is exact up to 11. Random hashes differ in 32 bits with a standard deviation of 4. The
distances between unrelated photos spread wider, because photos share a layout (sky above, shadows below), so
this limit comes from benchmarks and not from probability theory.
"""

_SIDE = 32
_NOISE = 1.0
"""Coefficients below this may be rounding noise: gray levels are integers, which adds an error of 0.3."""

_MIN_SIGNIFICANT = 24
"""Number of coefficients above the noise that a picture needs for a distinctive hash."""

GRADIENTS_SIDE = 32
"""Rows and columns of ``gradients``."""

_FLAT = 1
"""Gray levels by which neighbours differ in plain areas after compression."""


def perceptual_hash(gray: Image) -> int | None:
    """Return the hash of a picture in mode L as a signed 64-bit integer (PostgreSQL's bigint).

    None if the picture lacks structure, such as a blank sheet, a lens cap or a plain gradient: most bits
    would be rounding errors or ties, and the picture would match every other picture of its kind.
    """
    pixels = gray.resize((_SIDE, _SIDE), Resampling.BILINEAR, reducing_gap=3.0).tobytes()
    waves = _waves()
    rows = [pixels[start : start + _SIDE] for start in range(0, _SIDE * _SIDE, _SIDE)]
    across = [[sumprod(wave, row) for row in rows] for wave in waves]
    coefficients = [sumprod(waves[down], across[right]) for down, right in _frequencies()]
    if sum(abs(coefficient) > _NOISE for coefficient in coefficients) < _MIN_SIGNIFICANT:
        return None
    middle = median(coefficients)
    bits = 0
    for coefficient in coefficients:
        bits = bits << 1 | (coefficient > middle)
    return bits - (1 << BITS) if bits >> (BITS - 1) else bits


def distance(one: int, other: int) -> int:
    """Return the number of bits in which two hashes differ, 0 to 64."""
    return ((one ^ other) & ((1 << BITS) - 1)).bit_count()


def gradients(gray: Image) -> int:
    """Return where a picture in mode L becomes brighter from left to right, as 1,024 bits.

    Of many pictures with the same perceptual hash, such as documents on one letterhead, the copy of a picture
    differs from it in the fewest of these bits, unless it is cropped or turned.
    """
    across = GRADIENTS_SIDE + 1
    pixels = gray.resize((across, GRADIENTS_SIDE), Resampling.BOX).tobytes()
    bits = 0
    for start in range(0, len(pixels), across):
        row = pixels[start : start + across]
        for left, right in pairwise(row):
            bits = bits << 1 | (right - left > _FLAT)
    return bits


@cache
def _frequencies() -> tuple[tuple[int, int], ...]:
    """Return the 64 lowest pairs of frequencies (down, right) without (0, 0), lowest first."""
    pairs = [(down, right) for down in range(_SIDE) for right in range(_SIDE)]
    return tuple(sorted(pairs, key=lambda pair: (pair[0] ** 2 + pair[1] ** 2, pair))[1 : BITS + 1])


@cache
def _waves() -> tuple[tuple[float, ...], ...]:
    """Return the orthonormal DCT basis for each frequency that `_frequencies` uses."""
    count = 1 + max(max(pair) for pair in _frequencies())
    return tuple(
        tuple(
            sqrt((2 if frequency else 1) / _SIDE) * cos(pi * frequency * (2 * place + 1) / (2 * _SIDE))
            for place in range(_SIDE)
        )
        for frequency in range(count)
    )
