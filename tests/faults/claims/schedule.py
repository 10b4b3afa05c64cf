"""The schedule of a seed for claims: files, the delivery of their events, and faults.

Everything follows from the seed and from names, never from the clock: a fault belongs to a step, file, chunk
and attempt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from samples import (
    BREAKS_THE_CONTRACT,
    BREAKS_THE_TEXT,
    SHAPES,
    Book,
    BookConfig,
    Corrections,
    Dirt,
    Manifest,
    Shape,
    write_week,
)
from tests.faults.seed import RESTARTS, Disturbance, Fault, Points, Seeded

LANDING, ARTIFACTS = "landing", "artifacts"
PERSONAL_DATA_KEY = b"the key of the fault simulation"
CALM_FROM_ATTEMPT = 4
"""From this attempt at a file on, no faults are injected, so that every schedule ends."""

_SHAPES = ("csv", "multiline", "question-marks", "bom", "ndjson", "csv-gz", "ndjson-gz", "latin-1")
"""Shapes that are read directly, and some that each attempt converts first."""
_FIRST_DAY = datetime(2026, 1, 12, 6, 0, tzinfo=UTC)


@dataclass(frozen=True)
class SampleFile:
    """An object version that is dropped into the landing bucket."""

    label: str
    key: str
    path: Path
    shape: Shape
    manifest: Manifest
    received_at: datetime
    sequencer: str


POINTS: Points = {
    "register": (
        ("before_commit", ("kill", "terminate")),
        ("after_commit", ("kill", "terminate")),
        ("start", ("kill", "throttle")),
        ("started", ("kill",)),
    ),
    "inspect": (
        ("read", ("kill", "s3_500", "s3_broken", "s3_slow")),
        ("write", ("kill", "s3_500")),
        ("before_commit", ("kill", "terminate", "stall")),
        ("after_commit", ("kill", "terminate")),
    ),
    "load": (
        ("copy", ("kill", "kill", "terminate", "stall")),
        ("before_commit", ("kill", "terminate", "stall", "race")),
        ("after_commit", ("kill", "terminate")),
        ("read", ("kill", "s3_500", "s3_broken", "s3_slow")),
    ),
    "commit": (
        ("before_commit", ("kill", "terminate", "stall", "race")),
        ("after_commit", ("kill", "kill", "terminate")),
        ("read", ("kill", "s3_500")),
    ),
    "fail": (
        ("before_commit", ("kill", "terminate")),
        ("after_commit", ("kill",)),
        ("alert", ("kill", "throttle")),
        ("alerted", ("kill",)),
    ),
    "replay": (
        ("before_commit", ("kill", "terminate")),
        ("after_commit", ("kill",)),
        ("start", ("kill", "throttle")),
    ),
}
_RESTART_POINTS = {
    "load": ("copy", "before_commit", "after_commit"),
    "commit": ("before_commit", "after_commit"),
}


class ClaimsSchedule(Seeded):
    """The schedule of one seed."""

    @property
    def chunk_bytes(self) -> int:
        """Size of a chunk; a file has one to about four chunks."""
        return self.random("chunks").choice((7_000, 7_000, 12_000, 30_000))

    def files(self, folder: Path) -> list[SampleFile]:
        """Write the files: two or three weeks, a corrected version of one week, perhaps a repeated file."""
        draw = self.random("files")
        weeks = draw.randint(2, 3)
        book = Book(BookConfig(seed=self.seed, weeks=weeks, claims_per_week=draw.randint(16, 36)))
        dropped = [self._week(folder, book, week) for week in range(weeks)]
        chosen = draw.randrange(weeks)
        dropped.append(self._corrected(folder, book, chosen, dropped[chosen]))
        if draw.random() < 0.5:
            original = dropped[draw.randrange(weeks)]
            dropped.append(self._file("again", original.key.replace("week", "again"), 60, original))
        return dropped

    def deliveries(self, files: Sequence[SampleFile]) -> list[list[str]]:
        """Return the events in any order, each up to three times; late events are in a second wave."""
        draw = self.random("deliveries")
        waves: list[list[str]] = [[], []]
        for file in files:
            first = draw.choice((0, 0, 0, 1))
            for copy in range(draw.choice((1, 1, 2, 3))):
                waves[first if copy == 0 else draw.choice((0, 1))].append(file.label)
        for wave in waves:
            draw.shuffle(wave)
        return [wave for wave in waves if wave]

    def disturbance(self, step: str, label: str, chunk: int, attempt: int, number: int) -> Disturbance:
        """Return what disturbs the ``number``-th invocation (from 0) of a step in an attempt at a file."""
        if attempt >= CALM_FROM_ATTEMPT:
            return Disturbance()
        draw = self.random("call", step, label, chunk, attempt, number)
        cursed = (
            step in ("inspect", "load", "commit") and self._cursed() == (step, label, attempt) and chunk <= 0
        )
        if not cursed and draw.random() > self.intensity * 0.7**number:
            return Disturbance()
        if step in ("load", "commit", "inspect") and not cursed:
            chance = draw.random()
            if chance < 0.12:
                return Disturbance(twice=True)
            if chance < 0.2:
                return Disturbance(
                    (Fault(draw.choice(("copy", "before_commit")), 0, "stall"),), abandoned=True
                )
            if chance < 0.28 and step in _RESTART_POINTS and number == 0 and self.restarts:
                return Disturbance((Fault(draw.choice(_RESTART_POINTS[step]), 0, draw.choice(RESTARTS)),))
        if cursed:
            return Disturbance((Fault("before_commit", 0, draw.choice(("kill", "terminate"))),))
        point, kinds = draw.choice(POINTS[step])
        return Disturbance(
            (Fault(point, draw.choice((0, 0, 1, 2)) if point in ("copy", "read") else 0, draw.choice(kinds)),)
        )

    def impatient(self, label: str) -> int | None:
        """Return after how many loaded chunks a person replays the running file, or None."""
        draw = self.random("impatient", label)
        return draw.randint(0, 3) if draw.random() < 0.3 else None

    def _cursed(self) -> tuple[str, str, int] | None:
        """Return a (step, file, attempt) that fails until its retries are exhausted, or None."""
        draw = self.random("cursed")
        if draw.random() > 0.3:
            return None
        return draw.choice(("inspect", "load", "commit")), draw.choice(("week-0", "week-1", "corrected")), 1

    def _week(self, folder: Path, book: Book, week: int) -> SampleFile:
        draw = self.random("week", week)
        name = draw.choice(_SHAPES)
        shape = SHAPES[name]
        can_break = shape.format == "csv" and shape.encoding == "utf-8"
        kinds = BREAKS_THE_CONTRACT + (BREAKS_THE_TEXT if can_break else ())
        path = folder / f"week-{week}"
        manifest = write_week(
            path,
            book,
            week,
            shape=shape,
            dirt=Dirt(draw.choice((0.0, 0.05, 0.15)), kinds),
            duplicate_share=draw.choice((0.0, 0.1)),
            corrections=Corrections(week - 1, 0.3) if week and draw.random() < 0.7 else None,
        )
        received_at = _FIRST_DAY + timedelta(days=7 * week)
        return SampleFile(
            f"week-{week}",
            f"claims/motor/week-{week}.{shape.suffix}",
            path,
            shape,
            manifest,
            received_at,
            "00A0",
        )

    def _corrected(self, folder: Path, book: Book, week: int, of: SampleFile) -> SampleFile:
        """Write the file of a week without dirt under the same key, in the same second or a day later."""
        path = folder / "corrected"
        manifest = write_week(path, book, week, shape=of.shape)
        same_second = self.random("corrected").random() < 0.5
        later = of.received_at + (timedelta(0) if same_second else timedelta(days=1))
        return SampleFile("corrected", of.key, path, of.shape, manifest, later, "00A1")

    def _file(self, label: str, key: str, days: int, of: SampleFile) -> SampleFile:
        later = of.received_at + timedelta(days=days)
        return SampleFile(label, key, of.path, of.shape, of.manifest, later, of.sequencer)
