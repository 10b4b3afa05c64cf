"""What one seed makes happen to scores: which files are committed and which models go live when, and where it
hurts.

Everything follows from the seed and from names: a fault belongs to the step, to what it is about and to the
try that it hits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from random import Random

from tests.faults.schedule import Calling
from tests.faults.scores.model import MODELS, Asked, Claim
from tests.faults.seed import RESTARTS, Fault, Seeded
from tests.integration.ingest.glass import csv

REFUSED = "9"
"""A version that training has refused."""
CALM_FROM_ROUND = 4
"""From this round of people's commands on nothing is injected: every schedule comes to an end."""


@dataclass(frozen=True)
class GlassFile:
    """A file of claims, loaded and ready to be committed."""

    label: str
    text: str
    claims: Sequence[Claim]


@dataclass(frozen=True)
class Wave:
    """What happens side by side, in this order or any other."""

    commits: list[str] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    backfills: list[str] = field(default_factory=list)
    """Ids of people's requests that all be scored."""


POINTS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "commit": (("after_commit", ("kill", "terminate")),),
    "plan_scoring": (
        ("statement", ("kill", "terminate", "stall")),
        ("before_commit", ("kill", "terminate", "race")),
        ("after_commit", ("kill", "terminate")),
        ("alert", ("kill", "throttle")),
        ("alerted", ("kill",)),
    ),
    "score_chunk": (
        ("read", ("kill", "s3_500", "other_bytes")),
        ("copied", ("kill", "terminate", "stall")),
        ("copy", ("kill", "kill", "terminate", "stall")),
        ("statement", ("kill", "terminate", "stall", "stall")),
        ("before_commit", ("kill", "terminate", "stall", "race")),
        ("after_commit", ("kill", "kill", "terminate")),
    ),
    "record_unscored": (
        ("before_commit", ("kill", "terminate")),
        ("alert", ("kill", "throttle")),
        ("alerted", ("kill",)),
    ),
    "change": (
        ("read", ("kill", "s3_500", "other_bytes")),
        ("statement", ("kill", "terminate", "stall", "stall")),
        ("before_commit", ("kill", "terminate", "stall", "race")),
        ("after_commit", ("kill", "kill", "terminate")),
        ("start", ("kill", "throttle")),
        ("started", ("kill",)),
    ),
}
_MOST_PASSED = {"read": 6, "copied": 2, "copy": 2, "statement": 8, "before_commit": 5, "after_commit": 5}
"""A chunk is read, scored and written by each model in five transactions or so."""
_TWICE = ("score_chunk", "plan_scoring", "change")


