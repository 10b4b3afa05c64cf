"""A training run, from a snapshot file to a model with its evidence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from threadpoolctl import threadpool_limits

from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.model.calibration import Calibration, probability
from claimwatch.domain.model.features import Columns, FeatureSpec, Matrix, encode
from claimwatch.domain.model.model import Model
from claimwatch.domain.model.profile import reference_of
from claimwatch.domain.model.referral import ReferralRule
from claimwatch.scoring.bundle import Bundle
from claimwatch.scoring.scorer import Scorer
from training import gates, plots
from training.calibrate import platt
from training.candidates import CANDIDATES, Candidate
from training.category_encoding import Order, by_fraud_rate
from training.convert import model_of
from training.evaluate import ScoredSplit, evaluate, values_of
from training.evidence import Evidence, Family, FoldCount
from training.graph import onnx_of
from training.leakage import find_leaks, without
from training.sampling import Sampling, sample_weights
from training.scored_sample import ScoredSample
from training.select import Contender, choose, size_of
from training.settings import Settings
from training.snapshot import RefusedTraining, Snapshot, matured, read_snapshot
from training.splits import TEST, TRAIN, VALIDATION, Split, by_time, forward
from training.tune import fitted, fold, search, trials_for

type Floats = npt.NDArray[np.float64]
type Mask = npt.NDArray[np.bool_]
type Score = Callable[[Matrix], Floats]

FEWEST_CLAIMS, FEWEST_FRAUDS = 100, 10
"""The least claims with an outcome, and of each outcome, in a split; with fewer, nothing can be measured."""


@dataclass(frozen=True)
class Request:
    """What to train on and how to name the result.

    ``today`` is the time of the run, after which nothing in the snapshot can be.
    ``champion`` is the folder of the live model's bundle, and ``champion_sha256`` its pinned hash.
    """

    line: str
    version: str
    contract: Contract
    snapshot: Path
    code_version: str
    created_at: str
    today: np.datetime64
    as_of: np.datetime64 | None = None
    champion: Path | None = None
    champion_sha256: str = ""


@dataclass(frozen=True)
class _Book:
    """The matured claims of a line, split by time, encoded and weighted."""

    claims: Snapshot
    split: Split
    matrix: Matrix
    sampling: Sampling
    gain: Floats
    audited: Mask

    def scored(
        self, rows: Mask, probability: Floats, known: Mask, rule: ReferralRule | None = None
    ) -> ScoredSample:
        """Return some claims with a model's probabilities; only outcomes of ``known`` claims are used.

        Without a rule, no claim is referred. Claims of a tie are drawn by their positions, because only
        scoring may read the key that draws them by their ids.
        """
        positions = np.flatnonzero(rows).astype(str).astype(object)
        return ScoredSample(
            probability,
            np.where(known, self.claims.outcome, np.nan)[rows],
            self.sampling.weight[rows],
            self.gain[rows],
            self.audited[rows],
            None if rule is None else rule.refer(probability, positions, b""),
        )

    def of_split(self, fold: int, score: Score, rule: ReferralRule | None = None) -> ScoredSplit:
        """Return a split with the probabilities that ``score`` gives its claims."""
        rows = self.split.rows(fold)
        return ScoredSplit(
            self.claims.of(rows),
            self.matrix[rows],
            self.scored(rows, score(self.matrix[rows]), self.claims.known, rule),
        )


@dataclass(frozen=True)
class _Period:
    """Positions of training claims that came after the claims that ``estimator`` was fitted on."""

    rows: npt.NDArray[np.intp]
    estimator: Any
    order: Order


@dataclass(frozen=True)
class _Entrant:
    """A fitted family, and the same parameters fitted on earlier parts of the training split."""

    family: Family
    estimator: Any
    model: Model
    uncalibrated: Score
    periods: Sequence[_Period]


def train(
    request: Request,
    settings: Settings,
    log: Callable[[str], None] = lambda _: None,
    candidates: Sequence[Candidate] = CANDIDATES,
) -> Evidence:
    """Train, choose, calibrate and measure a model; ``log`` receives a line for each step.

    Raises ``RefusedTraining`` if no model can be made from the claims.
    """
    # With one thread, sums are added in one order, and libraries do not wait for each other's threads.
    with threadpool_limits(1):
        return _train(request, settings, log, candidates)


def _train(
    request: Request, settings: Settings, log: Callable[[str], None], candidates: Sequence[Candidate]
) -> Evidence:
    snapshot = read_snapshot(request.snapshot, request.contract)
    cohort = matured(snapshot, request.as_of, settings.maturity_days, request.today)
    claims = cohort.claims
    split = by_time(claims.event_time, _claimants(claims, settings), claims.known)
    folds = [_count(claims, split, fold) for fold in (TRAIN, VALIDATION, TEST)]
    _check(folds, cohort.immature)
    log(f"{len(claims):,} claims, {folds[0].known:,} of them with an outcome to train on")

    train_claims = claims.of(split.rows(TRAIN))
    leaks = find_leaks(request.contract, train_claims, settings.trusted)
    for name, reason in leaks.items():
        log(f"refused column {name}: {reason}")
    spec = _ordered(FeatureSpec.fit(without(request.contract, leaks), train_claims.columns), train_claims)
    matrix = encode(spec, claims.columns)
    audited = np.isin(claims.source, settings.audit_sources)
    sampling = sample_weights(matrix, claims.known, audited)
    book = _Book(claims, split, matrix, sampling, _gain(claims, settings), audited)

    entrants = [_enter(candidate, book, spec, settings, len(candidates), log) for candidate in candidates]
    choice = choose([_contender(entrant, book) for entrant in entrants], settings.capacity, settings.cost)
    chosen = next(entrant for entrant in entrants if entrant.family.name == choice.name)
    log(f"chosen: {choice.name}. {choice.why}")

    calibration = _calibrate(chosen, book)
    graph = onnx_of(chosen.model, calibration)
    served = _served(graph)
    rule = ReferralRule.of_capacity(served(matrix[split.rows(VALIDATION)]), settings.capacity)
    unseen = split.rows(VALIDATION, TEST)
    reference = reference_of(spec, _columns(claims, unseen), served(matrix[unseen]))
    test = book.of_split(TEST, served, rule)
    found = evaluate(
        test,
        book.of_split(TRAIN, served, rule),
        request.contract,
        spec,
        reference.features,
        settings,
        served,
    )
    metrics = values_of(found.book)
    results = [
        gates.parity(
            test.scored.probability, _library(chosen, calibration, test.matrix), settings.parity_limit
        ),
        gates.leak(metrics["roc_auc"]),
        gates.use(metrics["lift_top_decile"]),
        gates.bias(found.disparities, settings.bias_limit),
        gates.champion(test.scored, _live(request, test), settings),
    ]
    return Evidence(
        line=request.line,
        version=request.version,
        contract_version=request.contract.version,
        code_version=request.code_version,
        data_sha256=claims.sha256,
        created_at=request.created_at,
        as_of=_day(cohort.as_of),
        settings=settings,
        spec=spec,
        immature=cohort.immature,
        left_out=split.left_out,
        folds=folds,
        leaks=leaks,
        sampling=sampling,
        families=[entrant.family for entrant in entrants],
        choice=choice,
        model=chosen.model,
        graph=graph,
        calibration=calibration,
        referral=rule,
        reference=reference,
        evaluation=found,
        gates=results,
        refused_because=gates.reason_for_refusal(results),
        drawings=plots.drawings(test.scored.book, found.lift, found.importance, rule.threshold),
    )


def _ordered(spec: FeatureSpec, train_claims: Snapshot) -> FeatureSpec:
    known = train_claims.of(train_claims.known)
    return by_fraud_rate(spec, encode(spec, known.columns), known.outcome).spec(spec)


def _enter(
    candidate: Candidate,
    book: _Book,
    spec: FeatureSpec,
    settings: Settings,
    families: int,
    log: Callable[[str], None],
) -> _Entrant:
    claims = book.claims
    rows = claims.known & book.split.rows(TRAIN)
    x, y = book.matrix[rows], claims.outcome[rows]
    claimant = _claimants(claims, settings)
    places = np.flatnonzero(rows)
    pairs = forward(claims.event_time[rows], None if claimant is None else claimant[rows])
    folds = [fold(spec, x, y, train_rows, test_rows) for train_rows, test_rows in pairs]
    trials = trials_for(candidate, len(y), settings.budget_minutes, families)
    best = search(candidate, spec, folds, trials, settings.seed)
    estimator = fitted(candidate, best.parameters, spec, x, y, settings.seed)
    model = model_of(estimator, x, [len(feature.categories) for feature in spec.features])
    family = Family(
        candidate.name, best.parameters, best.loss, [loss for loss, _ in best.trials], size_of(model)
    )
    log(f"{candidate.name}: log-loss {best.loss:.4f}, the best of {trials} trials")
    periods = [
        _Period(
            places[test_rows],
            fitted(candidate, best.parameters, spec, one.x_train, one.y_train, settings.seed),
            one.order,
        )
        for one, (_, test_rows) in zip(folds, pairs, strict=True)
    ]
    return _Entrant(family, estimator, model, _served(onnx_of(model, Calibration())), periods)


def _contender(entrant: _Entrant, book: _Book) -> Contender:
    return Contender(
        entrant.family.name,
        entrant.family.size,
        [
            *(_sample(period, book) for period in entrant.periods),
            book.of_split(VALIDATION, entrant.uncalibrated).scored,
        ],
    )


def _sample(period: _Period, book: _Book) -> ScoredSample:
    """Return a period of the search, among all claims of its time."""
    time = book.claims.event_time
    own = np.zeros(len(time), dtype=np.bool_)
    own[period.rows] = True
    rows = book.split.rows(TRAIN) & (time >= time[own].min()) & (time <= time[own].max())
    probability = period.estimator.predict_proba(period.order.recoded(book.matrix[rows]))[:, 1]
    return book.scored(rows, probability, own)


def _served(graph: bytes) -> Score:
    """Return a function that scores encoded claims by the graph, as serving does."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, sess_options=options, providers=["CPUExecutionProvider"])

    def score(matrix: Matrix) -> Floats:
        served: Floats = session.run(["probability"], {"x": matrix})[0].astype(np.float64)
        return served

    return score


