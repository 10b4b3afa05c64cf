"""Numbers for CloudWatch, which alarms go by.

They are put there by a call: a metric in a log line would be one only where logs are turned into metrics.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from claimwatch.errors import TransientFault

NAMESPACE = "Claimwatch"

_MOST = 500
"""CloudWatch takes 1,000 at once."""


@dataclass(frozen=True)
class Measure:
    """A value of a metric; without a time, of now. CloudWatch takes up to two hours ahead."""

    name: str
    value: float
    dimensions: Mapping[str, str] = field(default_factory=dict)
    at: datetime | None = None


class Metrics(Protocol):
    """Who keeps numbers."""

    def put(self, measures: Sequence[Measure]) -> None:
        """Keep them."""


class CloudWatchMetrics:
    """CloudWatch."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def put(self, measures: Sequence[Measure]) -> None:
        for batch in batched(measures, _MOST, strict=False):
            try:
                self._client.put_metric_data(Namespace=NAMESPACE, MetricData=[_datum(each) for each in batch])
            except BotoCoreError as error:
                raise TransientFault(f"CloudWatch did not answer: {error}") from error
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                    raise TransientFault(f"CloudWatch did not answer: {error}") from error
                raise


def _datum(measure: Measure) -> dict[str, Any]:
    told: dict[str, Any] = {
        "MetricName": measure.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in measure.dimensions.items()],
        "Value": measure.value,
        "Unit": "Count",
    }
    return told if measure.at is None else told | {"Timestamp": measure.at}
