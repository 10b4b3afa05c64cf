"""Patches for CloudWatch. Each removes one of these differences from AWS.

- A metric alarm evaluates the data points of all dimensions together.
"""

import inspect
from types import FunctionType
from typing import Any

from ministack.services import cloudwatch


def evaluate_alarms_by_dimensions() -> None:
    """Make a metric alarm evaluate only data points with its dimensions."""
    evaluate: FunctionType = cloudwatch._evaluate_alarm
    if "for (k_ns, k_mn, _), pts in _metrics.items()" not in inspect.getsource(evaluate):
        raise SystemExit("ministack's alarms have changed: see local/emulator_server")

    def evaluate_its_own(alarm: dict[str, Any]) -> None:
        wanted = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
        own = {key: points for key, points in cloudwatch._metrics.items() if key[2] == wanted}
        FunctionType(evaluate.__code__, vars(cloudwatch) | {"_metrics": own})(alarm)

    cloudwatch._evaluate_alarm = evaluate_its_own
