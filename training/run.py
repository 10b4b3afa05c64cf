"""A training run, from the file of a snapshot to a bundle with its evidence."""

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
from claimwatch.domain.model.ranking_metrics import capacity_threshold
from claimwatch.scoring.bundle import MANIFEST, Bundle, Part
from claimwatch.scoring.scorer import Scorer
from training import gates, plots
from training.calibrate import platt
from training.candidates import CANDIDATES, Candidate
from training.category_encoding import Order, by_fraud_rate
from training.convert import model_of
from training.estimates import ScoredSample
from training.evaluate import Trial, bivariate, evaluate
from training.evidence import Evidence, Family, FoldCount
from training.graph import onnx_of
from training.leakage import find_leaks, without
from training.sampling import Sampling, sample_weights
from training.select import Contender, choose, size_of
from training.settings import Settings
from training.snapshot import RefusedTraining, Snapshot, matured, read_snapshot
from training.splits import TEST, TRAIN, VALIDATION, Split, by_time, forward
from training.tune import fitted, fold, search, trials_for

type Floats = npt.NDArray[np.float64]

FEWEST_CLAIMS, FEWEST_FRAUDS = 100, 10
"""With an outcome, in each split; below this nothing can be said about a model."""


@dataclass(frozen=True)
class Request:
    """What to train on and under which names; ``champion`` is the folder of the live model's bundle."""

    line: str
    version: str
    contract: Contract
    snapshot: Path
    code_version: str
    created_at: str
    as_of: np.datetime64 | None = None
    champion: Path | None = None


@dataclass(frozen=True)
class _Window:
    """Claims of the training split (their places) that came after what an estimator had learnt from."""

    tried: npt.NDArray[np.intp]
    estimator: Any
    order: Order


@dataclass(frozen=True)
class _Entrant:
    """A fitted family, and the same parameters fitted on beginnings of the training split."""

    family: Family
    estimator: Any
    model: Model
    uncalibrated: Callable[[Matrix], Floats]
    windows: Sequence[_Window]


def train(
    request: Request,
    settings: Settings,
    tell: Callable[[str], None] = lambda _: None,
    candidates: Sequence[Candidate] = CANDIDATES,
) -> Evidence:
    """Train, choose, calibrate and measure a model; ``tell`` hears what is going on.

    Raises ``RefusedTraining`` where the claims do not allow for a model.
    """
    # On one thread sums have one order, and libraries do not wait for each other's threads.
    with threadpool_limits(1):
        return _train(request, settings, tell, candidates)


def _train(
    request: Request, settings: Settings, tell: Callable[[str], None], candidates: Sequence[Candidate]
) -> Evidence:
    cohort = matured(read_snapshot(request.snapshot, request.contract), request.as_of, settings.maturity_days)
    claims = cohort.claims
    split = by_time(claims.event_time, _claimants(claims, settings), claims.known)
    folds = [_count(claims, split, fold) for fold in (TRAIN, VALIDATION, TEST)]
    _check(folds, cohort.immature)
    tell(f"{len(claims):,} claims, {folds[0].known:,} of them with an outcome to learn from")

    learnt = claims.of(split.rows(TRAIN))
    leaks = find_leaks(request.contract, learnt, settings.trusted)
    for name, reason in leaks.items():
        tell(f"refused column {name}: {reason}")
    spec = _ordered(FeatureSpec.fit(without(request.contract, leaks), learnt.columns), learnt)
    matrix = encode(spec, claims.columns)
    sampling = sample_weights(matrix, claims.known, np.isin(claims.source, settings.audit_sources))
    gain = _gain(claims, settings)

    def trial(fold: int, score: Callable[[Matrix], Floats]) -> Trial:
        rows = split.rows(fold)
        return Trial(claims.of(rows), matrix[rows], score(matrix[rows]), sampling.weight[rows], gain[rows])

    entrants = [
        _enter(candidate, claims, split, spec, matrix, settings, len(candidates), tell)
        for candidate in candidates
    ]
    choice = choose(
        [
            Contender(
                entrant.family.name,
                entrant.family.size,
                [
                    *(_window(one, claims, split, matrix, sampling, gain) for one in entrant.windows),
                    trial(VALIDATION, entrant.uncalibrated).tried,
                ],
            )
            for entrant in entrants
        ],
        settings.capacity,
        settings.cost,
        settings.seed,
        settings.confidence,
        settings.resamples,
    )
    chosen = next(entrant for entrant in entrants if entrant.family.name == choice.name)
    tell(f"chosen: {choice.name}; {choice.why}")

    calibration = _calibrate(chosen, claims, split, matrix, sampling)
    graph = onnx_of(chosen.model, calibration)
    served = _served(graph)
    threshold = capacity_threshold(served(matrix[split.rows(VALIDATION)]), settings.capacity)
    tried = trial(TEST, served)
    evaluation = evaluate(tried, request.contract, spec, settings, threshold, served)
    found = [
        gates.parity(tried.probability, _library(chosen, calibration, tried.matrix), settings.parity_limit),
        gates.leak(evaluation.book["roc_auc"].value),
        gates.use(evaluation.book["lift_top_decile"].value),
        gates.bias(evaluation.groups, settings.bias_limit),
        gates.champion(tried.tried, _live(request.champion, tried), settings),
    ]
    unlearnt = split.rows(VALIDATION, TEST)
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
        threshold=threshold,
        reference=reference_of(spec, _columns(claims, unlearnt), served(matrix[unlearnt])),
        evaluation=evaluation,
        bivariate=bivariate(learnt, matrix[split.rows(TRAIN)], sampling.weight[split.rows(TRAIN)], spec),
        gates=found,
        refused_because=gates.reason_for_refusal(found),
        drawings=plots.drawings(tried.tried, evaluation.lift, evaluation.importance, threshold),
    )


