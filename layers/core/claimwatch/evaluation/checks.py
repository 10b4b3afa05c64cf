"""What each check needs, read, and given to its statistics."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, partial
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from claimwatch.aws.lambda_reports import Invocations
from claimwatch.aws.queues import Queues
from claimwatch.domain.contract.contract import Contract, Role
from claimwatch.domain.evaluation.bias import bias
from claimwatch.domain.evaluation.bivariate import bivariate
from claimwatch.domain.evaluation.challenger import challenger
from claimwatch.domain.evaluation.drift import feature_drift, flagged, score_drift
from claimwatch.domain.evaluation.error_slices import errors
from claimwatch.domain.evaluation.finding import Check, Finding
from claimwatch.domain.evaluation.importance import importance
from claimwatch.domain.evaluation.operations import ChunkTime, Operated, operations
from claimwatch.domain.evaluation.performance import estimated, performance
from claimwatch.domain.evaluation.quality import Intake, data_quality
from claimwatch.domain.evaluation.week import WEEK
from claimwatch.domain.model.features import Feature, Matrix, encode
from claimwatch.domain.model.profile import Profile
from claimwatch.domain.model.profile_codec import unpack
from claimwatch.domain.model.shapley import shapley
from claimwatch.evaluation.cohort_reader import Claims, read
from claimwatch.scoring.bundle import Bundle
from claimwatch.storage import cohorts, contracts, evaluations, models, profiles
from claimwatch.storage.cohorts import CohortQuery
from claimwatch.storage.connection import Database
from claimwatch.storage.evaluations import Window
from claimwatch.storage.models import Version

COHORT_WEEKS = 13
"""Weeks of matured claims that performance is told from: one week of outcomes is too few to tell anything."""

HISTORY_WEEKS = 8
"""Weeks before that a week's files are compared with."""

EARLIER_WINDOWS = 12
"""Windows before whose findings some checks look at."""

EXPLAINED = 2_000
"""Claims of a week whose scores are taken apart for what the model looks at."""

LOOKED_INTO = 200_000
"""Claims at most that are read with all their columns."""

_EVER = date(1970, 1, 5)


@dataclass(frozen=True)
class OperationsSources:
    """What operations are seen by: the calls of all functions, and the queues by their URLs."""

    invocations: Invocations
    queues: Queues
    queue_urls: Sequence[str] = ()
    dead_letter_urls: Sequence[str] = ()


@dataclass(frozen=True)
class Dependencies:
    """What checks read from. ``bundle`` reads the model of that version, held to its hash."""

    database: Database
    bundle: Callable[[Version], Bundle]
    operations_sources: OperationsSources


@dataclass(frozen=True)
class _Model:
    """The model that is looked at, with the contract that its line has now."""

    version: Version
    bundle: Bundle
    contract: Contract
    window: Window

    @property
    def monday(self) -> date:
        return self.window.start.date()

    @cached_property
    def maturity(self) -> timedelta:
        return timedelta(days=self.contract.review.maturity_days)

    @cached_property
    def matured_until(self) -> datetime:
        """Claims that were made before have an outcome, or none will come."""
        return self.window.end - self.maturity


def checks(deps: Dependencies) -> Mapping[Check, Callable[[Window], list[Finding]]]:
    """Every check, ready to be given a window."""
    all_of_them: dict[Check, Callable[[Dependencies, Window], list[Finding]]] = {
        "data_quality": _data_quality,
        "feature_drift": _feature_drift,
        "score_drift": _score_drift,
        "performance": _performance,
        "errors": _errors,
        "challenger": _challenger,
        "bias": _bias,
        "importance": _importance,
        "bivariate": _bivariate,
        "operations": _operations,
    }
    return {check: partial(run, deps) for check, run in all_of_them.items()}


# -- Profiles ------------------------------------------------------------------------------------------------


def _feature_drift(deps: Dependencies, window: Window) -> list[Finding]:
    model = _model(deps, window)
    reference = model.bundle.reference.features
    before, _ = _profiles(deps, model, model.monday - WEEK)
    # The week before is looked at again: so nothing depends on whether, and when, it was checked.
    seen = flagged(feature_drift(reference, before, ()))
    features, _ = _profiles(deps, model, model.monday)
    return feature_drift(reference, features, seen)


