"""A source has two schedules, however often they are written, by whomever at the same time."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from claimwatch.aws.schedules import SchedulerSchedules, Targets
from claimwatch.errors import TransientFault

TARGETS = Targets("arn:pull", "arn:watch", "arn:role", "arn:dead-letters")


class Scheduler:
    """EventBridge Scheduler in memory; ``raced`` creates each schedule just before it is created."""

    def __init__(self) -> None:
        self.schedules: dict[str, dict[str, Any]] = {}
        self.raced = False
        self.down = False

    def update_schedule(self, **schedule: Any) -> None:
        self._require_up()
        if schedule["Name"] not in self.schedules:
            raise refusal("ResourceNotFoundException")
        self.schedules[schedule["Name"]] = schedule

    def create_schedule(self, **schedule: Any) -> None:
        self._require_up()
        if self.raced:
            self.schedules[schedule["Name"]] = {}
        if schedule["Name"] in self.schedules:
            raise refusal("ConflictException")
        self.schedules[schedule["Name"]] = schedule

    def delete_schedule(self, **which: str) -> None:
        self._require_up()
        assert which["GroupName"] == "group"
        if which["Name"] not in self.schedules:
            raise refusal("ResourceNotFoundException")
        del self.schedules[which["Name"]]

    def _require_up(self) -> None:
        if self.down:
            raise refusal("InternalServerException", 500)


def refusal(code: str, status: int = 400) -> ClientError:
    metadata: Any = {"HTTPStatusCode": status}
    return ClientError({"Error": {"Code": code, "Message": code}, "ResponseMetadata": metadata}, "Call")


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler()


@pytest.fixture
def schedules(scheduler: Scheduler) -> SchedulerSchedules:
    return SchedulerSchedules(scheduler, "group", TARGETS)


def test_one_schedule_pulls_and_one_watches(scheduler: Scheduler, schedules: SchedulerSchedules) -> None:
    schedules.put("policy", "rate(15 minutes)", "rate(45 minutes)")
    pull, watch = scheduler.schedules["policy"], scheduler.schedules["policy-watch"]
    assert (pull["ScheduleExpression"], watch["ScheduleExpression"]) == (
        "rate(15 minutes)",
        "rate(45 minutes)",
    )
    assert (pull["Target"]["Arn"], watch["Target"]["Arn"]) == ("arn:pull", "arn:watch")
    for schedule in (pull, watch):
        assert schedule["GroupName"] == "group"
        assert schedule["State"] == "ENABLED"
        assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
        assert schedule["Target"]["RoleArn"] == "arn:role"
        assert schedule["Target"]["DeadLetterConfig"] == {"Arn": "arn:dead-letters"}
        assert json.loads(schedule["Target"]["Input"]) == {"source": "policy"}


def test_schedules_are_written_again_in_place_of_earlier_ones(
    scheduler: Scheduler, schedules: SchedulerSchedules
) -> None:
    schedules.put("policy", "rate(15 minutes)", "rate(45 minutes)")
    schedules.put("policy", "rate(1 hour)", None)
    assert list(scheduler.schedules) == ["policy"]
    assert scheduler.schedules["policy"]["ScheduleExpression"] == "rate(1 hour)"


def test_of_two_creations_at_the_same_time_the_second_one_updates(
    scheduler: Scheduler, schedules: SchedulerSchedules
) -> None:
    scheduler.raced = True
    schedules.put("policy", "rate(1 hour)", None)
    assert scheduler.schedules["policy"]["ScheduleExpression"] == "rate(1 hour)"


def test_deleting_twice_changes_nothing(scheduler: Scheduler, schedules: SchedulerSchedules) -> None:
    schedules.put("policy", "rate(1 hour)", "rate(3 hours)")
    schedules.delete("policy")
    schedules.delete("policy")
    assert scheduler.schedules == {}


def test_a_fault_of_the_scheduler_is_passing(scheduler: Scheduler, schedules: SchedulerSchedules) -> None:
    scheduler.down = True
    with pytest.raises(TransientFault):
        schedules.put("policy", "rate(1 hour)", None)
    with pytest.raises(TransientFault):
        schedules.delete("policy")