def _ordered(spec: FeatureSpec, learnt: Snapshot) -> FeatureSpec:
    known = learnt.of(learnt.known)
    return by_fraud_rate(spec, encode(spec, known.columns), known.outcome).spec(spec)


def _enter(
    candidate: Candidate,
    claims: Snapshot,
    split: Split,
    spec: FeatureSpec,
    matrix: Matrix,
    settings: Settings,
    families: int,
    tell: Callable[[str], None],
) -> _Entrant:
    rows = claims.known & split.rows(TRAIN)
    x, y = matrix[rows], claims.outcome[rows]
    claimant = _claimants(claims, settings)
    places = np.flatnonzero(rows)
    pairs = forward(claims.event_time[rows], None if claimant is None else claimant[rows])
    folds = [fold(spec, x, y, learnt, tried) for learnt, tried in pairs]
    trials = trials_for(candidate, len(y), settings.budget_minutes, families)
    best = search(candidate, spec, folds, trials, settings.seed)
    estimator = fitted(candidate, best.parameters, spec, x, y, settings.seed)
    model = model_of(estimator, x, [len(feature.categories) for feature in spec.features])
    family = Family(
        candidate.name, best.parameters, best.loss, [loss for loss, _ in best.trials], size_of(model)
    )
    tell(f"{candidate.name}: log-loss {best.loss:.4f}, the best of {trials}")
    windows = [
        _Window(
            places[tried],
            fitted(candidate, best.parameters, spec, one.x_learnt, one.y_learnt, settings.seed),
            one.order,
        )
        for one, (_, tried) in zip(folds, pairs, strict=True)
    ]
    return _Entrant(family, estimator, model, _served(onnx_of(model, Calibration())), windows)


def _window(
    window: _Window, claims: Snapshot, split: Split, matrix: Matrix, sampling: Sampling, gain: Floats
) -> ScoredSample:
    """A window as the estimator saw it coming, in the book of all claims of its time."""
    own, time = window.tried, claims.event_time
    around = split.rows(TRAIN) & (time >= time[own].min()) & (time <= time[own].max())

    def score(rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Floats:
        stated: Floats = window.estimator.predict_proba(window.order.recoded(matrix[rows]))[:, 1]
        return stated

    return ScoredSample(claims.outcome[own], score(own), sampling.weight[own], gain[own], score(around))


def _served(graph: bytes) -> Callable[[Matrix], Floats]:
    """What the graph says of claims: the probability that they will be served."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, sess_options=options, providers=["CPUExecutionProvider"])

    def score(matrix: Matrix) -> Floats:
        served: Floats = session.run(["probability"], {"x": matrix})[0].astype(np.float64)
        return served

    return score


def _library(chosen: _Entrant, calibration: Calibration, matrix: Matrix) -> Floats:
    """The probabilities by the library's own prediction, calibrated."""
    stated = chosen.estimator.predict_proba(matrix)[:, 1]
    return (
        probability(calibration, "identity", stated)
        if chosen.model.link == "identity"
        else _of_odds(calibration, stated)
    )


def _of_odds(calibration: Calibration, stated: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return probability(calibration, "logit", np.log(stated) - np.log1p(-stated))


def _calibrate(
    chosen: _Entrant, claims: Snapshot, split: Split, matrix: Matrix, sampling: Sampling
) -> Calibration:
    rows = claims.known & split.rows(VALIDATION)
    stated = chosen.uncalibrated(matrix[rows])
    return platt("identity", stated, claims.outcome[rows], sampling.weight[rows])


def _live(folder: Path | None, trial: Trial) -> Any:
    """The champion on the same claims; None without one."""
    if folder is None:
        return None
    manifest = (folder / MANIFEST).read_bytes()
    bundle = Bundle.read(lambda name: (folder / name).read_bytes(), Part.of(manifest).sha256)
    return replace(trial, probability=Scorer(bundle).probabilities(trial.claims.columns)).tried


def _claimants(claims: Snapshot, settings: Settings) -> npt.NDArray[np.object_] | None:
    if settings.claimant_column is None:
        return None
    found = claims.columns.get(settings.claimant_column)
    if found is None:
        raise RefusedTraining(f"the snapshot has no column '{settings.claimant_column}' of the claimant")
    return np.asarray(found, dtype=object)


def _gain(claims: Snapshot, settings: Settings) -> Floats:
    """What finding each claim saves; where the amount is missing, the median."""
    if settings.amount_column is None:
        return np.ones(len(claims))
    found = claims.columns.get(settings.amount_column)
    if found is None:
        raise RefusedTraining(f"the snapshot has no column '{settings.amount_column}' of the amount")
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
    for name, count in zip(("training", "validation", "test"), folds, strict=True):
        if count.known < FEWEST_CLAIMS or min(count.frauds, count.known - count.frauds) < FEWEST_FRAUDS:
            raise RefusedTraining(
                f"the {name} split has {count.known:,} claims with an outcome and {count.frauds:,} frauds; it"
                f" takes {FEWEST_CLAIMS} and {FEWEST_FRAUDS} of either kind. {immature:,} claims are too"
                " young for their outcome to be due"
            )


def _day(moment: np.datetime64) -> str:
    return str(np.datetime64(moment, "D"))
