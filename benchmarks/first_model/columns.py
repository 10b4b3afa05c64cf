"""Columns of strangers' books: their cells, and their share in whether a claim is a fraud."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]
type Days = npt.NDArray[np.datetime64]
type Cells = list[str]
type Draw = Callable[[np.random.Generator, Days], tuple[Cells, Floats]]


@dataclass(frozen=True)
class Field:
    """A column: ``draw`` returns the cells of claims with these event days, and an effect on the log-odds."""

    name: str
    draw: Draw


def scaled(effect: Floats) -> Floats:
    """Return an effect with mean 0 and standard deviation 1."""
    spread = float(effect.std())
    return (effect - effect.mean()) / spread if spread else effect * 0.0


def amount(name: str, typical: float, spread: float = 0.9, decimal: str = ".") -> Field:
    """Return an amount of money; large ones are suspicious."""

    def draw(rng: np.random.Generator, days: Days) -> tuple[Cells, Floats]:
        logs = rng.normal(np.log(typical), spread, len(days))
        cells = [f"{value:.2f}".replace(".", decimal) for value in np.exp(logs).tolist()]
        return cells, logs

    return Field(name, draw)


def count(name: str, mean: float) -> Field:
    """Return a count of earlier events; many are suspicious."""

    def draw(rng: np.random.Generator, days: Days) -> tuple[Cells, Floats]:
        values = rng.poisson(mean, len(days))
        return [str(value) for value in values.tolist()], np.minimum(values, 4).astype(np.float64)

    return Field(name, draw)


def level(name: str, low: float, high: float) -> Field:
    """Return a whole number between two limits, such as a mileage; a low one is suspicious."""

    def draw(rng: np.random.Generator, days: Days) -> tuple[Cells, Floats]:
        values = rng.uniform(low, high, len(days)).round()
        return [f"{value:.0f}" for value in values.tolist()], -values

    return Field(name, draw)


def word(name: str, values: Sequence[str], missing: str = "", gaps: float = 0.0) -> Field:
    """Return a category; each has an effect of its own, the same in the whole book."""
    weights = 1.0 / np.arange(1, len(values) + 1) ** 0.7
    effects = np.array([(37 * place % 11) / 5.0 - 1.0 for place in range(1, len(values) + 1)])

    def draw(rng: np.random.Generator, days: Days) -> tuple[Cells, Floats]:
        codes = rng.choice(len(values), len(days), p=weights / weights.sum())
        empty = rng.random(len(days)) < gaps
        cells = [
            missing if gap else values[code] for code, gap in zip(codes.tolist(), empty.tolist(), strict=True)
        ]
        return cells, np.where(empty, 0.0, effects[codes])

    return Field(name, draw)


def flag(name: str, yes: str, no: str, share: float) -> Field:
    """Return a flag; the claims that have it are suspicious."""

    def draw(rng: np.random.Generator, days: Days) -> tuple[Cells, Floats]:
        values = rng.random(len(days)) < share
        return [yes if value else no for value in values.tolist()], values.astype(np.float64)

    return Field(name, draw)


def since(name: str, form: str, mean_days: float) -> Field:
    """Return an earlier date, such as the start of the policy; a late one is suspicious."""

    def draw(rng: np.random.Generator, days: Days) -> tuple[Cells, Floats]:
        before = np.minimum(rng.exponential(mean_days, len(days)).round(), 9_000.0).astype(np.int64)
        cells = written(days - before.astype("timedelta64[D]"), form)
        return cells, np.exp(-before / 90.0)

    return Field(name, draw)


def written(days: Days, form: str) -> Cells:
    """Return days as text."""
    return [day.strftime(form) for day in days.astype("datetime64[D]").tolist()]
