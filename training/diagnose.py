"""Finds out why a family does not rank the claims of a later split."""

from collections.abc import Sequence

from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.evaluation.ranking import Estimate, estimate, mean_estimate, roc_auc_influence
from claimwatch.domain.model import ranking_metrics
from claimwatch.domain.model.features import FeatureSpec
from training.book import Book
from training.cause import Decline, moved_columns
from training.enough import day_of
from training.families import Entrant, contender, trained_without
from training.graph import Score
from training.misleading import Misleading, find_misleading
from training.scored_sample import ScoredSample
from training.splits import NAMES, TRAIN, VALIDATION


def misleading_columns(
    chosen: Entrant, book: Book, spec: FeatureSpec, fold: int, seed: int
) -> list[Misleading]:
    """Return the columns that mislead a family on the claims of a split."""
    train = book.matrix[book.split.rows(TRAIN)]
    later = book.of_split(fold, chosen.uncalibrated)
    return find_misleading(chosen.uncalibrated, spec, train, later.matrix, later.scored.book, seed)


def decline(
    chosen: Entrant,
    book: Book,
    spec: FeatureSpec,
    fold: int,
    misleading: Sequence[Misleading],
    seed: int,
) -> Decline:
    """Return what is known about a family that does not rank the claims of a split."""
    rows = book.split.rows(fold)
    matrix = book.matrix[rows]
    columns = {column for each in misleading for column in each.columns}
    periods = contender(chosen, book).periods
    return Decline(
        split=NAMES[fold],
        since=day_of(book.claims.event_time[rows].min()),
        earlier=_area(periods[:-1] if fold == VALIDATION else periods),
        here=_area([book.scored(rows, chosen.uncalibrated(matrix), book.claims.known)]),
        misleading=misleading,
        without=(
            _worth(trained_without(columns, chosen, book, spec, seed), book, fold)
            if columns and any(feature.column not in columns for feature in spec.features)
            else None
        ),
        moved=moved_columns(spec, book.matrix[book.split.rows(TRAIN)], matrix),
    )


def area_of(cohort: Cohort) -> Estimate:
    """Return the ROC-AUC of a cohort; 0.5 if it cannot be measured."""
    found = roc_auc_influence(cohort)
    return Estimate(0.5, 0.0, 0.0) if found is None else estimate(cohort, found)


def _area(periods: Sequence[ScoredSample]) -> Estimate:
    """Return the ROC-AUC among claims with an outcome over all periods."""
    return mean_estimate(
        [area_of(sample.investigated) for sample in periods],
        [len(sample.investigated.outcome) for sample in periods],
    )


def _worth(score: Score, book: Book, fold: int) -> tuple[float, float]:
    """Return ROC-AUC and lift of scores on the claims of a split."""
    later = book.of_split(fold, score).scored.book
    fraud, probability, weight = later.fraud, later.probability[later.used], later.weight[later.used]
    return (
        ranking_metrics.roc_auc(fraud, probability, weight),
        ranking_metrics.top_decile_lift(fraud, probability, weight),
    )
