"""Groups of claims: by a protected attribute, by two of them, or by the values of a feature."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.features import Feature, FeatureSpec, Matrix
from claimwatch.domain.model.profile import Profile

type Mask = npt.NDArray[np.bool_]

NOT_KNOWN = "not known"
"""The group of claims without a value."""


@dataclass(frozen=True)
class Groups:
    """Names of groups, and for each claim the position of its group among them."""

    names: tuple[str, ...]
    place: npt.NDArray[np.int64]

    @classmethod
    def of(cls, values: npt.NDArray[np.object_]) -> Self:
        """Return one group for each value, named by its text."""
        listed = values.tolist()
        text = {value: _text(value) for value in dict.fromkeys(listed)}
        places = {name: place for place, name in enumerate(dict.fromkeys(text.values()))}
        return cls(tuple(places), np.array([places[text[value]] for value in listed], dtype=np.int64))

    def crossed(self, other: Self) -> Self:
        """Return the non-empty intersections of these groups with ``other``."""
        there, place = np.unique(self.place * len(other.names) + other.place, return_inverse=True)
        pairs = [divmod(pair, len(other.names)) for pair in there.tolist()]
        return type(self)(tuple(f"{self.names[one]}, {other.names[two]}" for one, two in pairs), place)

    @property
    def in_order(self) -> list[tuple[str, int]]:
        """The names in alphabetical order, with their positions."""
        return sorted((name, place) for place, name in enumerate(self.names))

    @property
    def rows(self) -> list[tuple[str, Mask]]:
        """The names in alphabetical order, each with the claims in the group."""
        return [(name, self.place == place) for name, place in self.in_order]


def segments(
    spec: FeatureSpec, reference: Mapping[str, Profile], matrix: Matrix
) -> dict[str, npt.NDArray[np.object_]]:
    """Return the segment of each claim by feature: text, or None if the claim has no value.

    ``matrix`` [claims, features] are the encoded claims. Numbers are cut at the quartiles of the reference.
    """
    found = {}
    for place, feature in enumerate(spec.features):
        names, codes = _segments(feature, matrix[:, place], reference[feature.name])
        found[feature.name] = np.array([*names, None], dtype=object)[codes]
    return found


def _segments(feature: Feature, values: Matrix, reference: Profile) -> tuple[list[str], npt.NDArray[np.intp]]:
    """Return the names of a feature's segments, and for each claim the position of its own, -1 for none."""
    codes: npt.NDArray[np.generic]
    if feature.kind == "category":
        names, codes = list(feature.categories), values
    elif feature.kind == "flag":
        names, codes = ["no", "yes"], values > 0.5
    else:
        quartiles = (reference.quantile(share) for share in (0.25, 0.5, 0.75))
        cuts = sorted({cut for cut in quartiles if cut is not None})
        ends = [f"{cut:.6g}" for cut in cuts]
        names = [f"up to {ends[0]}"] if ends else ["any"]
        names += [f"{low} to {high}" for low, high in pairwise(ends)]
        names += [f"above {ends[-1]}"] if ends else []
        codes = np.searchsorted(np.array(cuts), values, side="left")
    return names, np.where(np.isnan(values), -1, codes).astype(np.intp)


def _text(value: object) -> str:
    return NOT_KNOWN if value is None or value != value else str(value)
