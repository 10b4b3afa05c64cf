"""Whether a training has features, and its splits enough outcomes to learn from and to measure with."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import binom

from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.model.features import FeatureSpec
from training.evidence import FoldCount
from training.snapshot import RefusedTraining, Snapshot
from training.splits import SHARES, Split

FEWEST_CLAIMS, FEWEST_FRAUDS = 100, 10
"""The least claims with an outcome, and of each outcome, in a split; with fewer, nothing can be measured."""


_SPARE = 1.5
"""With this many times the frauds, nine in ten books have enough of them in every split."""
_UNEVEN = 0.01
"""The chance below which a split has fewer outcomes, or frauds, than the other splits by more than chance."""
_MOST_DAYS = 3_653
"""The days of claims beyond which no date is given."""
_MOST_LISTED = 8
"""The columns that a refusal names; a line of the training's log names each."""


def count_of(claims: Snapshot, split: Split, fold: int) -> FoldCount:
    """Return the number of claims, outcomes and frauds of a split, and its first and last day."""
    own = claims.of(split.rows(fold))
    if not len(own):
        return FoldCount(0, 0, 0, "", "")
    first, last = own.event_time.min(), own.event_time.max()
    return FoldCount(len(own), int(own.known.sum()), int(np.nansum(own.outcome)), day_of(first), day_of(last))


def check_known(claims: Snapshot, immature: int, contract: Contract) -> None:
    """Raise ``RefusedTraining`` if no claim is old enough, or none of those has an outcome."""
    if not len(claims):
        raise RefusedTraining(
            f"none of the {immature:,} claims is old enough for its outcome to be due, which is"
            f" {contract.review.maturity_days} days after the event (maturityDays of the contract). If"
            f" outcomes are final earlier, lower maturityDays. {_ways(contract)}"
        )
    if not claims.known.any():
        raise RefusedTraining(
            f"none of the {len(claims):,} claims whose outcome is due has one. {_ways(contract)}"
        )


def check(folds: Sequence[FoldCount], immature: int, contract: Contract, left_out: int = 0) -> None:
    """Raise ``RefusedTraining`` if a split has too few outcomes.

    ``left_out`` are the claims whose claimants have outcomes in an earlier split.
    """
    names = ("training", "validation", "test")
    frauds = ", ".join(f"{name} {count.frauds:,}" for name, count in zip(names, folds, strict=True))
    for name, count in zip(names, folds, strict=True):
        if count.known < FEWEST_CLAIMS or min(count.frauds, count.known - count.frauds) < FEWEST_FRAUDS:
            raise RefusedTraining(
                f"the {name} split has {count.known:,} claims with an outcome, {count.frauds:,} of them"
                f" frauds; it needs {FEWEST_CLAIMS}, and {FEWEST_FRAUDS} of each outcome. Frauds by split:"
                f" {frauds}. The outcomes of {immature:,} more recent claims are not due yet."
                + (_known_claimants(folds, left_out, contract) or _prospect(folds, name, count, contract))
                + _missing(folds, contract)
            )


def check_features(spec: FeatureSpec, reasons: Mapping[str, str], line: str) -> None:
    """Raise ``RefusedTraining`` if nothing but the event time is left to learn from.

    ``reasons`` says why each column with role feature became none.
    """
    if any(feature.column != spec.event_time for feature in spec.features):
        return
    if not reasons:
        raise RefusedTraining(
            "no column has role feature: give it to those that are known when a claim is made"
        )
    named = "; ".join(f"{name}: {reason}" for name, reason in list(reasons.items())[:_MOST_LISTED])
    more = f"; {len(reasons) - _MOST_LISTED:,} more" if len(reasons) > _MOST_LISTED else ""
    raise RefusedTraining(
        f"no column with role feature is left to learn from. {named}{more}. Next step: add columns that are"
        " known when a claim is made; or keep those that you know to be harmless:"
        f' `claimwatch train {line} --trust COLUMN --why "..."`'
    )


def _known_claimants(folds: Sequence[FoldCount], left_out: int, contract: Contract) -> str:
    """Return that the outcomes of known claimants are missing, if they are most of the later outcomes."""
    if left_out <= sum(each.known for each in folds[1:]):
        return ""
    column = contract.review.claimant_column
    return (
        f" {left_out:,} claims with an outcome are left out, because their claimants have outcomes in an"
        f" earlier split{f" (claimantColumn '{column}')" if column else ''}. If the claimants of new claims"
        " are mostly known, take claimantColumn out of the contract: claimants are then in several splits."
    )


def _prospect(folds: Sequence[FoldCount], name: str, short: FoldCount, contract: Contract) -> str:
    """Return from when on a training is possible, or that outcomes are spread unevenly over time."""
    claims, known, frauds = (
        sum(counts)
        for counts in zip(*((each.claims, each.known, each.frauds) for each in folds), strict=True)
    )
    days = [np.datetime64(day) for each in folds for day in (each.first, each.last) if day]
    if not min(frauds, known - frauds) or not days:
        return ""
    unlikely = (
        float(binom.cdf(short.known, short.claims, known / claims)),
        float(binom.cdf(short.frauds, short.known, frauds / known)),
    )
    if min(unlikely) <= _UNEVEN:
        return (
            f" In all there are {known:,} claims with an outcome and {frauds:,} frauds, but they are not"
            " spread over time as the claims are: give the outcomes, those of honest claims too, of claims"
            f" from {short.first} to {short.last}, the {name} split. If frauds are decided later than honest"
            " claims, raise maturityDays of the contract."
        )
    smallest = 1.0 - sum(SHARES)
    factor = max(
        FEWEST_CLAIMS / smallest / known,
        _SPARE * FEWEST_FRAUDS / smallest / min(frauds, known - frauds),
        FEWEST_CLAIMS / max(short.known, 1),
    )
    span = int((max(days) - min(days)).astype(np.int64)) + 1
    rate = (
        f" At the present rate of {known / span * 30:,.1f} outcomes and {frauds / span * 30:,.1f} frauds in"
        " 30 days,"
    )
    if span * factor > _MOST_DAYS:
        return f"{rate} it would take more than ten years of claims."
    until = min(days) + np.timedelta64(int(np.ceil(span * factor)), "D")
    due = until + np.timedelta64(contract.review.maturity_days, "D")
    return (
        f"{rate} a training is possible with the claims until about {until}, whose outcomes are due on {due}."
    )


def _missing(folds: Sequence[FoldCount], contract: Contract) -> str:
    """Return how to give more outcomes, if claims have none."""
    without = sum(count.claims - count.known for count in folds)
    return f" {without:,} claims have no outcome. {_ways(contract)}" if without else ""


def _ways(contract: Contract) -> str:
    """Return how outcomes are given."""
    line, label = contract.line, contract.label
    own = f"a file of outcomes: `claimwatch drop FILE --line {line} --outcomes`"
    if label is None:
        return (
            f"Outcomes come in {own}. If a column of the claims says whether each was fraud, give it role"
            " label in a new version of the contract, and drop the claims again:"
            f" `claimwatch drop FILE --line {line} --with-outcomes`"
        )
    return (
        f"The label is column '{label.name}'; only files that are committed by a contract with the label"
        f" bring outcomes: drop older ones again with `claimwatch drop FILE --line {line} --with-outcomes`."
        f" Or drop {own}"
    )


def day_of(moment: np.datetime64) -> str:
    """Return the day of a moment."""
    return str(np.datetime64(moment, "D"))