def _score_drift(deps: Dependencies, window: Window) -> list[Finding]:
    model = _model(deps, window)
    reference = model.bundle.reference.score
    _, before = _profiles(deps, model, model.monday - WEEK)
    _, score = _profiles(deps, model, model.monday)
    return score_drift(reference, score, bool(flagged(score_drift(reference, before, before=False))))


def _data_quality(deps: Dependencies, window: Window) -> list[Finding]:
    model = _model(deps, window)
    features, _ = _profiles(deps, model, model.monday)
    with deps.database.transaction() as cursor:
        arrived = profiles.arrived(cursor, window.line, model.monday - HISTORY_WEEKS * WEEK, model.monday)
        weeks = [
            Intake(
                week.files,
                week.rows_read,
                week.rows_quarantined,
                week.by_rule,
                cohorts.count_repeated(cursor, model.contract, week.file_ids),
                week.late,
                week.claims,
            )
            for week in arrived
        ]
    return data_quality(model.bundle.reference.features, features, weeks[-1], weeks[:-1])


def _profiles(deps: Dependencies, model: _Model, monday: date) -> tuple[dict[str, Profile], Profile]:
    with deps.database.transaction() as cursor:
        packed = profiles.packed_of_week(cursor, model.window.line, model.version.version, monday)
        return unpack(model.bundle.reference, packed)


# -- Matured claims ------------------------------------------------------------------------------------------


