"""Profiles: counts of a feature's values in bins, small enough to keep forever.

Profiles with the same bins merge by addition, so the profiles of chunks add up to those of any window.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.features import Columns, Feature, FeatureSpec, Gaps, Matrix, encode, gaps
from claimwatch.domain.model.fraud_rates import FraudRates

type Floats = npt.NDArray[np.float64]

BINS = 100
"""The bins of a number, so that its median is exact to a hundredth of the claims.

Numbers that have a bin of their own add a second one, for the numbers in the gap before them.
"""

SCORE_STEPS = 1000
"""The number of steps between the reference's quantiles of the score."""

_ANY = (None, None)


@dataclass(frozen=True)
class Profile:
    """Counts of one feature's values.

    For a number, ``counts[i]`` is the number of values above ``edges[i - 1]`` and up to ``edges[i]``; the
    first and the last bin are open, so there is one more bin than edges. For a category, ``counts`` follows
    ``categories``. ``rows`` counts all claims, including ``missing`` and ``unseen`` values. ``total`` and
    ``squares`` are the sums of the present numbers and of their squares. ``below`` and ``above`` count the
    numbers outside of the reference's range; in the reference itself they are 0.
    """

    edges: tuple[float, ...]
    categories: tuple[str, ...]
    counts: tuple[int, ...]
    rows: int
    missing: int = 0
    unseen: int = 0
    total: float = 0.0
    squares: float = 0.0
    minimum: float | None = None
    maximum: float | None = None
    below: int = 0
    above: int = 0

    def __post_init__(self) -> None:
        bins = len(self.categories) or len(self.edges) + 1
        if len(self.counts) != bins or self.rows != sum(self.counts) + self.missing + self.unseen:
            raise ValueError("the counts of a profile do not add up")

    @classmethod
    def of_numbers(
        cls, values: npt.ArrayLike, edges: tuple[float, ...], seen: tuple[float | None, float | None] = _ANY
    ) -> Self:
        """Return the profile of numbers, nan if missing; ``seen`` is the range of the reference."""
        given = np.asarray(values, dtype=np.float64)
        present = given[~np.isnan(given)]
        bins = np.searchsorted(np.asarray(edges), present, side="left")
        return cls(
            edges=edges,
            categories=(),
            counts=tuple(np.bincount(bins, minlength=len(edges) + 1).tolist()),
            rows=len(given),
            missing=len(given) - len(present),
            total=float(present.sum()),
            squares=float(np.square(present).sum()),
            minimum=float(present.min()) if len(present) else None,
            maximum=float(present.max()) if len(present) else None,
            below=0 if seen[0] is None else int((present < seen[0]).sum()),
            above=0 if seen[1] is None else int((present > seen[1]).sum()),
        )

    @classmethod
    def of_codes(cls, codes: npt.ArrayLike, categories: tuple[str, ...], unseen: int = 0) -> Self:
        """Return the profile of categories by their codes, nan if missing or among the ``unseen``."""
        given = np.asarray(codes)
        present = given[~np.isnan(given)].astype(np.int64)
        return cls(
            edges=(),
            categories=categories,
            counts=tuple(np.bincount(present, minlength=len(categories)).tolist()),
            rows=len(given),
            missing=len(given) - len(present) - unseen,
            unseen=unseen,
        )

    @property
    def present(self) -> int:
        """The number of values that are neither missing nor unseen."""
        return self.rows - self.missing - self.unseen

    @property
    def seen(self) -> tuple[float | None, float | None]:
        """The least and the greatest number."""
        return self.minimum, self.maximum

    @property
    def ordered(self) -> tuple[int, ...]:
        """The counts of a number's bins in order, with numbers outside of the reference's range apart."""
        within = list(self.counts)
        within[0] -= self.below
        within[-1] -= self.above
        return (self.below, *within, self.above)

    @property
    def outside(self) -> int:
        """The number of values outside of the reference's range."""
        return self.below + self.above

    @property
    def mean(self) -> float:
        """The mean of the present numbers; nan without any."""
        return self.total / self.present if self.present else float("nan")

    def merge(self, other: Self) -> Self:
        """Return the profile of both together; raises ``ValueError`` if their bins differ."""
        if (self.edges, self.categories) != (other.edges, other.categories):
            raise ValueError("only profiles with the same bins can be merged")
        lows = [low for low in (self.minimum, other.minimum) if low is not None]
        highs = [high for high in (self.maximum, other.maximum) if high is not None]
        return type(self)(
            edges=self.edges,
            categories=self.categories,
            counts=tuple(one + two for one, two in zip(self.counts, other.counts, strict=True)),
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            unseen=self.unseen + other.unseen,
            total=self.total + other.total,
            squares=self.squares + other.squares,
            minimum=min(lows, default=None),
            maximum=max(highs, default=None),
            below=self.below + other.below,
            above=self.above + other.above,
        )

    def without(self, part: Self, reference: Self) -> Self:
        """Return the profile of the claims that are not in ``part``, some of the claims of this profile.

        The least and the greatest number are known only as bounds: those of all claims or, if no number
        is outside of the reference's range, that range.
        """
        if (self.edges, self.categories) != (part.edges, part.categories):
            raise ValueError("only profiles with the same bins can be subtracted")

        def less(name: str) -> int:
            return max(int(getattr(self, name)) - int(getattr(part, name)), 0)

        counts = tuple(max(one - two, 0) for one, two in zip(self.counts, part.counts, strict=True))
        missing, unseen, below, above = map(less, ("missing", "unseen", "below", "above"))
        lowest, highest = self.seen if any(counts) else (None, None)
        usual_lowest, usual_highest = reference.seen
        if lowest is not None and usual_lowest is not None and not below:
            lowest = max(lowest, usual_lowest)
        if highest is not None and usual_highest is not None and not above:
            highest = min(highest, usual_highest)
        return type(self)(
            edges=self.edges,
            categories=self.categories,
            counts=counts,
            rows=sum(counts) + missing + unseen,
            missing=missing,
            unseen=unseen,
            total=self.total - part.total if any(counts) else 0.0,
            squares=max(self.squares - part.squares, 0.0) if any(counts) else 0.0,
            minimum=lowest,
            maximum=highest,
            below=below,
            above=above,
        )

    def quantile(self, share: float) -> float | None:
        """Return the upper end of the quantile's bin; None without numbers.

        Edges are values that occurred, so the quantile is exact for numbers with few distinct values.
        """
        if self.categories or not self.present or self.maximum is None:
            return None
        place = int(np.searchsorted(np.cumsum(self.counts), share * self.present, side="left"))
        return min(self.edges[place], self.maximum) if place < len(self.edges) else self.maximum

    @cached_property
    def typical(self) -> float | str | None:
        """The median of a number, or the most frequent category; None if no value is present."""
        if not self.present:
            return None
        return self.categories[int(np.argmax(self.counts))] if self.categories else self.quantile(0.5)

    @cached_property
    def most_frequent(self) -> float | None:
        """The upper end of the fullest bin of a number; None if that bin is open."""
        place = int(np.argmax(self.counts))
        return self.edges[place] if place < len(self.edges) else None

    def to_json(self) -> dict[str, Any]:
        """Return plain values that ``from_json`` reads."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_json(cls, read: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` wrote."""
        plain: dict[str, Any] = dict(read)
        lists = ("edges", "categories", "counts")
        return cls(**plain | {name: tuple(plain[name]) for name in lists})


