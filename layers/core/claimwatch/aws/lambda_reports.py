"""What Lambda says of every call: the report lines in the log group that all functions share.

They are there wherever functions run, and say what is billed, which no metric of CloudWatch does.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from claimwatch.domain.evaluation.invocation import Invocation
from claimwatch.errors import TransientFault

MOST_PAGES = 500
"""Answers of CloudWatch Logs that are read at most, of 10,000 events or 1 MB each; its rate is limited."""

_PATTERNS = ('"platform.report"', '"REPORT RequestId"')
"""Reports as JSON, as this application's functions log, and as text, as the emulator always does."""

_TEXT = re.compile(r"^REPORT RequestId: .*\bBilled Duration: ([\d.]+) ms\s+Memory Size: (\d+) MB")
_PASSING = {"ThrottlingException", "LimitExceededException", "ServiceUnavailableException"}


class Invocations(Protocol):
    """Who knows of the calls."""

    def between(self, since: datetime, until: datetime) -> list[Invocation] | None:
        """The calls that ended between; None where that cannot be told."""


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
                    return None  # a part of the calls would look like a cheap week
                found += [call for message in messages if (call := read_report(message)) is not None]
            if found:
                return found
        return None

    def _pages(self, pattern: str, since: datetime, until: datetime) -> Iterator[list[str]]:
        asked: dict[str, Any] = {
            "logGroupName": self._log_group,
            "filterPattern": pattern,
            "startTime": int(since.timestamp() * 1000),
            "endTime": int(until.timestamp() * 1000) - 1,
        }
        while True:
            try:
                answer = self._client.filter_log_events(**asked)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == "ResourceNotFoundException":
                    return
                if code in _PASSING or error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                    raise TransientFault(f"CloudWatch Logs did not answer: {error}") from error
                raise
            except BotoCoreError as error:
                raise TransientFault(f"CloudWatch Logs did not answer: {error}") from error
            yield [event["message"] for event in answer.get("events", ())]
            if not answer.get("nextToken"):
                return
            asked["nextToken"] = answer["nextToken"]


def read_report(message: str) -> Invocation | None:
    """The call that a line reports; None if the line is no report."""
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
    """Of failures and cold starts it is silent where there is none, and the emulator is always: not known."""
    found = _TEXT.match(message)
    return found and Invocation(billed_seconds=float(found[1]) / 1000.0, memory_mb=int(found[2]))
