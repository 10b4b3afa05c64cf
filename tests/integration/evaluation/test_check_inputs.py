"""Checks read what was loaded, scored and decided: each claim once, in the week of its event."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from claimwatch.domain.evaluation.finding import CHECKS, Check, Finding
from claimwatch.domain.evaluation.groups import segments
from claimwatch.domain.evaluation.week import WEEK, monday_of, start_of
from claimwatch.domain.model.profile_codec import unpack
from claimwatch.evaluation.checks import inputs, registry
from claimwatch.models import promote as promotion
from claimwatch.scoring import score_rows
from claimwatch.scoring.bundle_store import BundleCache, columns_of
from claimwatch.scoring.live_models import ModelCache
from claimwatch.scoring.plan_scoring import Dependencies as Planning
from claimwatch.scoring.plan_scoring import plan_line
from claimwatch.storage import models, profiles
from claimwatch.storage.evaluations import Window
from claimwatch.storage.models import Role
from samples import DRIFTING_FEATURES, BookConfig, Drift
from samples.delivery import Delivery, deliver
from tests.cluster import ClonedDatabase, Cluster
from tests.integration.evaluation.no_data import NO_DATA
from tests.integration.ingest.environment import ARTIFACTS, Site
from tests.motor_model import MotorModel, grow


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
        )
        request = promotion.Request(f"{model.version} {role}", "ann", "a test", "the test")
        promotion.promote(deps, request, "motor", model.version, role)

    def start(self, *_args: object, **_named: object) -> str:
        """A backfill is asked for, and played by ``score``."""
        return ""


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("book")
    config = BookConfig(seed=5, weeks=12, claims_per_week=CLAIMS, drift=Drift(from_week=10, shift=1.2))
    delivery = Delivery(settling_weeks=9, correction_share=0.02, late_weeks=frozenset({3}))
    sent = deliver(config, folder, delivery)
    return folder, [file.key for file in sent if file.part != "truth"]


@pytest.fixture(scope="module")
def grown(delivered: tuple[Path, list[str]]) -> list[MotorModel]:
    return [grow(delivered[0], LEARNT, version, seed) for version, seed in (("1", 7), ("2", 8))]


@pytest.fixture(scope="module")
def book(
    cluster: Cluster,
    tmp_path_factory: pytest.TempPathFactory,
    delivered: tuple[Path, list[str]],
    grown: list[MotorModel],
) -> Iterator[Book]:
    with cluster.clone() as url, closing(cluster.database(url)) as database:
        yield _loaded(database, tmp_path_factory.mktemp("buckets"), delivered, grown)


def _loaded(
    database: ClonedDatabase, buckets: Path, delivered: tuple[Path, list[str]], grown: list[MotorModel]
) -> Book:
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


def test_every_check_returns_declared_findings(book: Book) -> None:
    found = {check: book.check(check, DRIFTING, challenger="2") for check in CHECKS}

    assert [check for check, findings in found.items() if not findings] == []
    assert "psi" in {finding.metric for finding in found["feature_drift"]}
    assert any(finding.verdict != "not enough data" for finding in found["performance"])


def test_profiles_are_written_once_and_add_up_to_the_claims(book: Book) -> None:
    book.score()  # nothing waits any more

    counted = book.site.query(
        "SELECT p.week, p.model_version, sum(p.claims)::int AS claims,"
        " count(*) = count(DISTINCT (file_id, number)) AS once"
        " FROM claimwatch.profile AS p GROUP BY 1, 2 ORDER BY 1, 2"
    )
    claims = book.site.query(
        "SELECT date_trunc('week', c.reported_at)::date AS week, count(*)::int AS claims"
        " FROM claimwatch.claim_motor AS c GROUP BY 1 ORDER BY 1"
    )
    assert all(row["once"] for row in counted)
    for version in "12":
        profiled = {row["week"]: row["claims"] for row in counted if row["model_version"] == version}
        assert profiled == {row["week"]: row["claims"] for row in claims}


def test_the_profiles_of_a_week_equal_those_of_all_its_claims(book: Book) -> None:
    bundle = book.model(QUIET).bundle
    monday = monday_of(QUIET)
    with book.site.database.transaction() as cursor:
        features, score = unpack(bundle.reference, profiles.packed_of_week(cursor, "motor", "1", monday))
    [expected] = book.site.query(
        "SELECT count(*) AS claims, avg(claim_amount)::float AS amount, avg(s.probability)::float AS score"
        " FROM claimwatch.claim_motor AS c JOIN claimwatch.score AS s USING (claim_id, file_id)"
        " WHERE s.model_version = '1' AND date_trunc('week', c.reported_at)::date = %s",
        monday,
    )

    assert score.rows == features["claim_amount"].rows == expected["claims"]
    assert features["claim_amount"].mean == pytest.approx(expected["amount"], rel=1e-6)
    assert score.mean == pytest.approx(expected["score"], rel=1e-6)


def test_drift_is_a_watch_in_its_first_week_and_alarms_in_its_second(book: Book) -> None:
    def loud(week: str) -> dict[str, set[str]]:
        found = book.check("feature_drift", week)
        return {
            verdict: {finding.feature for finding in found if finding.verdict == verdict}
            for verdict in ("watch", "alarm")
        }

    assert loud(QUIET)["alarm"] == set()
    drifting = set(DRIFTING_FEATURES)
    assert drifting <= loud(FIRST_DRIFTING)["watch"] | loud(FIRST_DRIFTING)["alarm"]
    assert drifting <= loud(DRIFTING)["alarm"]


def test_a_corrected_claim_counts_once_and_immature_claims_are_counted(book: Book) -> None:
    found = {
        finding.metric: finding for finding in book.check("performance", DRIFTING) if not finding.segment
    }

    as_of = start_of(monday_of(DRIFTING)) + WEEK - timedelta(days=60)
    [expected] = book.site.query(
        "SELECT count(*) FILTER (WHERE reported_at < %s)::int AS matured,"
        " count(*) FILTER (WHERE reported_at >= %s)::int AS young"
        " FROM claimwatch.current_claim_motor",
        as_of,
        as_of,
    )
    assert found["matured"].value == expected["matured"]
    assert found["immature"].value == expected["young"]


def test_outcomes_decided_after_the_week_do_not_count(book: Book) -> None:
    def known(week: str) -> int:
        claims = inputs.read_claims(book.deps, book.model(week), since=BEGINNING, until=END)
        return int(claims.cohort.known.sum())

    [expected] = book.site.query(
        "SELECT count(*) AS known FROM claimwatch.current_outcome WHERE decided_at < %s",
        start_of(monday_of(QUIET)) + WEEK,
    )
    assert known(QUIET) == expected["known"] < known("2026-W20")


def test_both_models_scores_of_the_same_claims_are_read_together(book: Book) -> None:
    claims = inputs.read_claims(book.deps, book.model(DRIFTING), since=BEGINNING, until=END, other="2")

    assert len(claims) == book.site.query("SELECT count(*) AS n FROM claimwatch.current_claim_motor")[0]["n"]
    assert not np.isnan(claims.other).any()
    assert 0.9 < np.corrcoef(claims.probability, claims.other)[0, 1] <= 1.0


def test_a_file_belongs_to_the_week_of_most_of_its_claims_and_a_late_claim_to_its_own(book: Book) -> None:
    with book.site.database.transaction() as cursor:
        weeks = profiles.intake_of_weeks(cursor, "motor", date(2026, 1, 5), monday_of(DRIFTING))

    assert [week.week for week in weeks] == [date(2026, 1, 5) + number * WEEK for number in range(12)]
    assert sum(week.files for week in weeks) == 12
    assert sum(week.claims for week in weeks) == sum(week.rows_read for week in weeks)
    # Corrections of a week come in the file of the next one; what came late has a file of its own.
    assert all(week.late for week in weeks[:2])
    assert max(week.late for week in weeks) < CLAIMS / 10


def test_every_known_value_belongs_to_a_slice(book: Book) -> None:
    model = book.model(DRIFTING)
    claims, matrix = inputs.matured_matrix(book.deps, model)

    found = segments(model.bundle.spec, model.bundle.reference.features, matrix, model.contract)

    assert len(claims) > CLAIMS
    assert list(found) == list(model.bundle.spec.names)
    for place, labels in enumerate(found.values()):
        assert [label is None for label in labels] == np.isnan(matrix[:, place]).tolist()
