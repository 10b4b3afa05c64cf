"""Operations: errors, scoring time, cold starts, queues and cost.

Inputs that could not be read are None and lead to "not enough data", never to "ok".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from claimwatch.domain.evaluation.finding import Finding, Verdict
from claimwatch.domain.evaluation.intervals import wilson
from claimwatch.domain.evaluation.invocation import Invocation

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True)
class ChunkTime:
    """Scoring of a chunk: its claims, the seconds it took, and whether it was the first of its process."""

    claims: int
    seconds: float
    cold_start: bool | None = None


@dataclass(frozen=True)
class Price:
    """Price of Lambda in US dollars: x86, us-east-1, first tier, without the free tier.

    Source: https://aws.amazon.com/lambda/pricing/ ($0.0000166667 per GB-second, $0.20 per million calls).
    """

    gb_second: float = 0.0000166667
    call: float = 0.20 / 1_000_000


@dataclass(frozen=True)
class Bounds:
    """Bounds of the verdicts.

    ``failed_share`` is the share of failed calls; calls are retried, so it alarms only if its whole interval
    is above the bound. ``scoring_ms`` applies to the 95 % quantile, ``queue_seconds`` to the oldest message
    of a queue.
    """

    failed_share: float = 0.02
    scoring_ms: float = 20.0
    queue_seconds: float = 3600.0


@dataclass(frozen=True)
class Operated:
    """Operation of a stack; None for what could not be read.

    ``chunks`` are those with claims of the window. ``files`` and ``failed_files`` count the line's files that
    arrived in the period. ``invocations`` are the calls of all functions in the period, ``dead_letters`` the
    messages in each dead-letter queue now, ``queue_seconds`` the highest age of a message in each queue.
    """

    chunks: Sequence[ChunkTime] | None
    files: int | None = None
    failed_files: int | None = None
    invocations: Sequence[Invocation] | None = None
    dead_letters: Mapping[str, int | None] | None = None
    queue_seconds: Mapping[str, float | None] | None = None


def operations(
    operated: Operated,
    bounds: Bounds = Bounds(),
    price: Price = Price(),
) -> list[Finding]:
    """Return the findings of check ``operations``."""
    return [
        _failed_files(operated),
        *_calls(operated.invocations, bounds),
        *_scoring(operated.chunks, bounds),
        _cold_starts(operated),
        *_dead_letters(operated.dead_letters),
        *_queues(operated.queue_seconds, bounds),
        *_cost(operated.invocations, price),
    ]


def gb_seconds(invocations: Sequence[Invocation]) -> float:
    """Return what Lambda bills: seconds times configured memory in GB."""
    return float(sum(call.billed_seconds * call.memory_mb / 1024.0 for call in invocations))


def _failed_files(operated: Operated) -> Finding:
    if operated.files is None or operated.failed_files is None:
        return _unknown("failed_files")
    verdict: Verdict = "alarm" if operated.failed_files else "ok"
    return Finding("failed_files", float(operated.failed_files), operated.files, verdict, threshold=0.0)


def _calls(invocations: Sequence[Invocation] | None, bounds: Bounds) -> list[Finding]:
    failed = [call.failed for call in invocations or () if call.failed is not None]
    if not failed:
        return [_unknown("error_rate")]
    share = wilson(sum(failed), len(failed))
    assert share.value is not None
    assert share.low is not None
    bound = bounds.failed_share
    verdict: Verdict = "alarm" if share.low > bound else "watch" if share.value > bound else "ok"
    return [
        Finding(
            "error_rate", share.value, len(failed), verdict, low=share.low, high=share.high, threshold=bound
        )
    ]


def _scoring(chunks: Sequence[ChunkTime] | None, bounds: Bounds) -> list[Finding]:
    """Return quantiles over claims; the time of a claim is its share of its chunk's time."""
    timed = [chunk for chunk in chunks or () if chunk.claims > 0]
    if not timed:
        return [_unknown("scoring_time", segment=name) for name in QUANTILES]
    each = np.array([1000.0 * chunk.seconds / chunk.claims for chunk in timed])
    order = np.argsort(each, kind="stable")
    reached = np.cumsum(np.array([chunk.claims for chunk in timed])[order])
    claims = int(reached[-1])
    found = []
    for name, share in QUANTILES.items():
        value = float(each[order][np.searchsorted(reached, share * claims, side="left")])
        bound = bounds.scoring_ms if name == "p95" else None
        verdict: Verdict = "watch" if bound is not None and value > bound else "ok"
        found.append(Finding("scoring_time", value, claims, verdict, segment=name, threshold=bound))
    return found


def _cold_starts(operated: Operated) -> Finding:
    """Return the share of cold starts: of all calls if Lambda reports it, otherwise of the scored chunks."""
    cold = [call.cold_start for call in operated.invocations or () if call.cold_start is not None]
    cold = cold or [chunk.cold_start for chunk in operated.chunks or () if chunk.cold_start is not None]
    if not cold:
        return _unknown("cold_start_share")
    share = wilson(sum(cold), len(cold))
    return Finding("cold_start_share", share.value, len(cold), low=share.low, high=share.high)


def _dead_letters(waiting: Mapping[str, int | None] | None) -> list[Finding]:
    if not waiting:
        return [_unknown("dead_letters")]
    return [
        _unknown("dead_letters", segment=queue)
        if messages is None
        else Finding(
            "dead_letters",
            float(messages),
            0,
            "alarm" if messages else "ok",
            segment=queue,
            threshold=0.0,
        )
        for queue, messages in waiting.items()
    ]


def _queues(ages: Mapping[str, float | None] | None, bounds: Bounds) -> list[Finding]:
    if not ages:
        return [_unknown("queue_age")]
    found = []
    for queue, age in ages.items():
        if age is None:
            found.append(_unknown("queue_age", segment=queue))
            continue
        verdict: Verdict = "alarm" if age > bounds.queue_seconds else "ok"
        found.append(Finding("queue_age", age, 0, verdict, segment=queue, threshold=bounds.queue_seconds))
    return found


def _cost(invocations: Sequence[Invocation] | None, price: Price) -> list[Finding]:
    if not invocations:
        return [_unknown("gb_seconds"), _unknown("cost")]
    billed = gb_seconds(invocations)
    cost = billed * price.gb_second + len(invocations) * price.call
    return [Finding("gb_seconds", billed, len(invocations)), Finding("cost", cost, len(invocations))]


def _unknown(metric: str, segment: str = "") -> Finding:
    return Finding(metric, None, 0, "not enough data", segment=segment)
