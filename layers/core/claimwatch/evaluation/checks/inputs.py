"""Inputs that checks share: the model of a window, its profiles, its claims, and earlier findings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from claimwatch.aws.lambda_reports import Invocations
from claimwatch.aws.queues import Queues
from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.evaluation.finding import Check
from claimwatch.domain.evaluation.week import WEEK
from claimwatch.domain.model.features import Matrix, encode
from claimwatch.domain.model.profile import Profile
from claimwatch.evaluation.cohort_reader import Claims, read_cohort
from claimwatch.evaluation.week_profiles import week_profiles as read_week
from claimwatch.scoring.bundle import Bundle
from claimwatch.storage import contracts, evaluations, models, profiles
from claimwatch.storage.cohorts import CohortQuery
from claimwatch.storage.connection import Database
from claimwatch.storage.evaluations import Window
from claimwatch.storage.models import Version

COHORT_WEEKS = 13
"""Weeks of matured claims that performance is measured on: one week has too few outcomes."""

EARLIER_WINDOWS = 12
"""Earlier windows whose findings ``earlier_values`` reads."""

MOST_ENCODED = 200_000
"""Matured claims that are read with all their features; of more, a sample is read."""


@dataclass(frozen=True)
class OperationsSources:
    """Sources of check ``operations``: calls of all functions, and the queues by their URLs."""

    invocations: Invocations
    queues: Queues
    queue_urls: Sequence[str] = ()
    dead_letter_urls: Sequence[str] = ()


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of the checks. ``bundle`` reads a model version's bundle and verifies its hash."""

    database: Database
    bundle: Callable[[Version], Bundle]
    operations_sources: OperationsSources


@dataclass(frozen=True)
class CheckedModel:
    """The model of a window, with the running contract of its line."""

    version: Version
    bundle: Bundle
    contract: Contract
    window: Window

    @property
    def monday(self) -> date:
        """The first day of the window."""
        return self.window.start.date()

    @cached_property
    def matured_until(self) -> datetime:
        """The time before which claims are matured: at the window's end their outcome is due."""
        return self.window.end - timedelta(days=self.contract.review.maturity_days)


def checked_model(deps: Dependencies, window: Window) -> CheckedModel:
    """Read the model of a window; raises ``LookupError`` without the model or without a running contract."""
    with deps.database.transaction() as cursor:
        version = models.find_version(cursor, window.line, window.model_version)
        running = contracts.find_running(cursor, window.line)
    if version is None or running is None:
        raise LookupError(f"line {window.line} has no model {window.model_version}, or no contract")
    return CheckedModel(version, deps.bundle(version), running.contract, window)


def week_profiles(
    deps: Dependencies, model: CheckedModel, monday: date
) -> tuple[dict[str, Profile], Profile]:
    """Read the profiles of a week's claims, each with its newest row: of each feature, and of the score."""
    line, version = model.window.line, model.version.version
    with deps.database.transaction() as cursor:
        return read_week(cursor, model.contract, model.bundle, line, version, monday)


def matured_claims(
    deps: Dependencies,
    model: CheckedModel,
    kinds: Mapping[str, str] | None = None,
    *,
    most: int | None = None,
) -> Claims:
    """Read the claims of the last ``COHORT_WEEKS`` whose outcome is due."""
    until = model.matured_until
    return read_claims(deps, model, since=until - COHORT_WEEKS * WEEK, until=until, kinds=kinds, most=most)


def matured_matrix(deps: Dependencies, model: CheckedModel) -> tuple[Claims, Matrix]:
    """Read matured claims with their encoded features."""
    spec = model.bundle.spec
    claims = matured_claims(deps, model, spec.kinds, most=MOST_ENCODED)
    return claims, encode(spec, claims.columns)


def read_claims(
    deps: Dependencies,
    model: CheckedModel,
    *,
    since: datetime,
    until: datetime,
    kinds: Mapping[str, str] | None = None,
    other: str | None = None,
    most: int | None = None,
) -> Claims:
    """Read claims by event time, with the outcomes that were decided before the window's end.

    ``kinds`` maps the columns to read to their kind of feature. With ``other``, only claims that this model
    has scored too. With ``most``, a sample of at most this many claims.
    """
    first = since.date() - timedelta(days=since.weekday())
    with deps.database.transaction() as cursor:
        files = profiles.files_of_weeks(cursor, model.window.line, first, until.date())
    query = CohortQuery(
        line=model.window.line,
        model_version=model.version.version,
        files=files,
        since=since,
        until=until,
        decided_before=model.window.end,
        columns=list(kinds or ()),
        other=other,
        most=most,
    )
    return read_cohort(deps.database, model.contract, query, kinds)


def earlier_values(
    deps: Dependencies, window: Window, check: Check, metric: str, *, any_model: bool = False
) -> list[dict[str, float]]:
    """Read the values of a metric by feature in each earlier window, the oldest first.

    Only windows of the same model count, except with ``any_model``.
    """
    with deps.database.transaction() as cursor:
        before = evaluations.closed_before(cursor, window.key, EARLIER_WINDOWS)
        found = [
            evaluations.findings(cursor, past.key).get(check, [])
            for past in reversed(before)
            if any_model or past.model_version == window.model_version
        ]
    return [
        {
            finding.feature: finding.value
            for finding in findings
            if finding.metric == metric and finding.feature and finding.value is not None
        }
        for findings in found
    ]
