"""A made-up book of 30 features whose distributions are known, so that weeks without drift can be drawn.

How many of n independent draws fall into each bin is multinomial. So the counts of a week are drawn as such,
with the bins' true probabilities, and are distributed exactly as if n claims had been drawn and binned.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from claimwatch.domain.model.profile import Profile, number_edges

type Floats = npt.NDArray[np.float64]
type Profiles = dict[str, Profile]


@dataclass(frozen=True)
class Simulated:
    """A feature: a distribution of numbers (a share of them ``zero`` instead), or weights of categories."""

    name: str
    numbers: Any = None
    weights: tuple[float, ...] = ()
    zero: float = 0.0
    missing: float = 0.0

    @property
    def discrete(self) -> bool:
        """Whether its numbers are counts."""
        return hasattr(self.numbers.dist, "pmf")

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of its categories."""
        return tuple(f"c{code:02}" for code in range(len(self.weights)))

    def shifted(self, deviations: float) -> "Simulated":
        """The same with a mean that is so many standard deviations higher; counts stay counts."""
        by = deviations * float(self.numbers.std())
        if self.discrete:
            return replace(self, numbers=stats.poisson(float(self.numbers.mean()) + by))
        moved = dict(self.numbers.kwds)
        moved["loc"] = moved.get("loc", 0.0) + by
        return replace(self, numbers=self.numbers.dist(*self.numbers.args, **moved))

    def values(self, uniform: Floats) -> Floats:
        """The number, or the category's code, at each quantile; nan where missing."""
        at = uniform / (1.0 - self.missing)
        missing = at >= 1.0
        at = np.where(missing, 0.5, at)
        if self.weights:
            found = np.searchsorted(np.cumsum(self.weights), at, side="right").astype(np.float64)
            found = np.minimum(found, len(self.weights) - 1.0)
        else:
            above = np.maximum(at - self.zero, 0.0) / (1.0 - self.zero)
            found = np.where(at < self.zero, 0.0, self.numbers.ppf(above))
        return np.where(missing, np.nan, found)

    def profile(self, values: Floats, reference: Profile | None = None) -> Profile:
        """The profile of a sample, in bins of its own or in those of a reference."""
        if self.weights:
            return Profile.of_codes(values, self.categories)
        if reference is None:
            return Profile.of_numbers(values, number_edges(values))
        return Profile.of_numbers(values, reference.edges, reference.seen)

    def reference(self, uniform: Floats) -> Profile:
        """The profile of a sample that others are compared with."""
        return self.profile(self.values(uniform))

    def probabilities(self, reference: Profile) -> Floats:
        """How likely a present value is in each of the reference's bins."""
        if self.weights:
            return np.array(self.weights)
        edges = np.array(reference.edges)
        reached = self.zero * (edges >= 0.0) + (1.0 - self.zero) * self.numbers.cdf(edges)
        return np.diff(reached, prepend=0.0, append=1.0)

    def week(
        self, rng: np.random.Generator, reference: Profile, probabilities: Floats, claims: int
    ) -> Profile:
        """A week's profile. Sums and ends, which no verdict depends on, are those of the reference."""
        missing = int(rng.binomial(claims, self.missing))
        counts = rng.multinomial(claims - missing, np.clip(probabilities, 0.0, 1.0))
        scale = (claims - missing) / max(reference.present, 1)
        return replace(
            reference,
            counts=tuple(counts.tolist()),
            rows=claims,
            missing=missing,
            total=reference.total * scale,
            squares=reference.squares * scale,
        )


def _zipf(categories: int, power: float) -> tuple[float, ...]:
    weights = np.arange(1.0, categories + 1.0) ** -power
    return tuple((weights / weights.sum()).tolist())


FEATURES: tuple[Simulated, ...] = (
    *(Simulated(f"normal{place}", stats.norm(loc=50, scale=10)) for place in range(6)),
    *(
        Simulated(f"normal_gaps{place}", stats.norm(scale=1), missing=gap)
        for place, gap in enumerate((0.05, 0.3))
    ),
    *(
        Simulated(f"amount{place}", stats.lognorm(s=spread, scale=3000))
        for place, spread in enumerate((0.5, 1, 1.5))
    ),
    Simulated("amount_or_none", stats.lognorm(s=1, scale=800), zero=0.6),
    *(Simulated(f"wait{place}", stats.gamma(shape, scale=20)) for place, shape in enumerate((0.7, 1, 3))),
    *(
        Simulated(f"uniform{place}", stats.uniform(loc=0, scale=100), missing=0.02 * place)
        for place in range(2)
    ),
    *(Simulated(f"count{place}", stats.poisson(mean)) for place, mean in enumerate((0.3, 2, 8, 300))),
    Simulated("flag_half", weights=(0.5, 0.5)),
    Simulated("flag_rare", weights=(0.98, 0.02)),
    Simulated("flag_gaps", weights=(0.8, 0.2), missing=0.1),
    Simulated("weekday", weights=(1 / 7,) * 7),
    *(
        Simulated(f"category{categories}", weights=_zipf(categories, power), missing=gap)
        for categories, power, gap in ((3, 0.5, 0), (8, 0.5, 0.15), (12, 1, 0.01), (20, 1.5, 0), (50, 1, 0))
    ),
)
SCORE = Simulated("score", stats.beta(0.6, 9))
MOVABLE = tuple(feature.name for feature in FEATURES if not feature.weights)


@dataclass(frozen=True)
class Book:
    """A sample to be compared with, and what the weeks after it are drawn from."""

    features: tuple[Simulated, ...]
    reference: Profiles
    score: Profile
    probabilities: Mapping[str, Floats]

    @classmethod
    def drawn(cls, rng: np.random.Generator, claims: int) -> "Book":
        """A book whose reference has so many claims."""
        reference = {feature.name: feature.reference(rng.random(claims)) for feature in FEATURES}
        score = SCORE.reference(rng.random(claims))
        return cls(FEATURES, reference, score, {}).settled()

    def settled(self) -> "Book":
        """With the probabilities of its bins."""
        found = {
            feature.name: feature.probabilities(self.reference[feature.name]) for feature in self.features
        }
        return replace(self, probabilities=found | {SCORE.name: SCORE.probabilities(self.score)})

    def shifted(self, names: Collection[str], deviations: float) -> "Book":
        """With some features whose weeks are no longer those of the reference."""
        features = tuple(
            feature.shifted(deviations) if feature.name in names else feature for feature in self.features
        )
        return replace(self, features=features).settled()

    def week(self, rng: np.random.Generator, claims: int) -> tuple[Profiles, Profile]:
        """The profiles of so many claims."""
        drawn = {
            feature.name: feature.week(
                rng, self.reference[feature.name], self.probabilities[feature.name], claims
            )
            for feature in self.features
        }
        return drawn, SCORE.week(rng, self.score, self.probabilities[SCORE.name], claims)
