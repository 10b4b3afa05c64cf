"""Twelve weeks of motor claims with a champion and a challenger, and their checks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from claimwatch.domain.evaluation.finding import Check, Finding
from claimwatch.domain.evaluation.week import WEEK, monday_of, start_of
from claimwatch.evaluation.checks import inputs, registry
from claimwatch.models import promote as promotion
from claimwatch.scoring import score_rows
from claimwatch.scoring.bundle_store import BundleCache, columns_of
from claimwatch.scoring.live_models import ModelCache
from claimwatch.scoring.plan_scoring import Dependencies as Planning
from claimwatch.scoring.plan_scoring import plan_line
from claimwatch.storage import models
from claimwatch.storage.evaluations import Window
from claimwatch.storage.models import Role
from tests.cluster import ClonedDatabase
from tests.integration.evaluation.no_data import NO_DATA
from tests.integration.ingest.environment import ARTIFACTS, Site
from tests.motor_model import MotorModel


def window(week: str, challenger: str | None = None) -> Window:
    """Return a week of model 1."""
    start = start_of(monday_of(week))
    return Window("motor", start, start + WEEK, "1", challenger, "planned")


LEARNT = [f"2026-W{week:02}" for week in range(2, 8)]
BEGINNING, END = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 3, 30, tzinfo=UTC)
QUIET, FIRST_DRIFTING, DRIFTING = "2026-W10", "2026-W12", "2026-W13"
CLAIMS = 1_000


@dataclass
class Book:
    """Twelve weeks of motor claims, the last two of them drifting, scored by champion and challenger."""

    site: Site

    @property
    def deps(self) -> inputs.Dependencies:
        """Dependencies of the checks."""
        cache = BundleCache(self.site.objects)
        return inputs.Dependencies(
            self.site.database.as_task("evaluation"),
            lambda version: cache.get(version.bundle_uri or "", version.bundle_sha256 or ""),
            NO_DATA,
        )

    def model(self, week: str) -> inputs.CheckedModel:
        """Return the model of a week."""
        return inputs.checked_model(self.deps, window(week))

    def check(self, check: Check, week: str = QUIET, challenger: str | None = None) -> list[Finding]:
        """Return the findings of a check."""
        return registry.checks(self.deps)[check](window(week, challenger))

    def score(self) -> None:
        """Score all unscored claims."""
        cache = ModelCache()
        deps = score_rows.Dependencies(
            self.site.database.as_task("scoring"),
            self.site,
            lambda live: cache.get(self.site.objects, live),
            "code",
        )
        for chunk in plan_line(Planning(self.site.database.as_task("scoring"), self.site), "motor").units:
            score_rows.score_chunk(deps, chunk.file_id, chunk.number)

    def promote(self, model: MotorModel, role: Role) -> None:
        """Register a model and make it live."""
        for key, content in model.keys().items():
            self.site.objects.write(ARTIFACTS, key, [content])
        with self.site.database.as_task("training").transaction() as cursor:
            models.add_version(cursor, model.registered(ARTIFACTS))
        deps = promotion.Dependencies(
            self.site.database.as_task("promotion"),
            lambda uri, sha256: columns_of(self.site.objects, uri, sha256),
            self,
            self.site.pointers("live"),
        )
        request = promotion.Request(f"{model.version} {role}", "ann", "a test", "the test")
        promotion.promote(deps, request, "motor", model.version, role)

    def start(self, *_args: object, **_named: object) -> str:
        """A backfill is asked for, and played by ``score``."""
        return ""


def load_book(
    database: ClonedDatabase, buckets: Path, delivered: tuple[Path, list[str]], grown: Sequence[MotorModel]
) -> Book:
    """Deliver the files and score their claims by champion and challenger."""
    folder, keys = delivered
    book = Book(Site.below(database, buckets))
    for model, role in zip(grown, models.ROLES, strict=True):
        book.promote(model, role)
    for hour, key in enumerate(keys):
        # After every decision, as in practice: a decision cannot be later than its arrival.
        at = datetime(2026, 12, 1, tzinfo=UTC) + timedelta(hours=hour)
        assert book.site.drop(key, (folder / key).read_bytes(), at=at)["status"] == "committed"
    book.score()
    return book
