"""A simulated book of 30 features with known distributions, from which weeks without drift can be drawn.

The counts of n independent draws in bins are multinomial. The counts of a week are therefore drawn directly
with the true probabilities of the bins, which has the same distribution as drawing and binning n claims.
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
    """A feature: a distribution of numbers, of which a share is ``zero``, or weights of categories."""

    name: str
    numbers: Any = None
    weights: tuple[float, ...] = ()
    zero: float = 0.0
    missing: float = 0.0

    @property
    def discrete(self) -> bool:
        """Whether the numbers are counts."""
        return hasattr(self.numbers.dist, "pmf")

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of the categories."""
        return tuple(f"c{code:02}" for code in range(len(self.weights)))

    def shifted(self, deviations: float) -> "Simulated":
        """Return the feature with its mean raised by this many standard deviations; counts stay counts."""
        by = deviations * float(self.numbers.std())
        if self.discrete:
            return replace(self, numbers=stats.poisson(float(self.numbers.mean()) + by))
        moved = dict(self.numbers.kwds)
        moved["loc"] = moved.get("loc", 0.0) + by
        return replace(self, numbers=self.numbers.dist(*self.numbers.args, **moved))

    def values(self, uniform: Floats) -> Floats:
        """Return the number or the category's code at each quantile; nan if missing."""
        quantile = uniform / (1.0 - self.missing)
        missing = quantile >= 1.0
        quantile = np.where(missing, 0.5, quantile)
        if self.weights:
            found = np.searchsorted(np.cumsum(self.weights), quantile, side="right").astype(np.float64)
            found = np.minimum(found, len(self.weights) - 1.0)
        else:
            above = np.maximum(quantile - self.zero, 0.0) / (1.0 - self.zero)
            found = np.where(quantile < self.zero, 0.0, self.numbers.ppf(above))
        return np.where(missing, np.nan, found)

    def profile(self, values: Floats, reference: Profile | None = None) -> Profile:
        """Return the profile of a sample in the bins of the reference, or in its own bins."""
        if self.weights:
            return Profile.of_codes(values, self.categories)
        if reference is None:
            return Profile.of_numbers(values, number_edges(values))
        return Profile.of_numbers(values, reference.edges, reference.seen)

    def reference(self, uniform: Floats) -> Profile:
        """Return the profile of a reference sample."""
        return self.profile(self.values(uniform))

    def probabilities(self, reference: Profile) -> Floats:
        """Return the probability of each of the reference's bins for a value that is present."""
        if self.weights:
            return np.array(self.weights)
        edges = np.array(reference.edges)
        reached = self.zero * (edges >= 0.0) + (1.0 - self.zero) * self.numbers.cdf(edges)
        return np.diff(reached, prepend=0.0, append=1.0)

    def week(
        self, rng: np.random.Generator, reference: Profile, probabilities: Floats, claims: int
    ) -> Profile:
        """Draw a week's profile; sums and limits, which no verdict uses, are taken from the reference."""
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
    *(Simulated(f"normal{number}", stats.norm(loc=50, scale=10)) for number in range(6)),
    *(
        Simulated(f"normal_gaps{number}", stats.norm(scale=1), missing=gap)
        for number, gap in enumerate((0.05, 0.3))
    ),
    *(
        Simulated(f"amount{number}", stats.lognorm(s=spread, scale=3000))
        for number, spread in enumerate((0.5, 1, 1.5))
    ),
    Simulated("amount_or_none", stats.lognorm(s=1, scale=800), zero=0.6),
    *(Simulated(f"wait{number}", stats.gamma(shape, scale=20)) for number, shape in enumerate((0.7, 1, 3))),
    *(
        Simulated(f"uniform{number}", stats.uniform(loc=0, scale=100), missing=0.02 * number)
        for number in range(2)
    ),
    *(Simulated(f"count{number}", stats.poisson(mean)) for number, mean in enumerate((0.3, 2, 8, 300))),
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
    """A reference and the distributions of the weeks after it."""

    features: tuple[Simulated, ...]
    reference: Profiles
    score: Profile
    probabilities: Mapping[str, Floats]

    @classmethod
    def drawn(cls, rng: np.random.Generator, claims: int) -> "Book":
        """Draw a book whose reference has this many claims."""
        reference = {feature.name: feature.reference(rng.random(claims)) for feature in FEATURES}
        score = SCORE.reference(rng.random(claims))
        return cls(FEATURES, reference, score, {}).with_probabilities()

    def with_probabilities(self) -> "Book":
        """Return the book with the probabilities of its bins."""
        found = {
            feature.name: feature.probabilities(self.reference[feature.name]) for feature in self.features
        }
        return replace(self, probabilities=found | {SCORE.name: SCORE.probabilities(self.score)})

    def shifted(self, names: Collection[str], deviations: float) -> "Book":
        """Return the book with shifted distributions of some features and the same reference."""
        features = tuple(
            feature.shifted(deviations) if feature.name in names else feature for feature in self.features
        )
        return replace(self, features=features).with_probabilities()

    def week(self, rng: np.random.Generator, claims: int) -> tuple[Profiles, Profile]:
        """Draw the profiles of a week with this many claims."""
        drawn = {
            feature.name: feature.week(
                rng, self.reference[feature.name], self.probabilities[feature.name], claims
            )
            for feature in self.features
        }
        return drawn, SCORE.week(rng, self.score, self.probabilities[SCORE.name], claims)
