"""Detects columns that leak the outcome before a model is trained.

A row number raises the AUC of a random split and ruins the real one; a column that is written after the
decision contains it. Such columns are refused by name, with the reason; a person who knows better can trust
a column.
"""

import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import poisson

from claimwatch.domain.contract.contract import DATED, NUMERIC, Column, Contract, LogicalType, Role
from claimwatch.domain.model.features import FeatureSpec, encode
from training.calendar_columns import why_not
from training.rank_correlation import rank_correlation
from training.snapshot import Snapshot
from training.strong_features import CHANCE, area_alone

type Array = npt.NDArray[Any]

FEWEST_FRAUDS = 10
"""The frauds, and the honest claims, below which no column is said to know the outcome."""

NEARLY_UNIQUE = 0.99
TOO_FEW_REPEATS = 0.001
"""The p-value below which numbers repeat more rarely than numbers drawn from their own density would."""
LONG_NUMBER = 100_000.0
"""The smallest number of six digits: claims are numbered with as many digits each, amounts are not."""
PARTS = 20
"""The parts, each with as many values, in which a density is constant."""
NEARLY_UNIQUE_WORDS = 0.5
FOLLOWS_TIME = 0.95
"""Rank correlation with the event time."""
FOLLOWS_OUTCOME = 0.98
"""ROC-AUC of the column alone, on claims that it was not fitted on."""
AFTER_THE_EVENT = 0.5
"""The share of dates that are more than a day later than the event."""
COMES_WITH_THE_OUTCOME = 0.9
"""The least difference in the share of claims with a value, between claims with and without an outcome."""
ENOUGH = 50
"""The number of claims below which nothing is judged."""

_DAY = np.timedelta64(1, "D")


def find_leaks(contract: Contract, claims: Snapshot, trusted: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the names of feature columns that must not be trained on, each with the reason."""
    found = {}
    for column in contract.columns:
        if column.role is not Role.FEATURE or column.hashed or column.name in trusted:
            continue
        reason = next(_reasons(contract, column, claims), None)
        if reason is not None:
            found[column.name] = reason
    return found


def without(contract: Contract, names: dict[str, str]) -> Contract:
    """Return the contract with these columns ignored."""
    columns = tuple(
        replace(column, role=Role.IGNORED) if column.name in names else column for column in contract.columns
    )
    return replace(contract, columns=columns)


def _reasons(contract: Contract, column: Column, claims: Snapshot) -> Iterator[str]:
    values = claims.columns.get(column.name)
    if values is None:
        yield "it is not in the snapshot"
        return
    raw = np.asarray(values)
    present = _present(raw)
    if present.sum() < ENOUGH:
        yield f"it has a value in {int(present.sum())} claims only"
        return
    distinct = len(set(raw[present].tolist()))
    if distinct == 1:
        yield "it has one value in all claims"
        return
    yield from _identifier(column, raw[present], distinct)
    if column.logical_type in DATED:
        later = np.mean(raw[present] > claims.event_time[present] + _DAY)
        if later > AFTER_THE_EVENT:
            yield (
                f"{later:.0%} of its dates are more than a day after the event, so it may be written later"
                " than the claim. If it is known when a claim arrives, as the day of its report is, keep it"
                f" with `train --trust {shlex.quote(column.name)}`"
            )
    coded = _coded(contract, column, claims)
    if coded is not None:
        yield from _follows_time(coded, claims)
        why = why_not(column.name, coded, claims.event_time)
        if why is not None:
            yield why
        yield from _knows_outcome(coded, claims)
    yield from _knows_who_was_chosen(present, claims)


def _identifier(column: Column, values: Array, distinct: int) -> Iterator[str]:
    if column.logical_type is LogicalType.STRING:
        if column.valid_values is None and distinct > NEARLY_UNIQUE_WORDS * len(values):
            yield f"it names claims: {distinct} different values in {len(values)} claims"
    elif column.logical_type in NUMERIC:
        whole = bool(np.all(values == np.floor(values)))
        if whole and distinct >= NEARLY_UNIQUE * len(values) and _is_numbering(values, distinct):
            yield f"it is an identifier: {distinct} different whole numbers in {len(values)} claims"


def _is_numbering(values: Array, distinct: int) -> bool:
    """Return whether nearly unique whole numbers were given out, and are not measured.

    Measured numbers repeat now and then, as the density of their values has it: the mileages of a thousand
    cars do, and a thousand numbers in a row do not. Numbers that are too far apart to repeat tell by their
    digits.
    """
    parts = [part for part in np.array_split(np.sort(values), PARTS) if len(part) > 1]
    repeats = sum(len(part) * (len(part) - 1) / 2.0 / (part[-1] - part[0] + 1.0) for part in parts)
    digits = np.floor(np.log10(np.maximum(values, 1.0)))
    long = values.min() >= LONG_NUMBER and digits.min() == digits.max()
    return bool(long or poisson.cdf(len(values) - distinct, repeats) < TOO_FEW_REPEATS)


def _coded(contract: Contract, column: Column, claims: Snapshot) -> npt.NDArray[np.float32] | None:
    """Return the column encoded as a feature; None if it does not become one."""
    alone = replace(
        contract,
        columns=tuple(
            other for other in contract.columns if other.role is Role.EVENT_TIME or other.name == column.name
        ),
    )
    spec = FeatureSpec.fit(alone, claims.columns)
    own = [place for place, feature in enumerate(spec.features) if feature.column == column.name]
    return encode(spec, claims.columns)[:, own[0]] if own else None


def _follows_time(coded: npt.NDArray[np.float32], claims: Snapshot) -> Iterator[str]:
    time = claims.event_time
    correlation = rank_correlation(coded, np.where(np.isnat(time), np.nan, time.astype(np.float64)))
    if abs(correlation) >= FOLLOWS_TIME:
        yield f"it follows the event time: rank correlation {correlation:.3f}"


def _knows_outcome(coded: npt.NDArray[np.float32], claims: Snapshot) -> Iterator[str]:
    outcome = claims.outcome[claims.known]
    if len(outcome) < 2 * ENOUGH or min(outcome.sum(), (1.0 - outcome).sum()) < FEWEST_FRAUDS:
        return
    area = area_alone(coded[claims.known], outcome)
    if area.value >= FOLLOWS_OUTCOME and area.p_value <= CHANCE:
        yield f"it knows the outcome: ROC-AUC {area.value:.3f} alone"


def _knows_who_was_chosen(present: npt.NDArray[np.bool_], claims: Snapshot) -> Iterator[str]:
    """Detect a value that exists only for investigated claims: it comes from the investigation."""
    known = claims.known
    if min(known.sum(), (~known).sum()) >= ENOUGH:
        with_outcome, without_outcome = present[known].mean(), present[~known].mean()
        if abs(with_outcome - without_outcome) >= COMES_WITH_THE_OUTCOME:
            yield (
                f"{with_outcome:.0%} of the claims with an outcome have it and {without_outcome:.0%} of all"
                " other claims, so it comes with the investigation"
            )


def _present(values: Array) -> npt.NDArray[np.bool_]:
    missing: Callable[[Array], npt.NDArray[np.bool_]] = {
        "f": np.isnan,
        "M": np.isnat,
    }.get(values.dtype.kind, lambda words: np.array([word is None for word in words], dtype=np.bool_))
    return ~missing(values)
