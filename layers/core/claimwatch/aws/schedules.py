"""Schedules of sources in EventBridge Scheduler: one starts the pull, one watches for silence."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError

from claimwatch.aws.faults import aws_faults, error_code

WATCH = "-watch"
"""Suffix of the schedule that watches a source; no source may have a name with it."""

RETRIES: Mapping[str, int] = {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 10}
"""How often a call is repeated that its target does not accept, before it is a dead letter."""

_SERVICE = "EventBridge Scheduler"


class Schedules(Protocol):
    """Keeps the schedules of sources."""

    def put(self, source: str, pull: str, watch: str | None) -> None:
        """Give a source these expressions, in place of earlier ones; without ``watch``, it is not watched."""

    def delete(self, source: str) -> None:
        """Delete the schedules of a source; deleting what does not exist changes nothing."""


@dataclass(frozen=True)
class Targets:
    """What the schedules call, by ARN, as which role, and where calls go that fail."""

    pull_source: str
    watch_source: str
    role: str
    dead_letters: str


class SchedulerSchedules:
    """Schedules in a group of EventBridge Scheduler."""

    def __init__(self, client: Any, group: str, targets: Targets) -> None:
        self._client = client
        self._group = group
        self._targets = targets

    def put(self, source: str, pull: str, watch: str | None) -> None:
        self._put(source, source, pull, self._targets.pull_source)
        if watch is None:
            self._delete(source + WATCH)
        else:
            self._put(source + WATCH, source, watch, self._targets.watch_source)

    def delete(self, source: str) -> None:
        self._delete(source)
        self._delete(source + WATCH)

    def _put(self, name: str, source: str, expression: str, target: str) -> None:
        """Update the schedule, or create it; of two creations at the same time, the second one updates."""
        schedule = {
            "Name": name,
            "GroupName": self._group,
            "ScheduleExpression": expression,
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": "ENABLED",
            "Target": {
                "Arn": target,
                "RoleArn": self._targets.role,
                "Input": json.dumps({"source": source}),
                "RetryPolicy": dict(RETRIES),
                "DeadLetterConfig": {"Arn": self._targets.dead_letters},
            },
        }
        with aws_faults(_SERVICE):
            try:
                self._client.update_schedule(**schedule)
                return
            except ClientError as error:
                if error_code(error) != "ResourceNotFoundException":
                    raise
            try:
                self._client.create_schedule(**schedule)
            except ClientError as error:
                if error_code(error) != "ConflictException":
                    raise
                self._client.update_schedule(**schedule)

    def _delete(self, name: str) -> None:
        with aws_faults(_SERVICE):
            try:
                self._client.delete_schedule(Name=name, GroupName=self._group)
            except ClientError as error:
                if error_code(error) != "ResourceNotFoundException":
                    raise
