"""The schedule of a seed for pulls: what is written to the source meanwhile, when pulls start, and faults.

Everything follows from the seed and from names: a fault belongs to an execution, a state, a window and a try.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random

from claimwatch.domain.sources.source import Mode
from tests.faults.seed import RESTARTS, Disturbance, Fault, Points, Seeded

WRITERS = 3
CALM_EXECUTION = "calm"
"""Prefix of the executions that are not disturbed, so that every schedule ends."""

OVERLAP = 3.0
"""Seconds that mode overlap reads again. No transaction of these schedules is meant to take as long."""

NOTES = (
    "",
    None,
    "plain",
    'says "no"',
    "two\nlines",
    "caf\u00e9 \u2013 \u4e8b\u6545",
    "a,b;c\\",
    "\\N",
    "NULL",
)
"""Texts of rows, with everything that CSV may break."""

POINTS: Points = {
    "plan_pull": (
        ("statement", ("kill", "terminate", "stall")),
        ("before_commit", ("kill", "kill", "terminate", "race")),
        ("after_commit", ("kill", "kill", "terminate")),
        ("connect", ("kill", "source_lost", "source_terminate")),
        ("keys", ("kill", "source_lost", "source_terminate")),
    ),
    "extract_window": (
        ("block", ("kill", "kill", "source_lost", "source_terminate", "out_of_time")),
        ("write", ("kill", "kill", "s3_500", "s3_broken", "s3_slow")),
        ("complete", ("kill", "s3_500", "late", "late")),
        ("written", ("kill", "kill", "s3_broken", "kill_soon")),
        ("statement", ("kill", "terminate", "stall")),
        ("before_commit", ("kill", "kill", "terminate", "race")),
        ("after_commit", ("kill", "kill", "terminate")),
        ("connect", ("kill", "source_lost")),
    ),
    "commit_window": (
        ("statement", ("kill", "terminate", "stall")),
        ("before_commit", ("kill", "kill", "terminate", "race")),
        ("after_commit", ("kill", "kill", "terminate")),
        ("head", ("kill", "s3_500", "s3_broken")),
        ("alert", ("kill", "throttle")),
        ("alerted", ("kill",)),
    ),
    "record_pull_failure": (
        ("before_commit", ("kill", "terminate")),
        ("after_commit", ("kill",)),
        ("alert", ("kill", "throttle")),
        ("alerted", ("kill",)),
    ),
}
_RESTARTED = ("statement", "before_commit", "after_commit")


@dataclass(frozen=True)
class Operation:
    """A statement of a transaction, after a pause; ``pick`` (0 to 1) chooses the row that it changes."""

    kind: str
    """insert, update, untouched (an update without its watermark), rename (of the key), delete, savepoint,
    rollback (to the savepoint) or release."""
    pause: float
    pick: float = 0.0
    rows: int = 1
    watermark: str = "begun"
    """begun (the clock when the transaction began), now, none (NULL), behind or ahead (a wrong clock)."""


@dataclass(frozen=True)
class Transaction:
    """What one connection does in one transaction, and how it ends."""

    pause: float
    operations: tuple[Operation, ...]
    lingers: float
    """Seconds between the last statement and the end."""
    end: str
    """commit, abort, vanish (the connection breaks) or prepare (in two phases)."""


@dataclass(frozen=True)
class Firing:
    """The scheduler starts pulls at the same moment, after some seconds."""

    at: float
    executions: int
    time_passes: bool
    """Whether the time has passed for which an earlier execution has taken the source."""


class PullSchedule(Seeded):
    """The schedule of a source with a table."""

    @cached_property
    def mode(self) -> Mode:
        """The mode of the source."""
        return self.random("mode").choice(self.modes)

    modes: Sequence[Mode] = (Mode.HORIZON, Mode.HORIZON, Mode.HORIZON, Mode.OVERLAP, Mode.DIFFERENCE)

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The columns of the key."""
        return self.random("key").choice((("claim_id",), ("branch", "claim_id")))

    @property
    def window_rows(self) -> int:
        """Rows of a window: a few windows for each cycle, or very many."""
        return self.random("window").choice((7, 20, 20, 60, 1_000))

    @property
    def page(self) -> int:
        """Rows of a page of the naive pull."""
        return self.random("page").choice((3, 10, 100))

    @property
    def first_rows(self) -> int:
        """Rows that the table has before the first pull."""
        return self.random("first rows").choice((0, 15, 50))

    def transactions(self, writer: int) -> list[Transaction]:
        """Return what one of the writers does."""
        draw = self.random("writer", writer)
        return [self._transaction(draw) for _ in range(draw.randint(4, 7))]

    def _transaction(self, draw: Random) -> Transaction:
        quick = draw.random() < 0.6
        operations = [self._operation(draw, quick) for _ in range(draw.randint(1, 5))]
        if draw.random() < 0.3:
            undone = draw.choice(("rollback", "release"))
            operations = [Operation("savepoint", 0.0), *operations, Operation(undone, 0.0)]
            operations += [self._operation(draw, quick) for _ in range(draw.randint(0, 2))]
        ends = ["commit"] * 8 + ["abort", "vanish"] + (["prepare"] if self.two_phases else [])
        lingers = 0.0 if quick else draw.uniform(0.05, 0.25)
        return Transaction(draw.uniform(0, 0.08), tuple(operations), lingers, draw.choice(ends))

    two_phases = True
    """Whether some transactions are prepared first, and committed later by another connection."""

    def _operation(self, draw: Random, quick: bool) -> Operation:
        kinds = ["insert"] * 4 + ["update"] * 3 + ["rename", "delete"]
        watermarks = ["begun"] * 6 + ["now"] * 2 + ["none"]
        if self.mode is not Mode.OVERLAP:  # which rests on a watermark that each change touches
            kinds += ["untouched"] * 2
            watermarks += ["behind", "ahead"]
        pause = draw.uniform(0, 0.01) if quick else draw.uniform(0, 0.06)
        return Operation(
            draw.choice(kinds), pause, draw.random(), draw.choice((1, 1, 2, 12)), draw.choice(watermarks)
        )

    def firings(self) -> list[Firing]:
        """Return when the scheduler starts pulls while there are writers."""
        draw = self.random("firings")
        return sorted(
            (
                Firing(draw.uniform(0.0, 1.1), draw.choice((1, 1, 1, 2, 3)), draw.random() < 0.15)
                for _ in range(draw.randint(4, 7))
            ),
            key=lambda firing: firing.at,
        )

    def source_strikes(self) -> list[tuple[float, str]]:
        """Return faults of the source's server as (seconds from the start, kind)."""
        draw = self.random("source strikes")
        kinds = ["source_terminate"] * 3 + ["definition"]
        kinds += ["source_restart_fast", "source_restart_immediate"] if draw.random() < 0.25 else []
        return sorted((draw.uniform(0.05, 1.1), draw.choice(kinds)) for _ in range(draw.randint(0, 3)))

    @property
    def intensity(self) -> float:
        """Probability that the first attempt at a step is disturbed; a pull has few steps."""
        return self.random("intensity").choice((0.3, 0.5, 0.7))

    def disturbance(self, execution: str, step: str, number: int, attempt: int) -> Disturbance:
        """Return what disturbs an attempt (from 0) at the ``number``-th step of an execution."""
        if execution.startswith(CALM_EXECUTION):
            return Disturbance()
        draw = self.random("call", execution, step, number, attempt)
        if draw.random() > self.intensity * 0.7**attempt:
            return Disturbance()
        chance = draw.random()
        if chance < 0.12:
            return Disturbance(twice=True)
        if chance < 0.2 and step != "record_pull_failure":
            return Disturbance((Fault("statement", 0, "stall"),), abandoned=True)
        if chance < 0.24 and attempt == 0 and self.restarts:
            return Disturbance((Fault(draw.choice(_RESTARTED), 0, draw.choice(RESTARTS)),))
        point, kinds = draw.choice(POINTS[step])
        at = draw.choice((0, 0, 1, 2)) if point in ("statement", "block", "write") else 0
        return Disturbance((Fault(point, at, draw.choice(kinds), draw.uniform(0, 0.006)),))


class MariadbSchedule(PullSchedule):
    """The schedule of a source in MariaDB, which has no transaction horizon."""

    modes = (Mode.OVERLAP, Mode.OVERLAP, Mode.DIFFERENCE)
    two_phases = False


class SftpSchedule(PullSchedule):
    """The schedule of a source with files."""

    modes = (Mode.FILES,)

    @property
    def marker(self) -> bool:
        """Whether a marker file says that a file is complete; otherwise it must settle."""
        return self.random("marker").random() < 0.5
