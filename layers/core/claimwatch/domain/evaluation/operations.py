"""How the machine did: errors, time for a claim, cold starts, queues, and what it cost.

Plain inputs, read by somebody else. What could not be read is None there, and "not enough data" here: a
machine that nobody asked is not one without errors.
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
    """A chunk that was scored: its claims, the seconds that it took, whether the process began with it."""

    claims: int
    seconds: float
    cold_start: bool | None = None


@dataclass(frozen=True)
class Price:
    """US dollars for Lambda on x86 in us-east-1, first tier, without the free tier.

    Source: https://aws.amazon.com/lambda/pricing/ ($0.0000166667 for a GB-second, $0.20 for a million calls).
    """

    gb_second: float = 0.0000166667
    call: float = 0.20 / 1_000_000


@dataclass(frozen=True)
class Bounds:
    """From where on somebody should look.

    ``failed_share`` is of calls, and those are retried: no alarm unless its whole interval is beyond.
    ``scoring_ms`` is for the 95 % quantile, ``queue_seconds`` for the oldest message of a queue.
    """

    failed_share: float = 0.02
    scoring_ms: float = 20.0
    queue_seconds: float = 3600.0


@dataclass(frozen=True)
class Operated:
    """What a stack did. None is what could not be read.

    ``chunks`` are those with claims of the window; ``files`` and ``failed_files`` are the line's that came in
    the span that is looked at. ``invocations`` are those of all functions in that span, ``dead_letters`` the
    messages in each dead-letter queue now, ``queue_seconds`` the greatest age of a message in each queue.
    """

    chunks: Sequence[ChunkTime] | None
    files: int | None = None
    failed_files: int | None = None
    invocations: Sequence[Invocation] | None = None
    dead_letters: Mapping[str, int | None] | None = None
    queue_seconds: Mapping[str, float | None] | None = None


def operations(
    seen: Operated,
    bounds: Bounds = Bounds(),
    price: Price = Price(),
) -> list[Finding]:
    """The findings of check ``operations``."""
    return [
        _failed_files(seen),
        *_calls(seen.invocations, bounds),
        *_scoring(seen.chunks, bounds),
        _cold_starts(seen),
        *_dead_letters(seen.dead_letters),
        *_queues(seen.queue_seconds, bounds),
        *_cost(seen.invocations, price),
    ]


def gb_seconds(invocations: Sequence[Invocation]) -> float:
    """What Lambda bills: seconds times the memory that was given, in GB."""
    return float(sum(call.billed_seconds * call.memory_mb / 1024.0 for call in invocations))


def _failed_files(seen: Operated) -> Finding:
    if seen.files is None or seen.failed_files is None:
        return _unknown("failed_files")
    verdict: Verdict = "alarm" if seen.failed_files else "ok"
    return Finding("failed_files", float(seen.failed_files), seen.files, verdict, threshold=0.0)


def _calls(invocations: Sequence[Invocation] | None, bounds: Bounds) -> list[Finding]:
    told = [call.failed for call in invocations or () if call.failed is not None]
    if not told:
        return [_unknown("error_rate")]
    share = wilson(sum(told), len(told))
    assert share.value is not None
    assert share.low is not None
    bound = bounds.failed_share
    verdict: Verdict = "alarm" if share.low > bound else "watch" if share.value > bound else "ok"
    return [
        Finding(
            "error_rate", share.value, len(told), verdict, low=share.low, high=share.high, threshold=bound
        )
    ]


def _scoring(chunks: Sequence[ChunkTime] | None, bounds: Bounds) -> list[Finding]:
    """Quantiles over claims: each counts with the share of its chunk's time that is its own."""
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


def _cold_starts(seen: Operated) -> Finding:
    """Of all calls where Lambda tells, else of the chunks that were scored."""
    told = [call.cold_start for call in seen.invocations or () if call.cold_start is not None]
    told = told or [chunk.cold_start for chunk in seen.chunks or () if chunk.cold_start is not None]
    if not told:
        return _unknown("cold_start_share")
    share = wilson(sum(told), len(told))
    return Finding("cold_start_share", share.value, len(told), low=share.low, high=share.high)


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
