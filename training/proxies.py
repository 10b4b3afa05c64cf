"""How well each feature alone tells the groups of each protected attribute.

A model that uses no protected attribute can still treat its groups differently, through a feature that stands
for it. Measured on the training claims, with or without an outcome:

- The ROC-AUC with which the feature tells a group from all other claims. Numbers are divided at quantiles;
  the claims of a value, or of a bin, have the group's share among them in the other half of the claims. So
  relations that rise and fall are found, a missing value counts as a value, and a small group has no high
  area by chance.
- The rank correlation of two numbers: of a number, date or flag with a number or date that is protected.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from claimwatch.domain.evaluation.groups import NOT_KNOWN, OTHERS, Groups, Values
from claimwatch.domain.model.features import FeatureSpec, Matrix
from training.rank_correlation import rank_correlation
from training.strong_features import bins_of

type Floats = npt.NDArray[np.float64]
type Places = npt.NDArray[np.intp]

STRONG = 0.9
"""The ROC-AUC, or the rank correlation, from which a feature stands for a protected attribute."""

MOST_CLAIMS = 100_000
"""The most claims that are measured; of more, evenly spaced ones."""

_PRIOR = 1.0
"""Claims with the group's overall share that are added to each bin."""


@dataclass(frozen=True)
class Proxy:
    """How strongly a feature is related to a protected attribute, by the stronger of two measures.

    ``group`` is the group that the feature tells best; empty for a rank correlation.
    """

    feature: str
    column: str
    attribute: str
    strength: float
    group: str = ""

    @property
    def measure(self) -> str:
        """The measure and what it is about, as part of a sentence."""
        if not self.group:
            return f"rank correlation {self.strength:.2f} with {self.attribute}"
        return f"ROC-AUC {self.strength:.2f} for {self.attribute} = {self.group}"


def proxies(
    spec: FeatureSpec,
    matrix: Matrix,
    groups: Mapping[str, Values],
    numbers: Mapping[str, Floats],
    smallest: int,
) -> list[Proxy]:
    """Return the relation of every feature with every protected attribute, the strongest first.

    ``groups`` are the named groups of each claim by attribute, ``numbers`` the numbers of attributes that are
    numbers or dates. Groups of fewer than ``smallest`` claims are left out.
    """
    step = -(-len(matrix) // MOST_CLAIMS) or 1
    some = slice(None, None, step)
    binned = [bins_of(matrix[some, place]) for place in range(len(spec.features))]
    found = []
    for attribute, values in groups.items():
        divided = Groups.of(values[some], smallest)
        for place, feature in enumerate(spec.features):
            best = _best_told(divided, binned[place], smallest)
            number = numbers.get(attribute)
            correlation = 0.0
            if number is not None and feature.kind != "category":
                correlation = abs(rank_correlation(matrix[some, place], number[some]))
            if best is None and not correlation:
                continue
            group, area = best or ("", 0.0)
            found.append(
                Proxy(feature.name, feature.column, attribute, correlation)
                if correlation >= min(area, STRONG)
                else Proxy(feature.name, feature.column, attribute, area, group)
            )
    return sorted(found, key=lambda each: (-each.strength, each.feature, each.attribute))


def strong(found: Sequence[Proxy]) -> list[Proxy]:
    """Return the relations from which a feature stands for a protected attribute."""
    return [each for each in found if each.strength >= STRONG]


def _best_told(groups: Groups, bins: Places, smallest: int) -> tuple[str, float] | None:
    """Return the group that bins tell best from all other claims, with its ROC-AUC."""
    sizes = np.bincount(groups.place, minlength=len(groups.names))
    large = [
        place
        for place, name in enumerate(groups.names)
        if name not in (NOT_KNOWN, OTHERS) and min(sizes[place], len(bins) - sizes[place]) >= smallest
    ]
    if not large or len(bins) < 2 * smallest:
        return None
    areas = _areas(groups.place, len(groups.names), bins)
    best = max(large, key=lambda place: areas[place])
    return groups.names[best], float(areas[best])


def _areas(place: Places, groups: int, bins: Places) -> Floats:
    """Return the ROC-AUC of every group, from the shares of the bins in the other half of the claims."""
    count = int(bins.max()) + 1
    # Drawn, because claims may alternate by their ids.
    drawn = np.random.default_rng(0).permutation(len(bins)) % 2
    halves = [
        np.bincount(bins[drawn == half] * groups + place[drawn == half], minlength=count * groups)
        .reshape(count, groups)
        .astype(np.float64)
        for half in (0, 1)
    ]
    found = np.zeros(groups)
    for learnt, tested in (halves, halves[::-1]):
        share = (learnt + _PRIOR * learnt.sum(axis=0) / learnt.sum()) / (
            learnt.sum(axis=1, keepdims=True) + _PRIOR
        )
        order = np.argsort(share, axis=0, kind="stable")
        inside = np.take_along_axis(tested, order, axis=0)
        outside = np.take_along_axis(tested.sum(axis=1, keepdims=True) - tested, order, axis=0)
        pairs = inside.sum(axis=0) * outside.sum(axis=0)
        below = np.cumsum(outside, axis=0) - outside / 2.0
        found += (
            np.divide((inside * below).sum(axis=0), pairs, out=np.full(groups, 0.5), where=pairs > 0.0) / 2
        )
    return found
