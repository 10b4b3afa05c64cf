"""Groups of claims: by a protected attribute, by two of them, or by the values of a feature.

What is said about a group is read by many people, so no figure is about a few persons: a group has figures
of its own only if it is large, a smaller one at most its number of claims, and the values of personal columns
name no group.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import Self

import numpy as np
import numpy.typing as npt

from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.model.features import Feature, FeatureSpec, Matrix
from claimwatch.domain.model.profile import Profile

type Mask = npt.NDArray[np.bool_]
type Values = npt.NDArray[np.object_]

SMALLEST = 50
"""The least claims of a group that has figures of its own; smaller groups are summed as ``OTHERS``."""

LEAST_COUNTED = 5
"""The least claims of a small group whose number is reported, beside its part in ``OTHERS``."""

MOST_GROUPS = 50
"""The most groups that are named, the largest; the rest is summed as ``OTHERS``.

A column with more values can identify persons: of its small groups, not even the number is reported.
"""

LONGEST_NAME = 100
"""Characters of a value that its group is named by; values that begin with the same ones are one group."""

NOT_KNOWN = "not known"
"""The group of claims without a value."""

OTHERS = "other values"
"""The group of all claims whose own group is not named."""


@dataclass(frozen=True)
class Groups:
    """Names of groups, and for each claim the position of its group among them.

    ``counted_only`` are groups that are summed as ``OTHERS``, but have enough claims for their number to be
    reported: their names and numbers, the largest first.
    """

    names: tuple[str, ...]
    place: npt.NDArray[np.intp]
    counted_only: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, values: Values, smallest: int = SMALLEST, counting: Mask | None = None) -> Self:
        """Return one group for each value that is frequent enough, named by its text, and ``OTHERS``.

        ``counting`` are the claims that count for the size of a group, by default all.
        """
        listed = values.tolist()
        text = {value: _text(value) for value in dict.fromkeys(listed)}
        places = {name: place for place, name in enumerate(dict.fromkeys(text.values()))}
        place = np.array([places[text[value]] for value in listed], dtype=np.intp)
        every = cls(tuple(places), place)
        return replace(every.summed(smallest, counting), counted_only=every._few(smallest, counting))

    def crossed(self, other: Self, smallest: int = SMALLEST, counting: Mask | None = None) -> Self:
        """Return the intersections of these groups with ``other`` that are large enough, and ``OTHERS``."""
        there, place = np.unique(self.place * len(other.names) + other.place, return_inverse=True)
        pairs = [divmod(pair, len(other.names)) for pair in there.tolist()]
        names = tuple(f"{self.names[one]}, {other.names[two]}" for one, two in pairs)
        return type(self)(names, place).summed(smallest, counting)

    def summed(self, smallest: int, counting: Mask | None = None) -> Self:
        """Return these groups with all that may not be named summed as ``OTHERS``."""
        named = sorted((-size, name) for name, size in self._sizes(counting) if size >= max(smallest, 1))[
            :MOST_GROUPS
        ]
        kept = {name for _, name in named} | {NOT_KNOWN}
        names = {name: name if name in kept else OTHERS for name in self.names}
        places = {name: place for place, name in enumerate(dict.fromkeys(names.values()))}
        moved = np.array([places[names[name]] for name in self.names], dtype=np.intp)
        return type(self)(tuple(places), moved[self.place] if len(moved) else self.place)

    def _few(self, smallest: int, counting: Mask | None) -> tuple[tuple[str, int], ...]:
        """Return the small groups whose number is reported; none of a column that may identify persons."""
        if len(self.names) > MOST_GROUPS:
            return ()
        few = sorted(
            (-size, name)
            for name, size in self._sizes(counting)
            if LEAST_COUNTED <= size < smallest and name not in (NOT_KNOWN, OTHERS)
        )
        return tuple((name, -size) for size, name in few)

    def _sizes(self, counting: Mask | None) -> list[tuple[str, int]]:
        counted = self.place if counting is None else self.place[counting]
        sizes = np.bincount(counted, minlength=len(self.names)).tolist()
        return list(zip(self.names, sizes, strict=True))

    @property
    def in_order(self) -> list[tuple[str, int]]:
        """The names in alphabetical order, with their positions."""
        return sorted((name, place) for place, name in enumerate(self.names))

    @property
    def rows(self) -> Iterator[tuple[str, Mask]]:
        """The names in alphabetical order, each with the claims in the group."""
        return ((name, self.place == place) for name, place in self.in_order)


def numbered(samples: Sequence[Values], smallest: int = SMALLEST) -> list[Values]:
    """Return values of a personal column as "group 1", "group 2" and so on, the same in every sample.

    Values that are rarer than ``smallest`` in all samples together become ``OTHERS``.
    """
    counts = Counter(_text(value) for value in chain.from_iterable(sample.tolist() for sample in samples))
    frequent = sorted(text for text, count in counts.items() if count >= smallest and text != NOT_KNOWN)
    names = {NOT_KNOWN: NOT_KNOWN} | {text: f"group {place}" for place, text in enumerate(frequent, 1)}
    return [
        np.array([names.get(_text(value), OTHERS) for value in sample.tolist()], dtype=object)
        for sample in samples
    ]


def segments(
    spec: FeatureSpec, reference: Mapping[str, Profile], matrix: Matrix, contract: Contract
) -> dict[str, Values]:
    """Return the segment of each claim by feature: text, or None if the claim has no value.

    ``matrix`` [claims, features] are the encoded claims. Numbers are cut at the quartiles of the reference.
    Features from columns that are personal, now or when the model was trained, have no segments.
    """
    found = {}
    personal = {column.name for column in contract.columns if column.personal}
    for place, feature in enumerate(spec.features):
        if feature.personal or feature.column in personal:
            continue
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
    """Return the name of a value's group, on one line."""
    if value is None or value != value:
        return NOT_KNOWN
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"
