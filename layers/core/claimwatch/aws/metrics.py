"""Custom metrics for CloudWatch, which the alarms watch.

They are sent by API calls: a metric embedded in a log line works only where logs are turned into metrics.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from typing import Any, Protocol

from claimwatch.aws.faults import aws_faults

NAMESPACE = "Claimwatch"

_BATCH = 500
"""Values sent in one call; CloudWatch accepts 1,000."""


@dataclass(frozen=True)
class Measure:
    """A value of a metric at a time, or now if there is none. CloudWatch accepts up to two hours ahead."""

    name: str
    value: float
    dimensions: Mapping[str, str] = field(default_factory=dict)
    at: datetime | None = None


class Metrics(Protocol):
    """Stores metrics."""

    def put(self, measures: Sequence[Measure]) -> None:
        """Store the values."""


class CloudWatchMetrics:
    """Metrics in CloudWatch. Each has the name of the stack as a dimension: an account may have several."""

    def __init__(self, client: Any, stack: str) -> None:
        self._client = client
        self._stack = stack

    def put(self, measures: Sequence[Measure]) -> None:
        for batch in batched(measures, _BATCH, strict=False):
            with aws_faults("CloudWatch"):
                self._client.put_metric_data(
                    Namespace=NAMESPACE, MetricData=[self._datum(each) for each in batch]
                )

    def _datum(self, measure: Measure) -> dict[str, Any]:
        dimensions = {"Stack": self._stack, **measure.dimensions}
        datum: dict[str, Any] = {
            "MetricName": measure.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
            "Value": measure.value,
            "Unit": "Count",
        }
        return datum if measure.at is None else datum | {"Timestamp": measure.at}
