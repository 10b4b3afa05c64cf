"""The schedule of a seed for scores: commits, promotions, backfills, and faults.

Everything follows from the seed and from names: a fault belongs to a step, its subject and an attempt.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from random import Random

from tests.faults.scores.model import MODELS, Claim, Request
from tests.faults.seed import RESTARTS, Disturbance, Fault, Points, Seeded
from tests.integration.ingest.glass import csv

REFUSED = "9"
"""A version that training refused."""
CALM_FROM_ROUND = 4
"""From this round of repairs on, no faults are injected, so that every schedule ends."""


@dataclass(frozen=True)
class GlassFile:
    """A file of claims."""

    label: str
    text: str
    claims: Sequence[Claim]


@dataclass(frozen=True)
class Wave:
    """Commits, requests and backfills that happen at the same time, in any order."""

    commits: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    backfills: list[str] = field(default_factory=list)
    """Ids of requests to score all claims."""


POINTS: Points = {
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
        ("publish", ("kill", "throttle", "stall")),
        ("published", ("kill", "throttle")),
        ("start", ("kill", "throttle")),
        ("started", ("kill",)),
    ),
}
_MOST_PASSED = {"read": 6, "copied": 2, "copy": 2, "statement": 8, "before_commit": 5, "after_commit": 5}
"""Each model reads, scores and writes a chunk in about five transactions."""
_TWICE = ("score_chunk", "plan_scoring", "change")


@dataclass(frozen=True)
class ScoreSchedule(Seeded):
    """The schedule of one seed."""

    @property
    def chunk_bytes(self) -> int:
        """Size of a chunk; a file has one to about six chunks."""
        return self.random("chunks").choice((300, 600, 600, 1_500))

    @cached_property
    def files(self) -> list[GlassFile]:
        """Two to four files; later files correct some claims of the first file."""
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
            stated = amount + 9000 * bad  # the contract allows at most 5,000
            broken_on = date(2026, 2, row % 28 + 1)
            records.append(f"{claim_id},{broken_on},{stated},{'' if panes is None else panes},,")
            if not bad:
                claims.append(Claim(claim_id, row, broken_on, amount, panes))
        return GlassFile(f"file-{number}", csv(*records), claims)

    @cached_property
    def waves(self) -> list[Wave]:
        """Waves of commits, promotions, rollbacks and backfills; often no model is live at first."""
        draw = self.random("waves")
        waves = [Wave() for _ in range(3)]
        first, *others = (file.label for file in self.files)
        for label in others:
            draw.choice(waves).commits.append(label)
        requests = [Request("first", draw.choice(MODELS).version)]
        beginning = {
            "champion": [Wave(requests=requests), Wave(commits=[first])],
            "together": [Wave(commits=[first], requests=requests)],
            "claims": [Wave(commits=[first]), Wave(requests=requests)],
            "any": [Wave(commits=[first])],
        }
        waves = beginning[self._beginning] + waves
        for number in range(draw.randint(2, 6)):
            draw.choice(waves[-3:]).requests.append(self._request(draw, f"request-{number}"))
        for number in range(draw.choice((0, 0, 1))):
            draw.choice(waves[1:]).backfills.append(f"backfill-{number}")
        return waves

    def _request(self, draw: Random, request_id: str) -> Request:
        what = draw.random()
        if what < 0.25:
            return Request(request_id, None)
        if what < 0.3:
            return Request(request_id, REFUSED)
        role = "challenger" if what < 0.55 else "champion"
        return Request(request_id, draw.choice(MODELS).version, role)

    def between(self, execution: str, number: int, attempt: int) -> Request | None:
        """Return the request that arrives between two attempts at a chunk, or None."""
        draw = self.random("between", execution, number, attempt)
        if attempt or draw.random() > 0.25:
            return None
        return self._request(draw, f"between-{execution}-{number}")

    @property
    def _beginning(self) -> str:
        """What happens first: a promotion, a commit, both at once, or a commit and then any wave."""
        return self.random("beginning").choice(("champion", "claims", "together", "any"))

    def _disturb_first_promotion(self, draw: Random) -> Disturbance:
        """Commit the first promotion slowly, or fail before its backfill starts."""
        if self._beginning == "together":
            return Disturbance(tuple(Fault("before_commit", at, "stall") for at in range(2)))
        return Disturbance((draw.choice([Fault("start", 0, kind) for kind in ("kill", "throttle")]),))

    def delay(self, label: str) -> float:
        """Return the seconds until a file is committed, so that this may be at any moment of a promotion."""
        return self.random("delay", label).uniform(0.0, 0.35)

    def repeats_command(self, request_id: str) -> bool:
        """Return whether a person without an answer repeats the command as a new request."""
        return self.random("types again", request_id).random() < 0.5

    def disturbance(self, step: str, about: str, number: int, round_number: int = 0) -> Disturbance:
        """Return what disturbs the ``number``-th attempt (from 0) at a step in a round of repairs."""
        if round_number >= CALM_FROM_ROUND:
            return Disturbance()
        draw = self.random("call", step, about, round_number, number)
        # Every attempt fails, until the retries are exhausted and an alert is sent.
        cursed = round_number == 0 and self.random("cursed", step, about).random() < 0.04
        if step == "change" and number == 0 and about == "first" and draw.random() < 0.9:
            return self._disturb_first_promotion(draw)
        if not cursed and draw.random() > self.intensity * 0.7**number:
            return Disturbance()
        if cursed and step in ("plan_scoring", "score_chunk"):
            return Disturbance((Fault("before_commit", 0, draw.choice(("kill", "terminate"))),))
        if step in _TWICE:
            chance = draw.random()
            if chance < 0.15:
                return Disturbance(twice=True)
            if chance < 0.22:
                point = draw.choice(("statement", "before_commit"))
                return Disturbance((Fault(point, draw.randrange(3), "stall"),), abandoned=True)
            if chance > 0.94 and number == 0 and self.restarts:
                point = draw.choice(("statement", "before_commit", "after_commit"))
                return Disturbance((Fault(point, draw.randrange(4), draw.choice(RESTARTS)),))
        point, kinds = draw.choice(POINTS[step])
        at = draw.randrange(_MOST_PASSED.get(point, 1))
        return Disturbance((Fault(point, at, draw.choice(kinds), draw.uniform(0.0, 0.006)),))
