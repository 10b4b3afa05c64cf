"""Groups of claims: by a protected attribute, by two of them, or by the values of a feature."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

type Mask = npt.NDArray[np.bool_]

NOT_KNOWN = "not known"
"""The group of claims without a value."""


@dataclass(frozen=True)
class Groups:
    """Names of groups, and the place of each claim's among them."""

    names: tuple[str, ...]
    place: npt.NDArray[np.int64]

    @classmethod
    def of(cls, values: npt.NDArray[np.object_]) -> Self:
        """One for each value, as text."""
        listed = values.tolist()
        text = {value: _text(value) for value in dict.fromkeys(listed)}
        places = {name: place for place, name in enumerate(dict.fromkeys(text.values()))}
        return cls(tuple(places), np.array([places[text[value]] for value in listed], dtype=np.int64))

    def crossed(self, other: Self) -> Self:
        """Those of both together, as far as there are any."""
        there, place = np.unique(self.place * len(other.names) + other.place, return_inverse=True)
        pairs = [divmod(pair, len(other.names)) for pair in there.tolist()]
        return type(self)(tuple(f"{self.names[one]}, {other.names[two]}" for one, two in pairs), place)

    @property
    def in_order(self) -> list[tuple[str, int]]:
        """The names in order, with their places."""
        return sorted((name, place) for place, name in enumerate(self.names))

    @property
    def rows(self) -> list[tuple[str, Mask]]:
        """The names in order, with which claims are in each."""
        return [(name, self.place == place) for name, place in self.in_order]


def _text(value: object) -> str:
    return NOT_KNOWN if value is None or value != value else str(value)
