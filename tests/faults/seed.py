"""What every schedule has: draws that follow from its seed, faults, and strikes from outside."""

import hashlib
from dataclasses import dataclass
from random import Random

RESTARTS = ("restart_immediate", "restart_immediate", "restart_fast")


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong in a worker when it passes ``point`` for the ``at``-th time (from 0)."""

    point: str
    at: int
    kind: str
    delay: float = 0.0
    """Seconds until it strikes, of kinds that strike beside what goes on."""


@dataclass(frozen=True)
class Seeded:
    """One seed's draws. Each follows from the seed and from names, never from the clock."""

    seed: int

    def random(self, *names: object) -> Random:
        """Draws that belong to something of this schedule."""
        text = "/".join(map(str, (self.seed, *names)))
        return Random(hashlib.sha256(text.encode()).digest())

    @property
    def intensity(self) -> float:
        """How likely an invocation is disturbed on its first try."""
        return self.random("intensity").choice((0.15, 0.3, 0.45))

    def strikes(self) -> list[tuple[float, str]]:
        """(seconds from the beginning, what) of the faults that come from outside, at any time."""
        draw = self.random("strikes")
        kinds = ("kill_any", "kill_any", "terminate_all", *(RESTARTS if self.restarts else ()))
        return sorted((draw.uniform(0.02, 1.0), draw.choice(kinds)) for _ in range(draw.randint(0, 3)))

    @property
    def restarts(self) -> bool:
        """Whether PostgreSQL is restarted in this schedule: that takes long, so only in every other one."""
        return self.random("restarts").random() < 0.5
