"""Simulated books of claims whose true chances of fraud are known."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit

from claimwatch.domain.model.features import Feature, FeatureSpec, encode
from training.book import Book
from training.category_encoding import ordered
from training.sampling import sample_weights
from training.snapshot import Snapshot
from training.splits import TRAIN, by_time

type Floats = npt.NDArray[np.float64]

STRENGTHS = {"linear": 0.0, "moderate": 0.4, "strong": 0.9}
"""The share of the variance of the log-odds that comes from interactions."""

NUMBERS, CATEGORIES = 8, {"make": 4, "region": 8, "garage": 20}
FLAGS = ("police", "witness")
SIGNAL = 1.5
"""Standard deviation of the log-odds: the true chances have a ROC-AUC of about 0.81."""

MEAN_GAIN, COST, CAPACITY = 4_000.0, 100.0, 0.05
FRESH = 30_000
"""Claims on which a choice is judged by their true chances."""

_DAYS = 730
_START = np.datetime64("2024-01-01T00:00", "us")
_PAIRS = 3


@dataclass(frozen=True)
class Setting:
    """What a book is like: its size, share of frauds, known outcomes, and drift.

    ``drift`` is the angle in radians by which the log-odds turn away from the first day's over the book's
    time. ``investigated`` leaves outcomes of suspicious claims and of an audit of 3 % only.
    """

    claims: int = 4_000
    fraud_rate: float = 0.1
    signal: float = SIGNAL
    drift: float = 0.0
    investigated: bool = False


SETTINGS = {
    "usual": Setting(),
    "small": Setting(claims=1_200, fraud_rate=0.15),
    "imbalanced": Setting(claims=5_000, fraud_rate=0.02),
    "weak": Setting(signal=0.6),
    "drift": Setting(drift=0.8),
    "investigated": Setting(claims=8_000, investigated=True),
}


@dataclass(frozen=True)
class Claims:
    """Claims with everything about them; ``time`` is 0 at the start of the book and 1 at its end."""

    numbers: Floats
    flags: npt.NDArray[np.bool_]
    codes: npt.NDArray[np.intp]
    time: Floats
    chance: Floats
    gain: Floats

    def columns(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return the columns as a snapshot has them."""
        return {
            **{f"number_{place}": self.numbers[:, place] for place in range(NUMBERS)},
            **{name: self.flags[:, place].astype(np.float64) for place, name in enumerate(FLAGS)},
            **{
                name: np.array([f"{name} {code}" for code in range(levels)], dtype=object)[
                    self.codes[:, place]
                ]
                for place, (name, levels) in enumerate(CATEGORIES.items())
            },
        }


