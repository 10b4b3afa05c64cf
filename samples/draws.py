"""Random numbers that are a function of (seed, stream, index), so that each claim is drawn independently.

With a stateful generator, a claim would depend on all earlier draws. Here the i-th number of a stream depends
only on i (SplitMix64, Steele et al. 2014, used as a counter-based generator), so the book does not depend on
the block size or on the number and order of the weeks.
"""

from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]
type Unsigned = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_ODDS_BITS = 12
_NORMAL_BITS = 16


class Odds:
    """Weights of categories 0, 1, ...; two-dimensional weights have one row for each given category.

    Weights are rounded to 1/4096, so that a draw is one lookup. A category of weight 0 is never drawn.
    """

    def __init__(self, weights: Sequence[float] | Sequence[Sequence[float]]) -> None:
        rows = np.atleast_2d(np.asarray(weights, dtype=np.float64))
        self._table = np.stack([self._spread(row) for row in rows])

    @staticmethod
    def _spread(weights: Floats) -> NDArray[np.uint8]:
        edges = np.rint(np.cumsum(weights) / weights.sum() * (1 << _ODDS_BITS)).astype(np.int64)
        return np.repeat(np.arange(len(weights), dtype=np.uint8), np.diff(edges, prepend=0))

    def pick(self, bits: Unsigned, given: Integers | None) -> Integers:
        """Map 64 random bits each to a category."""
        slot = (bits >> np.uint64(64 - _ODDS_BITS)).astype(np.int64)
        picked = self._table[0][slot] if given is None else self._table[given, slot]
        return picked.astype(np.int64)


class Draws:
    """Draws for a block of entities (claims, policyholders, policies): one number per entity and stream."""

    def __init__(self, seed: int, entity: str, index: Unsigned) -> None:
        self._seed = seed
        self._entity = entity
        self._steps = index.astype(np.uint64) * _GOLDEN

    def bits(self, stream: str) -> Unsigned:
        """Draw 64 random bits each."""
        z = self._steps + _key(self._seed, self._entity, stream)
        z ^= z >> np.uint64(30)
        z *= _MIX_1
        z ^= z >> np.uint64(27)
        z *= _MIX_2
        z ^= z >> np.uint64(31)
        return z

    def uniform(self, stream: str) -> Floats:
        """Draw from the uniform distribution on [0, 1)."""
        return (self.bits(stream) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def normal(self, stream: str) -> Floats:
        """Draw from the standard normal distribution, by 65,536 quantiles and so within 4.3 of zero."""
        return np.take(
            _normal_quantiles(), (self.bits(stream) >> np.uint64(64 - _NORMAL_BITS)).astype(np.int64)
        )

    def chance(self, stream: str, probability: Floats | float) -> NDArray[np.bool_]:
        """Draw True with this probability."""
        return self.uniform(stream) < probability

    def below(self, stream: str, stop: int) -> Integers:
        """Draw integers 0 .. stop - 1 with equal probability."""
        return (self.uniform(stream) * stop).astype(np.int64)

    def pick(self, stream: str, odds: Odds, given: Integers | None = None) -> Integers:
        """Draw categories by their odds, optionally given another category."""
        return odds.pick(self.bits(stream), given)


@cache
def _key(seed: int, entity: str, stream: str) -> np.uint64:
    digest = blake2b(f"{seed}/{entity}/{stream}".encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest))


@cache
def _normal_quantiles() -> Floats:
    slots = 1 << _NORMAL_BITS
    inverse = NormalDist().inv_cdf
    upper = np.array([inverse((slot + 0.5) / slots) for slot in range(slots // 2, slots)])
    return np.concatenate([-upper[::-1], upper])