def _library(chosen: _Entrant, calibration: Calibration, matrix: Matrix) -> Floats:
    """Return the probabilities of the library's own prediction, calibrated."""
    stated = chosen.estimator.predict_proba(matrix)[:, 1]
    return (
        probability(calibration, "identity", stated)
        if chosen.model.link == "identity"
        else _of_odds(calibration, stated)
    )


def _of_odds(calibration: Calibration, stated: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return probability(calibration, "logit", np.log(stated) - np.log1p(-stated))


def _calibrate(chosen: _Entrant, book: _Book) -> Calibration:
    rows = book.claims.known & book.split.rows(VALIDATION)
    stated = chosen.uncalibrated(book.matrix[rows])
    return platt("identity", stated, book.claims.outcome[rows], book.sampling.weight[rows])


def _live(request: Request, test: ScoredSplit) -> ScoredSample | None:
    """Return the champion's scores of the same claims; None without a champion."""
    folder = request.champion
    if folder is None:
        return None
    bundle = Bundle.read(lambda name: (folder / name).read_bytes(), request.champion_sha256)
    return replace(test.scored, probability=Scorer(bundle).probabilities(test.claims.columns))


def _claimants(claims: Snapshot, settings: Settings) -> npt.NDArray[np.object_] | None:
    if settings.claimant_column is None:
        return None
    found = claims.columns.get(settings.claimant_column)
    if found is None:
        raise RefusedTraining(f"the snapshot has no claimant column '{settings.claimant_column}'")
    return np.asarray(found, dtype=object)


def _gain(claims: Snapshot, settings: Settings) -> Floats:
    """Return what finding each claim saves; the median where the amount is missing."""
    if settings.amount_column is None:
        return np.ones(len(claims))
    found = claims.columns.get(settings.amount_column)
    if found is None:
        raise RefusedTraining(f"the snapshot has no amount column '{settings.amount_column}'")
    amount = np.asarray(found, dtype=np.float64)
    return np.where(np.isnan(amount), np.nanmedian(amount), amount)


def _columns(claims: Snapshot, rows: npt.NDArray[np.bool_]) -> Columns:
    return {name: np.asarray(values)[rows] for name, values in claims.columns.items()}


def _count(claims: Snapshot, split: Split, fold: int) -> FoldCount:
    own = claims.of(split.rows(fold))
    if not len(own):
        return FoldCount(0, 0, 0, "", "")
    first, last = own.event_time.min(), own.event_time.max()
    return FoldCount(len(own), int(own.known.sum()), int(np.nansum(own.outcome)), _day(first), _day(last))


def _check(folds: Sequence[FoldCount], immature: int) -> None:
    names = ("training", "validation", "test")
    frauds = ", ".join(f"{name} {count.frauds:,}" for name, count in zip(names, folds, strict=True))
    for name, count in zip(names, folds, strict=True):
        if count.known < FEWEST_CLAIMS or min(count.frauds, count.known - count.frauds) < FEWEST_FRAUDS:
            raise RefusedTraining(
                f"the {name} split has {count.known:,} claims with an outcome, {count.frauds:,} of them"
                f" frauds; it needs {FEWEST_CLAIMS}, and {FEWEST_FRAUDS} of each outcome. Frauds by split:"
                f" {frauds}. The outcomes of {immature:,} more recent claims are not due yet"
            )


def _day(moment: np.datetime64) -> str:
    return str(np.datetime64(moment, "D"))