class World:
    """The true chances of fraud of one book: linear effects and interactions, drawn by a seed."""

    def __init__(self, strength: float, setting: Setting, seed: list[int]) -> None:
        self.setting = setting
        self.draw = np.random.default_rng(seed)
        self.strength = strength
        self.then, self.later = _Effects(self.draw), _Effects(self.draw)
        sample = self._made(FRESH)
        first = self._log_odds(*sample, np.zeros(FRESH))
        self.scale = setting.signal / float(first.std())
        self.offset = float(
            brentq(lambda offset: expit(self.scale * first + offset).mean() - setting.fraud_rate, -20.0, 20.0)
        )

    def claims(self, count: int, start: float, end: float) -> Claims:
        """Draw claims of a part of the book's time, in the order of time."""
        time = np.sort(self.draw.uniform(start, end, count))
        numbers, flags, codes = self._made(count)
        chance = expit(self.scale * self._log_odds(numbers, flags, codes, time) + self.offset)
        # The amount at stake is one of the features.
        gain = MEAN_GAIN * np.exp(0.8 * numbers[:, 0] + 0.6 * self.draw.normal(size=count) - 0.5)
        return Claims(numbers, flags, codes, time, chance, gain)

    def book(self) -> Book:
        """Draw a book with outcomes, as a training sees it."""
        claims = self.claims(self.setting.claims, 0.0, 1.0)
        count = len(claims.chance)
        fraud = (self.draw.random(count) < claims.chance).astype(np.float64)
        audited = self.draw.random(count) < (0.03 if self.setting.investigated else 0.0)
        known = np.ones(count, dtype=np.bool_)
        if self.setting.investigated:
            known = audited | (self.draw.random(count) < np.clip(2.0 * claims.chance, 0.02, 0.8))
        event = _START + (claims.time * _DAYS * 86_400e6).astype("timedelta64[us]")
        none = np.full(count, None, dtype=object)
        snapshot = Snapshot(
            "", claims.columns(), event, np.where(known, fraud, np.nan), np.full_like(event, "NaT"), none
        )
        split = by_time(event, None, known)
        self.spec = ordered(SPEC, snapshot.of(split.rows(TRAIN)))
        matrix = encode(self.spec, snapshot.columns)
        sampling = sample_weights(matrix, known, audited)
        return Book(snapshot, split, matrix, sampling, claims.gain, audited)

    @cached_property
    def fresh(self) -> Claims:
        """Claims that come after the book."""
        return self.claims(FRESH, 1.0, 1.25)

    def _made(self, count: int) -> tuple[Floats, npt.NDArray[np.bool_], npt.NDArray[np.intp]]:
        numbers = self.draw.normal(size=(count, NUMBERS))
        flags = self.draw.random((count, len(FLAGS))) < (0.3, 0.6)
        codes = np.stack([self.draw.integers(0, levels, count) for levels in CATEGORIES.values()], axis=1)
        return numbers, flags, codes

    def _log_odds(
        self, numbers: Floats, flags: npt.NDArray[np.bool_], codes: npt.NDArray[np.intp], time: Floats
    ) -> Floats:
        angle = self.setting.drift * time
        then, later = (
            effects.log_odds(numbers, flags, codes, self.strength) for effects in (self.then, self.later)
        )
        return np.asarray(np.cos(angle) * then + np.sin(angle) * later)


class _Effects:
    """Linear effects and interactions of the features."""

    def __init__(self, draw: np.random.Generator) -> None:
        self.weight = draw.normal(size=NUMBERS) * (np.arange(NUMBERS) < NUMBERS - 2)
        self.flag = draw.normal(size=len(FLAGS))
        self.category = [draw.normal(size=levels) for levels in CATEGORIES.values()]
        self.pair = [draw.choice(NUMBERS, 2, replace=False) for _ in range(_PAIRS)]
        self.pair_weight = draw.normal(size=_PAIRS)
        self.at = draw.normal(size=_PAIRS) * 0.5
        self.switch = draw.normal(size=next(iter(CATEGORIES.values())))
        self.bend = draw.normal()

    def log_odds(
        self,
        numbers: Floats,
        flags: npt.NDArray[np.bool_],
        codes: npt.NDArray[np.intp],
        strength: float,
    ) -> Floats:
        """Return log-odds of about unit variance, of which ``strength`` comes from interactions."""
        linear = numbers @ self.weight + flags @ self.flag
        for place, effect in enumerate(self.category):
            linear = linear + effect[codes[:, place]]
        mixed = np.zeros(len(numbers))
        for (one, two), weight, at in zip(self.pair, self.pair_weight, self.at, strict=True):
            mixed += weight * numbers[:, one] * (numbers[:, two] > at)
        # A category decides in which direction a number counts, and another number counts by distance.
        mixed += self.switch[codes[:, 0]] * numbers[:, 1] + self.bend * np.abs(numbers[:, 2])
        return np.asarray(
            np.sqrt(1.0 - strength) * (linear - linear.mean()) / _spread(linear)
            + np.sqrt(strength) * (mixed - mixed.mean()) / _spread(mixed)
        )


def _spread(values: Floats) -> float:
    return float(values.std()) or 1.0


SPEC = FeatureSpec(
    (
        *(Feature(f"number_{place}", "number", f"number_{place}") for place in range(NUMBERS)),
        *(Feature(name, "flag", name) for name in FLAGS),
        *(
            Feature(name, "category", name, tuple(f"{name} {code}" for code in range(levels)))
            for name, levels in CATEGORIES.items()
        ),
    ),
    None,
)
