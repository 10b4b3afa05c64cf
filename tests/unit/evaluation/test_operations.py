"""Operations are measured; unreadable inputs are not enough data, never zero."""

from dataclasses import replace

import pytest

from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.evaluation.invocation import Invocation
from claimwatch.domain.evaluation.operations import (
    ChunkTime,
    Operated,
    Price,
    gb_seconds,
    operations,
)

QUIET = Operated(
    chunks=[ChunkTime(1000, 0.05, False)] * 9 + [ChunkTime(1000, 2.0, True)],
    files=4,
    failed_files=0,
    invocations=[Invocation(2.0, 512, False, False)] * 100,
    dead_letters={"Files": 0, "Images": 0},
    queue_seconds={"Files": 40.0},
)
NOTHING = Operated(chunks=None)


def found(seen: Operated, metric: str, segment: str = "") -> Finding:
    [finding] = [each for each in operations(seen) if (each.metric, each.segment) == (metric, segment)]
    return finding


def test_normal_operation_raises_no_alarm() -> None:
    assert {finding.verdict for finding in operations(QUIET)} == {"ok"}


def test_unreadable_inputs_are_not_enough_data() -> None:
    found = operations(NOTHING)
    assert {(finding.verdict, finding.value) for finding in found} == {("not enough data", None)}
    assert {finding.metric for finding in found} == {finding.metric for finding in operations(QUIET)}


def test_an_unreadable_queue_does_not_count_as_empty() -> None:
    seen = replace(QUIET, dead_letters={"Files": None}, queue_seconds={"Files": None})
    assert found(seen, "dead_letters", "Files").verdict == "not enough data"
    assert found(seen, "queue_age", "Files").value is None


def test_without_calls_the_cost_is_unknown() -> None:
    assert found(replace(QUIET, invocations=[]), "cost").verdict == "not enough data"


def test_the_cost_is_that_of_billed_gb_seconds_and_calls() -> None:
    calls = [Invocation(3600.0, 1024), Invocation(1800.0, 2048)]
    assert gb_seconds(calls) == 7200.0
    seen = replace(QUIET, invocations=calls)
    assert found(seen, "cost").value == pytest.approx(7200 * 0.0000166667 + 2 * 0.0000002)
    [cost] = [f for f in operations(seen, price=Price(1.0, 0.5)) if f.metric == "cost"]
    assert (cost.value, cost.n) == (7201.0, 2)


def test_scoring_times_are_weighted_by_claims() -> None:
    assert found(QUIET, "scoring_time", "p50").value == pytest.approx(0.05)
    assert found(QUIET, "scoring_time", "p99").value == pytest.approx(2.0)
    tiny = replace(QUIET, chunks=[ChunkTime(9999, 9.999), *[ChunkTime(1, 1.0)] * 50])
    assert found(tiny, "scoring_time", "p95").value == pytest.approx(1.0)
    assert found(tiny, "scoring_time", "p95").n == 10_049


def test_chunks_without_claims_have_no_scoring_time() -> None:
    assert found(replace(QUIET, chunks=[ChunkTime(0, 1.0)]), "scoring_time", "p50").value is None


def test_slow_scoring_is_a_watch() -> None:
    slow = replace(QUIET, chunks=[ChunkTime(10, 1.0)])
    assert found(slow, "scoring_time", "p95").verdict == "watch"


def test_cold_starts_come_from_lambda_if_reported_and_from_chunks_otherwise() -> None:
    assert (found(QUIET, "cold_start_share").value, found(QUIET, "cold_start_share").n) == (0.0, 100)
    silent = replace(QUIET, invocations=[Invocation(2.0, 512)])
    assert (found(silent, "cold_start_share").value, found(silent, "cold_start_share").n) == (0.1, 10)


def test_a_failed_file_and_a_dead_letter_alarm() -> None:
    seen = replace(QUIET, failed_files=1, dead_letters={"Files": 2, "Images": 0})
    assert found(seen, "failed_files").verdict == "alarm"
    assert found(seen, "dead_letters", "Files").verdict == "alarm"
    assert found(seen, "dead_letters", "Images").verdict == "ok"


def test_an_old_message_alarms() -> None:
    assert found(replace(QUIET, queue_seconds={"Files": 3601.0}), "queue_age", "Files").verdict == "alarm"


@pytest.mark.parametrize(("failed", "verdict"), [(0, "ok"), (2, "ok"), (4, "watch"), (10, "alarm")])
def test_failed_calls_alarm_only_beyond_chance(failed: int, verdict: str) -> None:
    calls = [Invocation(1.0, 512, number < failed) for number in range(100)]
    rate = found(replace(QUIET, invocations=calls), "error_rate")
    assert (rate.value, rate.verdict) == (failed / 100, verdict)
    assert rate.low is not None
    assert rate.high is not None
    assert 0.0 <= rate.low <= failed / 100 <= rate.high <= 1.0


def test_without_reported_failures_there_is_no_error_rate() -> None:
    assert found(replace(QUIET, invocations=[Invocation(1.0, 512)]), "error_rate").value is None