@dataclass(frozen=True)
class Reference:
    """Profiles of the claims and scores that new claims are compared with.

    ``score_quantiles`` are the quantiles of the probability at 0, 1, ... ``SCORE_STEPS`` thousandths.
    ``fraud_rates`` are those of the training claims, by feature: of no personal feature, and of none in
    bundles that were written without them.
    """

    features: Mapping[str, Profile]
    score: Profile
    score_quantiles: tuple[float, ...]
    fraud_rates: Mapping[str, FraudRates] = field(default_factory=dict)

    def percentile(self, probability: npt.ArrayLike) -> Floats:
        """Return the percentage of the reference's scores that are at most this probability."""
        return np.interp(np.asarray(probability, dtype=np.float32), *self._steps)

    @cached_property
    def _steps(self) -> tuple[npt.NDArray[np.float32], Floats]:
        """The quantiles of the score, and their percentages.

        In 32 bits, as scores are served: between smaller numbers, steps are too steep for a float.
        """
        known = np.asarray(self.score_quantiles, dtype=np.float32)
        return known, np.linspace(0.0, 100.0, len(known))

    def to_json(self) -> str:
        """Return text that ``from_json`` reads."""
        return json.dumps(
            {
                "features": {name: profile.to_json() for name, profile in self.features.items()},
                "score": self.score.to_json(),
                "score_quantiles": list(self.score_quantiles),
                "fraud_rates": {name: rates.to_json() for name, rates in self.fraud_rates.items()},
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what ``to_json`` wrote."""
        read = json.loads(text)
        return cls(
            {name: Profile.from_json(profile) for name, profile in read["features"].items()},
            Profile.from_json(read["score"]),
            tuple(read["score_quantiles"]),
            {name: FraudRates.from_json(rates) for name, rates in read.get("fraud_rates", {}).items()},
        )


def reference_of(spec: FeatureSpec, columns: Columns, probability: npt.ArrayLike) -> Reference:
    """Return the reference of a model: profiles of claims, and of the probabilities of these or others."""
    matrix = encode(spec, columns)
    found = gaps(spec, columns, matrix)
    scores = np.asarray(probability, dtype=np.float64)
    steps = np.linspace(0.0, 1.0, SCORE_STEPS + 1)
    return Reference(
        {
            feature.name: _profile(feature, matrix[:, place], found, number_edges(matrix[:, place]))
            for place, feature in enumerate(spec.features)
        },
        Profile.of_numbers(scores, number_edges(scores)),
        tuple(np.quantile(scores, steps).tolist()),
    )


def profiles_of(
    spec: FeatureSpec, columns: Columns, matrix: Matrix, reference: Reference
) -> dict[str, Profile]:
    """Return profiles of other claims in the reference's bins; ``matrix`` is their encoding."""
    found = gaps(spec, columns, matrix)
    return {
        feature.name: _profile(feature, matrix[:, place], found, of_old.edges, of_old.seen)
        for place, feature in enumerate(spec.features)
        for of_old in [reference.features[feature.name]]
    }


def number_edges(values: npt.ArrayLike, bins: int = BINS) -> tuple[float, ...]:
    """Return the edges of about ``bins`` bins with about equally many numbers in each.

    Every edge is one of the numbers, or the next smaller number of a float. A number that fills bins alone,
    and every number if there are few, has a bin of its own: numbers between two of them are counted apart, so
    that other numbers that replace them are detected.
    """
    given = np.asarray(values, dtype=np.float64)
    present = given[~np.isnan(given)]
    if not len(present):
        return ()
    shares = np.arange(1, bins) / bins
    distinct = np.unique(present)
    if len(distinct) < bins:
        return tuple(np.union1d(distinct, just_below(distinct)).tolist())
    edges, times = np.unique(np.quantile(present, shares, method="inverted_cdf"), return_counts=True)
    alone = edges[times > 1]
    places = np.searchsorted(distinct, alone)
    before = distinct[places[places > 0] - 1]
    return tuple(np.unique(np.concatenate([edges, before, just_below(alone)])).tolist())


def just_below(numbers: npt.ArrayLike) -> Floats:
    """Return the next smaller number of each, in 32 bits if it fits: encoded features have no other."""
    given = np.asarray(numbers, dtype=np.float64)
    with np.errstate(over="ignore"):
        short = given.astype(np.float32)
    return np.where(
        short == given,
        np.nextafter(short, np.float32(-np.inf)).astype(np.float64),
        np.nextafter(given, -np.inf),
    )


def _profile(
    feature: Feature,
    values: Matrix,
    found: Gaps,
    edges: tuple[float, ...],
    seen: tuple[float | None, float | None] = _ANY,
) -> Profile:
    if feature.kind == "category":
        return Profile.of_codes(values, feature.categories, found.unseen.get(feature.name, 0))
    return Profile.of_numbers(values, edges, seen)