@dataclass(frozen=True)
class ScoreSchedule(Seeded):
    """One seed's plan."""

    @property
    def chunk_bytes(self) -> int:
        """Size of a chunk: a file has one to about six."""
        return self.random("chunks").choice((300, 600, 600, 1_500))

    @cached_property
    def files(self) -> list[GlassFile]:
        """Two to four files; the later ones put some claims of the first right."""
        draw = self.random("files")
        return [self._file(draw, number) for number in range(draw.randint(2, 4))]

    def _file(self, draw: Random, number: int) -> GlassFile:
        records, claims = [], []
        for row in range(1, draw.randint(8, 45)):
            corrects = number and draw.random() < 0.15
            claim_id = f"G{0 if corrects else number}-{row}"
            amount = round(draw.uniform(0.0, 5000.0), 2)
            panes = None if draw.random() < 0.2 else draw.randint(1, 9)
            bad = draw.random() < 0.05
            stated = amount + 9000 * bad  # the contract takes at most 5,000
            broken_on = date(2026, 2, row % 28 + 1)
            records.append(f"{claim_id},{broken_on},{stated},{'' if panes is None else panes},,")
            if not bad:
                claims.append(Claim(claim_id, row, broken_on, amount, panes))
        return GlassFile(f"file-{number}", csv(*records), claims)

    @cached_property
    def waves(self) -> list[Wave]:
        """Commits, promotions, roll-backs and backfills, in waves; often no model is live at first."""
        draw = self.random("waves")
        waves = [Wave() for _ in range(3)]
        first, *others = (file.label for file in self.files)
        for label in others:
            draw.choice(waves).commits.append(label)
        asked = [Asked("first", draw.choice(MODELS).version)]
        beginning = {
            "champion": [Wave(asked=asked), Wave(commits=[first])],
            "together": [Wave(commits=[first], asked=asked)],
            "claims": [Wave(commits=[first]), Wave(asked=asked)],
            "any": [Wave(commits=[first])],
        }
        waves = beginning[self._beginning] + waves
        for number in range(draw.randint(2, 6)):
            draw.choice(waves[-3:]).asked.append(self._asked(draw, f"request-{number}"))
        for number in range(draw.choice((0, 0, 1))):
            draw.choice(waves[1:]).backfills.append(f"backfill-{number}")
        return waves

    def _asked(self, draw: Random, request_id: str) -> Asked:
        what = draw.random()
        if what < 0.25:
            return Asked(request_id, None)
        if what < 0.3:
            return Asked(request_id, REFUSED)
        role = "challenger" if what < 0.55 else "champion"
        return Asked(request_id, draw.choice(MODELS).version, role)

    def between(self, execution: str, number: int, attempt: int) -> Asked | None:
        """Who promotes another model between two tries at a chunk."""
        draw = self.random("between", execution, number, attempt)
        if attempt or draw.random() > 0.25:
            return None
        return self._asked(draw, f"between-{execution}-{number}")

    @property
    def _beginning(self) -> str:
        """What comes first: a champion, claims, both at once, or claims and whatever comes."""
        return self.random("beginning").choice(("champion", "claims", "together", "any"))

    def _of_the_first(self, draw: Random) -> Calling:
        """It is slow to be seen, or is seen and what follows from it is not begun."""
        if self._beginning == "together":
            return Calling(tuple(Fault("before_commit", at, "stall") for at in range(2)))
        return Calling((draw.choice([Fault("start", 0, kind) for kind in ("kill", "throttle")]),))

    def delay(self, label: str) -> float:
        """Seconds until a file of a wave is committed, so that it may be at any moment of a promotion."""
        return self.random("delay", label).uniform(0.0, 0.35)

    def types_again(self, request_id: str) -> bool:
        """Whether who gets no answer types the command again, instead of the same request coming again."""
        return self.random("types again", request_id).random() < 0.5

    def calling(self, step: str, about: str, number: int, patience: int = 0) -> Calling:
        """How the ``number``-th try (from 0) of a step goes, in people's round of this number."""
        if patience >= CALM_FROM_ROUND:
            return Calling()
        draw = self.random("call", step, about, patience, number)
        # Whatever is tried: its retries end, and people are told.
        cursed = patience == 0 and self.random("cursed", step, about).random() < 0.04
        if step == "change" and number == 0 and about == "first" and draw.random() < 0.9:
            return self._of_the_first(draw)
        if not cursed and draw.random() > self.intensity * 0.7**number:
            return Calling()
        if cursed and step in ("plan_scoring", "score_chunk"):
            return Calling((Fault("before_commit", 0, draw.choice(("kill", "terminate"))),))
        if step in _TWICE:
            beside = draw.random()
            if beside < 0.15:
                return Calling(twice=True)
            if beside < 0.22:
                point = draw.choice(("statement", "before_commit"))
                return Calling((Fault(point, draw.randrange(3), "stall"),), abandoned=True)
            if beside > 0.94 and number == 0 and self.restarts:
                point = draw.choice(("statement", "before_commit", "after_commit"))
                return Calling((Fault(point, draw.randrange(4), draw.choice(RESTARTS)),))
        point, kinds = draw.choice(POINTS[step])
        at = draw.randrange(_MOST_PASSED.get(point, 1))
        return Calling((Fault(point, at, draw.choice(kinds), draw.uniform(0.0, 0.006)),))
