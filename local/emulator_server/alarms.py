"""Patches for CloudWatch's alarms. Each removes one of these differences from AWS.

- A metric alarm evaluates the data points of all dimensions together.
- An alarm is evaluated only when PutMetricData is called, over all its periods together, so that it never
  returns to OK by itself and ignores DatapointsToAlarm and TreatMissingData. Here, it is evaluated every
  second. Its periods end now instead of at full minutes, so that it reacts within seconds instead of minutes.
  An alarm whose metric has no data point yet keeps its state, whatever TreatMissingData is.
"""

import inspect
import logging
import operator
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from ministack.services import cloudwatch

INTERVAL = 1.0
"""Seconds between two evaluations of all alarms."""

BREACHES: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
MISSING = {"breaching": True, "notBreaching": False}
EVALUATING = threading.Lock()

logger = logging.getLogger("cloudwatch")

type Record = dict[str, Any]


def evaluate_alarms_by_periods() -> None:
    """Evaluate each period of an alarm, with the data points of its dimensions only."""
    evaluate: Callable[[Record], None] = cloudwatch._evaluate_alarm
    source = inspect.getsource(evaluate)
    if (
        "for (k_ns, k_mn, _), pts in _metrics.items()" not in source
        or "_evaluate_parent_alarms" not in source
    ):
        raise SystemExit("ministack's alarms have changed: see local/emulator_server")

    def evaluate_periods(alarm: Record) -> None:
        if alarm.get("ComparisonOperator") not in BREACHES:
            evaluate(alarm)  # a band of anomalies
            return
        dimensions = cloudwatch._dims_from_list(alarm.get("Dimensions") or [])
        key = (alarm.get("Namespace"), alarm.get("MetricName"), cloudwatch._dims_key(dimensions))
        points = cloudwatch._metrics.get(key)
        if not points:
            return
        with EVALUATING:
            values = values_of_periods(alarm, list(points), time.time())
            state = state_after(alarm, values)
            if state == alarm["StateValue"]:
                return
            previous, now = alarm["StateValue"], int(time.time())
            reason = f"Values of the last periods, the newest first: {values}, threshold {alarm['Threshold']}"
            alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=now)
        cloudwatch._record_history(alarm["AlarmName"], previous, state, reason)
        cloudwatch._dispatch_alarm_actions(alarm, previous, state, reason)
        cloudwatch._evaluate_parent_alarms(alarm)

    cloudwatch._evaluate_alarm = evaluate_periods


def values_of_periods(alarm: Record, points: Sequence[Record], now: float) -> list[float | None]:
    """Return the statistic of each evaluated period, the newest first; None for a period without data."""
    period = float(alarm.get("Period", 60))
    periods: list[list[Record]] = [[] for _ in range(int(alarm.get("EvaluationPeriods", 1)))]
    for point in points:
        index = int((now - point["Timestamp"]) // period)
        if 0 <= index < len(periods):
            periods[index].append(point)
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")
    return [
        cloudwatch._stat_value(cloudwatch._calc_stats(found), statistic, found) if found else None
        for found in periods
    ]


def state_after(alarm: Record, values: Sequence[float | None]) -> str:
    """Return the state of an alarm after an evaluation of its periods."""
    breaches = BREACHES[alarm["ComparisonOperator"]]
    treatment = alarm.get("TreatMissingData", "missing")
    judged = [
        MISSING.get(treatment) if value is None else breaches(value, alarm["Threshold"]) for value in values
    ]
    known = [breaching for breaching in judged if breaching is not None]
    if not known:
        return str(alarm["StateValue"]) if treatment == "ignore" else "INSUFFICIENT_DATA"
    needed = int(alarm.get("DatapointsToAlarm") or len(values))
    return "ALARM" if sum(known) >= min(needed, len(known)) else "OK"


def evaluate_alarms_continuously() -> None:
    """Evaluate all alarms every second."""
    evaluate_all: Callable[[], None] = cloudwatch._evaluate_all_alarms

    def run() -> None:
        while True:
            time.sleep(INTERVAL)
            try:
                evaluate_all()
            except RuntimeError as error:  # an alarm was created or deleted meanwhile
                logger.debug("alarms were not evaluated: %s", error)

    threading.Thread(target=run, daemon=True, name="alarms").start()
