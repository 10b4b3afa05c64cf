"""Reports that Lambda writes about every invocation, read from the log group that all functions share.

They exist wherever functions run, and name the billed duration, which no CloudWatch metric does.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Protocol

from botocore.exceptions import ClientError

from claimwatch.aws.faults import aws_faults, error_code
from claimwatch.domain.evaluation.invocation import Invocation

MOST_PAGES = 500
"""Pages of log events read at most, of 10,000 events or 1 MB each; CloudWatch Logs limits the rate."""

_PATTERNS = ('"platform.report"', '"REPORT RequestId"')
"""Reports as JSON, as this application's functions log them, and as text, as the emulator always does."""

_TEXT = re.compile(r"^REPORT RequestId: .*\bBilled Duration: ([\d.]+) ms\s+Memory Size: (\d+) MB")


class Invocations(Protocol):
    """Reads which invocations of functions there were."""

    def between(self, since: datetime, until: datetime) -> list[Invocation] | None:
        """Return the invocations that ended in this period; None where they are not known."""


class LambdaReports:
    """The report lines of a log group."""

    def __init__(self, client: Any, log_group: str, most_pages: int = MOST_PAGES) -> None:
        self._client = client
        self._log_group = log_group
        self._most_pages = most_pages

    def between(self, since: datetime, until: datetime) -> list[Invocation] | None:
        for pattern in _PATTERNS:
            found: list[Invocation] = []
            for page, messages in enumerate(self._pages(pattern, since, until)):
                if page == self._most_pages:
                    return None  # a part of the invocations would look like a cheap week
                found += [call for message in messages if (call := read_report(message)) is not None]
            if found:
                return found
        return None

    def _pages(self, pattern: str, since: datetime, until: datetime) -> Iterator[list[str]]:
        request: dict[str, Any] = {
            "logGroupName": self._log_group,
            "filterPattern": pattern,
            "startTime": int(since.timestamp() * 1000),
            "endTime": int(until.timestamp() * 1000) - 1,
        }
        while True:
            try:
                with aws_faults("CloudWatch Logs"):
                    answer = self._client.filter_log_events(**request)
            except ClientError as error:
                if error_code(error) == "ResourceNotFoundException":
                    return
                raise
            yield [event["message"] for event in answer.get("events", ())]
            if not answer.get("nextToken"):
                return
            request["nextToken"] = answer["nextToken"]


def read_report(message: str) -> Invocation | None:
    """Return the invocation that a log line reports; None if the line is not a report."""
    if message.startswith("REPORT "):
        return _from_text(message)
    try:
        line = json.loads(message)
        if line["type"] != "platform.report":
            return None
        record = line["record"]
        metrics = record["metrics"]
        return Invocation(
            billed_seconds=float(metrics["billedDurationMs"]) / 1000.0,
            memory_mb=int(metrics["memorySizeMB"]),
            failed=record.get("status", "success") != "success",
            cold_start="initDurationMs" in metrics,
        )
    except (ValueError, KeyError, TypeError):
        return None


def _from_text(message: str) -> Invocation | None:
    """Read a report in text; failure and cold start stay unknown, because the emulator never names them."""
    found = _TEXT.match(message)
    return found and Invocation(billed_seconds=float(found[1]) / 1000.0, memory_mb=int(found[2]))
