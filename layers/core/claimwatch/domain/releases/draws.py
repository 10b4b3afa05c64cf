"""Draws that depend on nothing but a seed and a name, so that they are the same in every process."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True)
class Draws:
    """Reproducible draws; no draw depends on how many others were made before."""

    seed: str

    def below(self, bound: int, *name: object) -> int:
        """Return a whole number from 0 to ``bound - 1``; each name has its own."""
        text = "\0".join(map(str, (self.seed, *name)))
        return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()) % bound

    def shuffled[T](self, values: Sequence[T], *name: object) -> list[T]:
        """Return the values in an order of their own for each name."""
        places = sorted(range(len(values)), key=lambda place: self.below(1 << 62, *name, place))
        return [values[place] for place in places]
