"""Random draws that follow from the seed of a schedule, and the faults that they choose."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

RESTARTS = ("restart_immediate", "restart_immediate", "restart_fast")

type Points = Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]]
"""By step: the points at which faults are injected, each with the kinds of faults."""


@dataclass(frozen=True)
class Fault:
    """A fault that strikes when a worker passes ``point`` for the ``at``-th time (from 0)."""

    point: str
    at: int
    kind: str
    delay: float = 0.0
    """Seconds until the fault strikes, for kinds that do not block the worker."""


@dataclass(frozen=True)
class Disturbance:
    """What disturbs one invocation: faults in its worker, and the behaviour of its caller."""

    faults: tuple[Fault, ...] = ()
    twice: bool = False
    """The message is delivered twice, so that two workers process it at the same time."""
    abandoned: bool = False
    """The caller times out while the worker continues."""


@dataclass(frozen=True)
class Seeded:
    """The draws of one seed. Each draw depends on the seed and on names, never on the clock."""

    seed: int

    def random(self, *names: object) -> Random:
        """Return the random generator for the part of the schedule with these names."""
        text = "/".join(map(str, (self.seed, *names)))
        return Random(hashlib.sha256(text.encode()).digest())

    @property
    def intensity(self) -> float:
        """Probability that the first attempt at an invocation is disturbed."""
        return self.random("intensity").choice((0.15, 0.3, 0.45))

    def strikes(self) -> list[tuple[float, str]]:
        """Return external faults as (seconds from the start, kind)."""
        draw = self.random("strikes")
        kinds = ("kill_any", "kill_any", "terminate_all", *(RESTARTS if self.restarts else ()))
        return sorted((draw.uniform(0.02, 1.0), draw.choice(kinds)) for _ in range(draw.randint(0, 3)))

    @property
    def restarts(self) -> bool:
        """Whether PostgreSQL restarts in this schedule: in about half of them, because it is slow."""
        return self.random("restarts").random() < 0.5
