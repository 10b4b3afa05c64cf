"""A perceptual hash: pictures that look alike have hashes that differ in few of 64 bits.

The picture is shrunk to 32 x 32 grays and its cosine transform (DCT-II) taken. Each bit says whether one of
the 64 lowest frequencies, the mean left out, is above their median. Brightness, contrast, size and
compression hardly change these signs.
"""

from functools import cache
from math import cos, pi, sqrt, sumprod
from statistics import median

from PIL.Image import Image, Resampling

BITS = 64

MATCH_DISTANCE = 10
"""Bits in which the hashes of two copies of one picture may differ.

The indexed search is exact up to 11. Hashes of pictures that have nothing to do with each other differ in 32
bits, give or take 4, if they were drawn at random; those of photos vary more, for skies are above and shadows
below, so the limit is set by what benchmarks find and not by chance.
"""

_SIDE = 32
_NOISE = 1.0
"""A coefficient below this may be rounding: grays are whole numbers, which makes each wrong by 0.3."""

_TELLING = 24
"""Coefficients above the noise that a picture needs for its hash to tell it from others."""


def perceptual_hash(gray: Image) -> int | None:
    """The hash of a picture of mode L, as a signed number of 64 bits (PostgreSQL's bigint).

    None if there is nothing to tell it by: of a blank sheet, a lens cap or a plain gradient most bits would
    be rounding errors or ties, and the picture would match all others of its kind.
    """
    pixels = gray.resize((_SIDE, _SIDE), Resampling.BILINEAR, reducing_gap=3.0).tobytes()
    waves = _waves()
    rows = [pixels[start : start + _SIDE] for start in range(0, _SIDE * _SIDE, _SIDE)]
    across = [[sumprod(wave, row) for row in rows] for wave in waves]
    coefficients = [sumprod(waves[down], across[right]) for down, right in _frequencies()]
    if sum(abs(coefficient) > _NOISE for coefficient in coefficients) < _TELLING:
        return None
    middle = median(coefficients)
    bits = 0
    for coefficient in coefficients:
        bits = bits << 1 | (coefficient > middle)
    return bits - (1 << BITS) if bits >> (BITS - 1) else bits


def distance(one: int, other: int) -> int:
    """The number of bits in which two hashes differ, 0 to 64."""
    return ((one ^ other) & ((1 << BITS) - 1)).bit_count()


@cache
def _frequencies() -> tuple[tuple[int, int], ...]:
    """The lowest 64 pairs of frequencies (down, right) but (0, 0), nearest to it first."""
    pairs = [(down, right) for down in range(_SIDE) for right in range(_SIDE)]
    return tuple(sorted(pairs, key=lambda pair: (pair[0] ** 2 + pair[1] ** 2, pair))[1 : BITS + 1])


@cache
def _waves() -> tuple[tuple[float, ...], ...]:
    """The orthonormal cosines of each frequency that is asked for."""
    count = 1 + max(max(pair) for pair in _frequencies())
    return tuple(
        tuple(
            sqrt((2 if frequency else 1) / _SIDE) * cos(pi * frequency * (2 * place + 1) / (2 * _SIDE))
            for place in range(_SIDE)
        )
        for frequency in range(count)
    )