def _performance(deps: Dependencies, window: Window) -> list[Finding]:
    model = _model(deps, window)
    matured = _matured(deps, model)
    young = _claims(deps, model, since=model.matured_until, until=window.end)
    promised = {
        name: float(value)
        for name, value in model.version.metrics.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return [
        *performance(matured.cohort, model.bundle.manifest.capacity, promised, len(young)),
        *estimated(young.probability, young.referred),
    ]


def _errors(deps: Dependencies, window: Window) -> list[Finding]:
    model = _model(deps, window)
    claims, matrix = _encoded(deps, model)
    return errors(claims.cohort, _segments(model.bundle, matrix))


def _challenger(deps: Dependencies, window: Window) -> list[Finding]:
    if window.challenger is None:
        return []
    model = _model(deps, window)
    claims = _claims(
        deps,
        model,
        since=datetime(_EVER.year, _EVER.month, _EVER.day, tzinfo=UTC),
        until=model.matured_until,
        other=window.challenger,
    )
    return challenger(claims.cohort, claims.other, model.bundle.manifest.capacity)


def _bias(deps: Dependencies, window: Window) -> list[Finding]:
    model = _model(deps, window)
    protected = {
        column.name: "category"
        for column in model.contract.columns
        if column.role is Role.PROTECTED and not column.hashed
    }
    if not protected:
        return []
    week = _claims(deps, model, since=window.start, until=window.end, kinds=protected)
    matured = _matured(deps, model, kinds=protected)
    return bias(week.referred, _groups(week), matured.cohort, _groups(matured))


def _bivariate(deps: Dependencies, window: Window) -> list[Finding]:
    model = _model(deps, window)
    claims, matrix = _encoded(deps, model)
    features = model.bundle.spec.features
    kinds = [feature.kind for feature in features]
    before = _earlier(deps, window, "bivariate", "correlation", any_model=True)
    return bivariate(matrix, model.bundle.spec.names, kinds, claims.cohort, before)


def _importance(deps: Dependencies, window: Window) -> list[Finding]:
    model = _model(deps, window)
    spec = model.bundle.spec
    claims = _claims(deps, model, since=window.start, until=window.end, kinds=spec.kinds, most=EXPLAINED)
    matrix = encode(spec, claims.columns)
    before = _earlier(deps, window, "importance", "importance")
    return importance(shapley(model.bundle.model, matrix), spec.names, before)


def _matured(deps: Dependencies, model: _Model, kinds: Mapping[str, str] | None = None) -> Claims:
    until = model.matured_until
    return _claims(deps, model, since=until - COHORT_WEEKS * WEEK, until=until, kinds=kinds)


def _encoded(deps: Dependencies, model: _Model) -> tuple[Claims, Matrix]:
    """Matured claims with their features, a sample if there are very many."""
    spec, until = model.bundle.spec, model.matured_until
    since = until - COHORT_WEEKS * WEEK
    claims = _claims(deps, model, since=since, until=until, kinds=spec.kinds, most=LOOKED_INTO)
    return claims, encode(spec, claims.columns)


def _claims(
    deps: Dependencies,
    model: _Model,
    *,
    since: datetime,
    until: datetime,
    kinds: Mapping[str, str] | None = None,
    other: str | None = None,
    most: int | None = None,
) -> Claims:
    """Claims that were made from one moment until another, with what was decided before the window's end."""
    first = since.date() - timedelta(days=since.weekday())
    with deps.database.transaction() as cursor:
        files = profiles.files_of_weeks(cursor, model.window.line, first, until.date())
    wanted = CohortQuery(
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
    return read(deps.database, model.contract, wanted, kinds)


def _groups(claims: Claims) -> dict[str, npt.NDArray[np.object_]]:
    return {name: np.asarray(values, dtype=object) for name, values in claims.columns.items()}


def _segments(bundle: Bundle, matrix: Matrix) -> dict[str, npt.NDArray[np.object_]]:
    """The slice that each claim is in, by feature; numbers are cut at the quarters of the reference."""
    found = {}
    for place, feature in enumerate(bundle.spec.features):
        words, codes = _slices(feature, matrix[:, place], bundle.reference.features[feature.name])
        labels = np.array([*words, None], dtype=object)
        found[feature.name] = labels[codes]
    return found


def _slices(
    feature: Feature, values: npt.NDArray[np.float32], reference: Profile
) -> tuple[list[str], npt.NDArray[np.intp]]:
    """Names of slices, and for each claim the place of its own; -1 where it has no value."""
    missing = np.isnan(values)
    if feature.kind == "category":
        words = list(feature.categories)
        codes = np.where(missing, -1, values)
    elif feature.kind == "flag":
        words = ["no", "yes"]
        codes = np.where(missing, -1, values > 0.5)
    else:
        quarters = (reference.quantile(share) for share in (0.25, 0.5, 0.75))
        cuts = sorted({cut for cut in quarters if cut is not None})
        ends = [f"{cut:.6g}" for cut in cuts]
        words = [f"up to {ends[0]}"] if ends else ["any"]
        words += [f"{low} to {high}" for low, high in pairwise(ends)]
        words += [f"above {ends[-1]}"] if ends else []
        codes = np.where(missing, -1, np.searchsorted(np.array(cuts), values, side="left"))
    return words, codes.astype(np.intp)


# -- The machine ---------------------------------------------------------------------------------------------


def _operations(deps: Dependencies, window: Window) -> list[Finding]:
    """Of the seven days before the check: a machine works when claims come, not when they were made."""
    until = datetime.now(UTC)
    since = until - WEEK
    with deps.database.transaction() as cursor:
        monday = window.start.date()
        chunks = profiles.chunks_of_week(cursor, window.line, window.model_version, monday)
        files, failed = profiles.files_between(cursor, window.line, since, until)
    seen = deps.operations_sources
    return operations(
        Operated(
            chunks=[ChunkTime(claims, seconds, cold) for claims, seconds, cold in chunks],
            files=files,
            failed_files=failed,
            invocations=seen.invocations.between(since, until),
            dead_letters=seen.queues.waiting(seen.dead_letter_urls),
            queue_seconds=seen.queues.oldest_seconds(seen.queue_urls, since, until),
        )
    )


# -- What they share -----------------------------------------------------------------------------------------


def _model(deps: Dependencies, window: Window) -> _Model:
    with deps.database.transaction() as cursor:
        version = models.find_version(cursor, window.line, window.model_version)
        running = contracts.find_running(cursor, window.line)
    if version is None or running is None:
        raise LookupError(f"line {window.line} has no model {window.model_version}, or no contract")
    return _Model(version, deps.bundle(version), running.contract, window)


def _earlier(
    deps: Dependencies, window: Window, check: Check, metric: str, *, any_model: bool = False
) -> list[dict[str, float]]:
    """A metric of the windows before, by feature, the oldest first."""
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
