"""A training run, from a snapshot file to a model with its evidence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.model.features import Columns, FeatureSpec, encode, unused_columns
from claimwatch.domain.model.profile import reference_of
from claimwatch.domain.model.referral import ReferralRule
from claimwatch.scoring.bundle import Bundle
from claimwatch.scoring.scorer import Scorer
from training import gates, plots
from training.book import Book, claimants, gain_of
from training.calendar_columns import leaving_out, own_parts, with_periods
from training.calibrate import FoundNothing
from training.candidates import CANDIDATES, Candidate
from training.category_encoding import ordered
from training.cause import misleading_warnings
from training.diagnose import area_of, decline, misleading_columns
from training.enough import check, check_features, check_known, count_of, day_of
from training.evaluate import evaluate, values_of
from training.evidence import Evidence
from training.fairness import fairness
from training.fairness_text import warnings_of
from training.families import calibrated, contender, enter, library
from training.fraud_rates import fraud_rates_of
from training.graph import onnx_of, scorer_of
from training.leakage import find_leaks, without
from training.sampling import sample_weights
from training.scored_sample import ScoredSample, ScoredSplit
from training.select import choose
from training.settings import Settings
from training.snapshot import RefusedTraining, Snapshot, matured, read_snapshot
from training.splits import TEST, TRAIN, VALIDATION, by_time
from training.strong_features import strong_features


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
    check_known(claims, cohort.immature, request.contract)
    split = by_time(claims.event_time, claimants(claims, settings), claims.known)
    folds = [count_of(claims, split, fold) for fold in (TRAIN, VALIDATION, TEST)]
    check(folds, cohort.immature, request.contract, split.left_out)
    log(f"{len(claims):,} claims, {folds[0].known:,} of them with an outcome to train on")

    train_claims = claims.of(split.rows(TRAIN))
    leaks = find_leaks(request.contract, train_claims, settings.trusted)
    remaining = without(request.contract, leaks)
    found_features = FeatureSpec.fit(remaining, train_claims.columns)
    unused = unused_columns(remaining, train_claims.columns)
    leaks |= own_parts(found_features, train_claims.event_time, settings.trusted)
    kept = leaving_out(found_features, leaks)
    for name, reason in leaks.items():
        log(f"refused column {name}: {reason}")
    for name, reason in unused.items():
        log(f"feature not used, {name}: {reason}")
    check_features(kept, leaks | unused, request.line)
    spec = ordered(kept, train_claims)
    matrix = encode(spec, claims.columns)
    spec = with_periods(spec, matrix, claims.event_time)
    audited = np.isin(claims.source, settings.audit_sources)
    sampling = sample_weights(matrix, claims.known, audited)
    book = Book(claims, split, matrix, sampling, gain_of(claims, settings), audited)

    entrants = [enter(candidate, book, spec, settings, len(candidates), log) for candidate in candidates]
    choice = choose([contender(entrant, book) for entrant in entrants], settings.capacity, settings.cost)
    chosen = next(entrant for entrant in entrants if entrant.family.name == choice.name)
    log(f"chosen: {choice.name}. {choice.why}")

    try:
        calibration = calibrated(chosen, book)
    except FoundNothing as error:
        misled = misleading_columns(chosen, book, spec, VALIDATION, settings.seed)
        why = decline(chosen, book, spec, VALIDATION, misled, settings.seed)
        raise RefusedTraining(f"{error}. {why.sentences}") from error
    graph = onnx_of(chosen.model, calibration)
    served = scorer_of(graph)
    rule = ReferralRule.of_capacity(served(matrix[split.rows(VALIDATION)]), settings.capacity)
    unseen = split.rows(VALIDATION, TEST)
    train_split = book.of_split(TRAIN, served, rule)
    reference = replace(
        reference_of(spec, _columns(claims, unseen), served(matrix[unseen])),
        fraud_rates=fraud_rates_of(spec, train_split.matrix, train_split.scored.book),
    )
    test = book.of_split(TEST, served, rule)
    found = evaluate(
        test,
        train_split,
        fairness(
            book.of_split((VALIDATION, TEST), served, rule),
            train_split,
            request.contract,
            spec,
            settings,
            served,
        ),
        request.contract,
        spec,
        reference.features,
        settings,
        served,
    )
    metrics = values_of(found.book)
    misled = misleading_columns(chosen, book, spec, TEST, settings.seed)
    known = claims.known
    strong = strong_features(spec, matrix[known], claims.outcome[known], found.importance, metrics["roc_auc"])
    warnings = [*strong, *warnings_of(found.fairness), *misleading_warnings(misled)]
    for warning in warnings:
        log(f"warning: {warning}")
    results = [
        gates.parity(
            test.scored.probability, library(chosen, calibration, test.matrix), settings.parity_limit
        ),
        gates.leak(metrics["roc_auc"]),
        gates.use(
            area_of(test.scored.book),
            metrics["lift_top_decile"],
            lambda: decline(chosen, book, spec, TEST, misled, settings.seed).sentences,
        ),
        gates.bias(
            found.fairness,
            f'claimwatch approve {request.line} {request.version} --exception bias --why "..."',
        ),
        gates.champion(test.scored, _live(request, test), settings),
    ]
    return Evidence(
        line=request.line,
        version=request.version,
        contract_version=request.contract.version,
        code_version=request.code_version,
        data_sha256=claims.sha256,
        created_at=request.created_at,
        as_of=day_of(cohort.as_of),
        back_test=request.as_of is not None,
        settings=settings,
        spec=spec,
        immature=cohort.immature,
        left_out=split.left_out,
        folds=folds,
        leaks=leaks,
        unused=unused,
        warnings=warnings,
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


def _live(request: Request, test: ScoredSplit) -> ScoredSample | None:
    """Return the champion's scores of the same claims; None without a champion."""
    folder = request.champion
    if folder is None:
        return None
    bundle = Bundle.read(lambda name: (folder / name).read_bytes(), request.champion_sha256)
    return replace(test.scored, probability=Scorer(bundle).probabilities(test.claims.columns))


def _columns(claims: Snapshot, rows: npt.NDArray[np.bool_]) -> Columns:
    return {name: np.asarray(values)[rows] for name, values in claims.columns.items()}
