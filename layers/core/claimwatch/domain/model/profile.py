"""Profiles: what the values of a feature looked like, small enough to keep for ever.

Profiles with the same bins merge by addition, so that those of chunks add up to those of any window.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.features import Columns, Feature, FeatureSpec, Gaps, Matrix, encode, gaps

type Floats = npt.NDArray[np.float64]

BINS = 100
"""Most bins of a number: its median is right to a hundredth of the claims."""

SCORE_STEPS = 1000
"""Steps of the reference's quantiles of the score."""

_ANY = (None, None)


@dataclass(frozen=True)
class Profile:
    """Counts of one feature's values.

    For a number, ``counts[i]`` are the values above ``edges[i - 1]`` and up to ``edges[i]``; the first and
    the last bin are open, so there is one more than there are edges. For a category, ``counts`` are those of
    ``categories``. ``rows`` counts all claims, with those that are ``missing`` or ``unseen``. ``total`` and
    ``squares`` are the sums of the present numbers and of their squares. ``below`` and ``above`` count the
    numbers outside of the range that the reference saw; in the reference itself there are none.
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
        """The profile of numbers, nan where missing; ``seen`` are the least and the greatest before."""
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
        """The profile of categories by their codes, nan where missing or among the ``unseen``."""
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
        """Values that are neither missing nor unseen."""
        return self.rows - self.missing - self.unseen

    @property
    def seen(self) -> tuple[float | None, float | None]:
        """The least and the greatest number."""
        return self.minimum, self.maximum

    @property
    def ordered(self) -> tuple[int, ...]:
        """The counts of a number's bins in their order, those outside of the range seen by themselves."""
        within = list(self.counts)
        within[0] -= self.below
        within[-1] -= self.above
        return (self.below, *within, self.above)

    @property
    def outside(self) -> int:
        """Numbers outside of the range that the reference saw."""
        return self.below + self.above

    @property
    def mean(self) -> float:
        """Of the present numbers; nan without any."""
        return self.total / self.present if self.present else float("nan")

    def merge(self, other: Self) -> Self:
        """The profile of both together; raises ``ValueError`` if their bins differ."""
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

    def quantile(self, share: float) -> float | None:
        """The upper end of the bin that the quantile is in; None without numbers.

        Edges are values that occurred, so for numbers of few values it is exact.
        """
        if self.categories or not self.present or self.maximum is None:
            return None
        place = int(np.searchsorted(np.cumsum(self.counts), share * self.present, side="left"))
        return min(self.edges[place], self.maximum) if place < len(self.edges) else self.maximum

    @cached_property
    def typical(self) -> float | str | None:
        """The median of a number, the most frequent category; None where nothing is present."""
        if not self.present:
            return None
        return self.categories[int(np.argmax(self.counts))] if self.categories else self.quantile(0.5)

    @cached_property
    def most_frequent(self) -> float | None:
        """The upper end of the fullest bin of a number; None where that bin is open."""
        place = int(np.argmax(self.counts))
        return self.edges[place] if place < len(self.edges) else None

    def to_json(self) -> dict[str, Any]:
        """Plain values that ``from_json`` reads."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_json(cls, read: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` wrote."""
        plain: dict[str, Any] = dict(read)
        lists = ("edges", "categories", "counts")
        return cls(**plain | {name: tuple(plain[name]) for name in lists})


@dataclass(frozen=True)
class Reference:
    """What a model's training claims looked like, and what it made of the claims that it was tried on.

    ``score_quantiles`` are those of the probability at 0, 1, ... ``SCORE_STEPS`` thousandths.
    """

    features: Mapping[str, Profile]
    score: Profile
    score_quantiles: tuple[float, ...]

    def percentile(self, probability: npt.ArrayLike) -> Floats:
        """The share of the reference's scores that are at most this one, 0 to 100."""
        steps = np.linspace(0.0, 100.0, len(self.score_quantiles))
        # In 32 bits, as scores are served: steps between yet smaller numbers are too steep for a float.
        asked, known = (
            np.asarray(scores, dtype=np.float32) for scores in (probability, self.score_quantiles)
        )
        return np.interp(asked, known, steps)

    def to_json(self) -> str:
        """Text that ``from_json`` reads."""
        return json.dumps(
            {
                "features": {name: profile.to_json() for name, profile in self.features.items()},
                "score": self.score.to_json(),
                "score_quantiles": list(self.score_quantiles),
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
        )


def reference_of(spec: FeatureSpec, columns: Columns, probability: npt.ArrayLike) -> Reference:
    """The reference of a model: profiles of these claims, and of the probabilities of these or others."""
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
    """Profiles of other claims, in the reference's bins; ``matrix`` is what ``encode`` made of them."""
    found = gaps(spec, columns, matrix)
    return {
        feature.name: _profile(feature, matrix[:, place], found, of_old.edges, of_old.seen)
        for place, feature in enumerate(spec.features)
        for of_old in [reference.features[feature.name]]
    }


def number_edges(values: npt.ArrayLike, bins: int = BINS) -> tuple[float, ...]:
    """Edges of at most so many bins, with about as many of these numbers in each; all are among them.

    A number that fills bins by itself has one of its own, so that others that take its place are seen.
    """
    given = np.asarray(values, dtype=np.float64)
    present = given[~np.isnan(given)]
    if not len(present):
        return ()
    shares = np.arange(1, bins) / bins
    distinct = np.unique(present)
    if len(distinct) < bins:
        return tuple(distinct.tolist())
    edges, times = np.unique(np.quantile(present, shares, method="inverted_cdf"), return_counts=True)
    places = np.searchsorted(distinct, edges[times > 1])
    return tuple(np.union1d(edges, distinct[places[places > 0] - 1]).tolist())


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
