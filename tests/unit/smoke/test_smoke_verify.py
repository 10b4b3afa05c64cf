"""A deployment is verified by its release, its aliases, its alarms and the growth of its dead letters."""

import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from smoke.steps import Clock, SmokeFailed
from smoke.verify import Verification
from tests.unit.smoke.fakes import Cloud

TREE = "ab" * 32
ALIAS = "arn:aws:lambda:eu-central-1:1:function:claimwatch-ScoreClaim-1:live"
OUTPUTS = {
    "ApiUrl": "https://api",
    "LandingBucket": "landing",
    "ArtifactBucket": "artifacts",
    "ClaimsDeadLetterQueueUrl": "https://sqs/claims",
    "UndeliveredEventsQueueUrl": "https://sqs/events",
    "ClaimsQueueUrl": "https://sqs/work",
}


def stack(status: str = "UPDATE_COMPLETE", tree: str = TREE, version: str = "0.1.0-next") -> dict[str, Any]:
    return {
        "Stacks": [
            {
                "StackStatus": status,
                "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()],
                "Parameters": [
                    {"ParameterKey": "TreeSha256", "ParameterValue": tree},
                    {"ParameterKey": "CodeVersion", "ParameterValue": version},
                ],
            }
        ]
    }


def resources(**kinds: tuple[str, str]) -> dict[str, Any]:
    return {
        "StackResourceSummaries": [
            {"LogicalResourceId": name, "ResourceType": kind, "PhysicalResourceId": physical}
            for name, (kind, physical) in kinds.items()
        ]
    }


RESOURCES = resources(
    ScoreClaimAliaslive=("AWS::Lambda::Alias", ALIAS),
    ScoresUnavailableAlarm=("AWS::CloudWatch::Alarm", "claimwatch-ScoresUnavailableAlarm-1"),
    LineStandingAlarm=("AWS::CloudWatch::Alarm", "claimwatch-LineStandingAlarm-1"),
)


def alarm(name: str, state: str, *dimensions: str, namespace: str = "Claimwatch") -> dict[str, Any]:
    of = [{"Name": dimension, "Value": "x"} for dimension in dimensions]
    return {"AlarmName": name, "Dimensions": of, "Namespace": namespace, "StateValue": state}


def verification(
    tmp_path: Path,
    now: Callable[[], float] = lambda: 0.0,
    waited: list[float] | None = None,
    **answers: Any,
) -> Verification:
    release = tmp_path / "release.json"
    release.write_text(json.dumps({"tree_sha256": TREE, "code_version": "0.1.0-next"}))
    known: Mapping[str, Any] = {
        "describe_stacks": stack(),
        "list_stack_resources": RESOURCES,
        "get_alias": {"FunctionVersion": "7"},
        "get_queue_attributes": {"Attributes": {"ApproximateNumberOfMessages": "3"}},
        "describe_alarms": {"MetricAlarms": []},
    }
    clock = Clock(600, now, (waited if waited is not None else []).append)
    return Verification("claimwatch", release, Cloud({**known, **answers}), clock)


def test_a_release_that_is_deployed_on_one_version_passes(tmp_path: Path) -> None:
    verified = verification(tmp_path)
    assert verified.compare_with_release() == TREE[:12]
    assert verified.look_at_aliases() == "ScoreClaimAliaslive 7"
    assert verified.count_dead_letters() == "6 in 2 queues"
    verified.compare_dead_letters()
    verified.look_at_alarms()


@pytest.mark.parametrize(
    ("described", "sentence"),
    [
        (stack(tree="cd" * 32), "has tree cdcdcdcdcdcd, and the release abababababab"),
        (stack("UPDATE_ROLLBACK_COMPLETE", tree="cd" * 32), "was rolled back"),
        (stack("UPDATE_ROLLBACK_COMPLETE", version="0.1.0-before"), "was rolled back"),
        (stack("ROLLBACK_COMPLETE"), "is in state ROLLBACK_COMPLETE"),
        (stack("UPDATE_IN_PROGRESS"), "is in state UPDATE_IN_PROGRESS"),
    ],
)
def test_a_stack_with_another_release_fails(tmp_path: Path, described: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SmokeFailed, match=sentence):
        verification(tmp_path, describe_stacks=described).compare_with_release()


def test_the_release_to_which_a_stack_was_rolled_back_passes(tmp_path: Path) -> None:
    verified = verification(tmp_path, describe_stacks=stack("UPDATE_ROLLBACK_COMPLETE"))
    assert verified.compare_with_release() == TREE[:12]


def test_a_release_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    broken = verification(tmp_path)
    broken.release.write_text("[]")
    with pytest.raises(SmokeFailed, match=r"release\.json does not describe a release"):
        broken.compare_with_release()


def test_an_alias_with_weights_fails(tmp_path: Path) -> None:
    shifting = {"FunctionVersion": "7", "RoutingConfig": {"AdditionalVersionWeights": {"8": 0.1}}}
    with pytest.raises(SmokeFailed, match=r"over versions 7 and 8"):
        verification(tmp_path, get_alias=shifting).look_at_aliases()


def test_dead_letters_that_were_there_before_pass_and_new_ones_fail(tmp_path: Path) -> None:
    counts = iter(["3", "0", "3", "2"])
    verified = verification(
        tmp_path,
        get_queue_attributes=lambda **_: {"Attributes": {"ApproximateNumberOfMessages": next(counts)}},
    )
    verified.count_dead_letters()
    with pytest.raises(SmokeFailed, match="2 in UndeliveredEventsQueueUrl"):
        verified.compare_dead_letters()


def test_an_alarm_about_requests_fails_and_one_about_a_weekly_check_does_not(tmp_path: Path) -> None:
    weekly = alarm("claimwatch-LineStandingAlarm-1", "ALARM", "Stack", "Line")
    scores = alarm("claimwatch-ScoresUnavailableAlarm-1", "OK", "Stack")
    canary = alarm("claimwatch-ScoreClaimErrors-1", "INSUFFICIENT_DATA", namespace="AWS/Lambda")
    passing = {"MetricAlarms": [weekly, scores, canary]}
    assert verification(tmp_path, describe_alarms=passing).look_at_alarms() == "2 are not in alarm"
    ringing = {"MetricAlarms": [weekly, canary | {"StateValue": "ALARM"}]}
    with pytest.raises(SmokeFailed, match="In alarm: claimwatch-ScoreClaimErrors-1"):
        verification(tmp_path, describe_alarms=ringing).look_at_alarms()


def test_the_alarm_that_stopped_a_deployment_may_last_for_minutes_after_its_rollback(tmp_path: Path) -> None:
    ringing = {"MetricAlarms": [alarm("claimwatch-ScoreErrors-1", "ALARM", namespace="AWS/Lambda")]}
    time, waited = itertools.count(0.0, 60.0), list[float]()
    verified = verification(
        tmp_path,
        lambda: next(time),
        waited,
        describe_stacks=stack("UPDATE_ROLLBACK_COMPLETE"),
        describe_alarms=ringing,
    )
    verified.compare_with_release()
    with pytest.raises(SmokeFailed, match="In alarm: claimwatch-ScoreErrors-1"):
        verified.look_at_alarms()
    assert len(waited) == 4  # looked once a minute, for five minutes


def test_the_verification_begins_before_the_smoke_test_and_ends_after_it(tmp_path: Path) -> None:
    names = [name for name, _ in verification(tmp_path).around([("find the stack", str), ("drop", str)])]
    assert names == [
        "find the stack",
        "compare with the release",
        "look at the aliases",
        "count dead letters",
        "drop",
        "compare dead letters",
        "look at the alarms",
    ]
