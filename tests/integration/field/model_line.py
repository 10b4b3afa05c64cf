"""A line from its first file to its weekly checks, without AWS: files, training, scoring, evaluation."""

import gzip
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from claimwatch.domain.evaluation.week import monday_of
from claimwatch.evaluation.checks import registry
from claimwatch.evaluation.checks.inputs import Dependencies
from claimwatch.models import promote as promotion
from claimwatch.scoring import score_rows
from claimwatch.scoring.bundle_store import BundleCache, columns_of
from claimwatch.scoring.live_models import ModelCache
from claimwatch.scoring.plan_scoring import Dependencies as Planning
from claimwatch.scoring.plan_scoring import plan_line
from claimwatch.storage import models
from tests.integration.evaluation.environment import Watch
from tests.integration.evaluation.no_data import NO_DATA
from tests.integration.ingest.environment import ARTIFACTS, Row, Site
from training.job import JobDependencies, work

TODAY = datetime(2026, 11, 24, 12, tzinfo=UTC)

BASE = ("base_w02_w23", "base_w24_w33", "base_w34_w41")
"""Files with which a line begins; each has a file of outcomes."""


@dataclass
class ModelLine:
    """A line whose files arrive today, one minute after the other."""

    site: Site
    line: str
    files: Mapping[str, bytes]
    minutes: int = 0

    def put_contract(self, text: str) -> None:
        """Apply the contract of the line."""
        assert self.site.put_contract(self.line, text).status == "applied"

    def drop(self, name: str, dataset: str = "claims") -> Row:
        """Deliver a file, and return its row in the ledger."""
        self.minutes += 1
        at = TODAY + timedelta(minutes=self.minutes)
        return self.site.drop(f"{dataset}/{self.line}/{name}", self.files[name], at=at)

    def begin(self, *base: str) -> None:
        """Deliver files with which the line begins, and their outcomes."""
        for name in base:
            assert self.drop(f"{name}.csv.gz")["rows_quarantined"] == 0
            assert self.drop(f"{name}.outcomes.csv.gz", "outcomes")["rows_quarantined"] == 0

    def train(self) -> Row:
        """Train a model on an instance, and return the row of the training."""
        number = len(self.site.query("SELECT FROM claimwatch.training"))
        with self.site.database.transaction() as cursor:
            models.begin_training(
                cursor,
                f"{self.line}-{number}",
                self.line,
                why="a test",
                asked_by="ann",
                caller="the test",
                seconds=3_600.0,
            )
        deps = JobDependencies(
            database=self.site.database.as_task("training"),
            objects=self.site.objects,
            alerts=self.site,
            bucket=ARTIFACTS,
            code_version="test",
            environment={"PYTHONPATH": ":".join(sys.path)},
            search_minutes="0.02",
            command=(sys.executable, "-m", "training", "--today", f"{TODAY:%Y-%m-%dT%H:%M}"),
        )
        work(deps, f"{self.line}-{number}")
        [row] = self.site.query(
            "SELECT * FROM claimwatch.training WHERE training_id = %s", f"{self.line}-{number}"
        )
        return row

    def promote(self, version: str = "1", trust: tuple[str, ...] = ()) -> None:
        """Make a model the champion, in spite of warnings of the columns in ``trust``."""
        deps = promotion.Dependencies(
            self.site.database.as_task("promotion"),
            lambda uri, sha256: columns_of(self.site.objects, uri, sha256),
            self,
            self.site.pointers("live"),
        )
        request = promotion.Request(f"{self.line} {version}", "ann", "a test", "the test", trust=trust)
        promotion.promote(deps, request, self.line, version, "champion")

    def start(self, *_args: object, **_named: object) -> str:
        """A backfill is asked for, and played by ``score``."""
        return ""

    def score(self) -> None:
        """Score all unscored claims."""
        cache = ModelCache()
        scoring = self.site.database.as_task("scoring")
        deps = score_rows.Dependencies(
            scoring, self.site, lambda live: cache.get(self.site.objects, live), "code"
        )
        for chunk in plan_line(Planning(scoring, self.site), self.line).units:
            score_rows.score_chunk(deps, chunk.file_id, chunk.number)

    def evaluate(self, *weeks: str) -> Watch:
        """Check weeks, each to its end."""
        cache = BundleCache(self.site.objects)
        deps = Dependencies(
            self.site.database.as_task("evaluation"),
            lambda version: cache.get(version.bundle_uri or "", version.bundle_sha256 or ""),
            NO_DATA,
        )
        watch = Watch(self.site, checks=dict(registry.checks(deps)))
        for week in weeks:
            watch.ask(week, self.line, TODAY)
            watch.work()
        return watch

    def window(self, week: str) -> Row:
        """Return the row of a week."""
        [row] = self.site.query(
            "SELECT * FROM claimwatch.evaluation_window WHERE line = %s AND window_start = %s",
            self.line,
            monday_of(week),
        )
        return row

    def findings(self, week: str, *checks: str) -> list[Row]:
        """Return the findings of some checks in a week."""
        return self.site.query(
            "SELECT * FROM claimwatch.evaluation WHERE line = %s AND window_start = %s"
            " AND check_name = ANY (%s) ORDER BY check_name, position",
            self.line,
            monday_of(week),
            list(checks),
        )

    def loud(self, week: str, *checks: str, watches: bool = False) -> set[tuple[str, str, str]]:
        """Return check, metric and feature of the findings that alarm, or also those to watch."""
        verdicts = ("alarm", "watch") if watches else ("alarm",)
        return {
            (row["check_name"], row["metric"], row["feature"])
            for row in self.findings(week, *checks)
            if row["verdict"] in verdicts
        }

    def card(self, version: str = "1") -> str:
        """Return the card of a model."""
        key = f"models/{self.line}/{version}/card.md"
        return self.site.objects.newest(ARTIFACTS, key).decode()


def unzipped(content: bytes) -> str:
    """Return the text of a file, which may be compressed."""
    return (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode()
