"""What a deployment must have left behind: the release on every alias, no alarm, no new dead letter."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from smoke.stack import Client, Stack
from smoke.steps import Clock, SmokeFailed

_DEAD_LETTERS = ("DeadLetterQueueUrl", "UndeliveredEventsQueueUrl")
"""Ends of the names of outputs with the URL of a dead-letter queue."""

ALARM_SECONDS = 300.0
"""How long the alarm that stopped a deployment may last after it; its period and evaluation take minutes."""

POLL_SECONDS = 5.0

type Steps = list[tuple[str, Callable[[], str]]]


@dataclass
class Verification:
    """The state of a stack after a deployment of the release in a file."""

    name: str
    release: Path
    client: Client
    clock: Clock
    _before: dict[str, int] = field(default_factory=dict)
    _brought_back: bool = False

    def around(self, steps: Steps) -> Steps:
        """Return the steps of the smoke test with those of the verification, which begin and end it."""
        found, *others = steps
        return [
            found,
            ("compare with the release", self.compare_with_release),
            ("look at the aliases", self.look_at_aliases),
            ("count dead letters", self.count_dead_letters),
            *others,
            ("compare dead letters", self.compare_dead_letters),
            ("look at the alarms", self.look_at_alarms),
        ]

    @property
    def stack(self) -> Stack:
        """The stack as it is now."""
        return Stack.find(self.client, self.name)

    def compare_with_release(self) -> str:
        """Compare the hash of what is deployed with that of the release."""
        try:
            release = json.loads(self.release.read_text("utf-8"))
            wanted, version = str(release["tree_sha256"]), str(release.get("code_version"))
        except (OSError, ValueError, KeyError, TypeError):
            raise SmokeFailed(
                f"{self.release} does not describe a release", "this process", "the artifact `Release`"
            ) from None
        stack = self.stack
        # A failed deployment was rolled back to the release that is verified: the stage brings it back, and
        # CloudFormation has nothing to change, so that the status remains.
        self._brought_back = stack.status == "UPDATE_ROLLBACK_COMPLETE" and (
            (stack.parameters.get("TreeSha256"), stack.parameters.get("CodeVersion")) == (wanted, version)
        )
        if "ROLLBACK" in stack.status and not self._brought_back:
            raise SmokeFailed(
                f"The last deployment of stack {self.name} was rolled back ({stack.status})",
                "CloudFormation",
                f"the events of stack {self.name}, and the hooks and alarms of CodeDeploy",
            )
        deployed = stack.parameters.get("TreeSha256", "")
        if deployed != wanted:
            raise SmokeFailed(
                f"Stack {self.name} has tree {deployed[:12] or 'unknown'}, and the release {wanted[:12]}",
                "parameter TreeSha256",
                "whether a later deployment has replaced this one",
            )
        return wanted[:12]

    def look_at_aliases(self) -> str:
        """See that each alias carries one version."""
        aliases = self.stack.resources(self.client, "AWS::Lambda::Alias")
        versions = {}
        for logical_id, arn in sorted(aliases.items()):
            function, alias = arn.split(":")[-2:]
            found = self.client("lambda").get_alias(FunctionName=function, Name=alias)
            weights = found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
            if weights:
                raise SmokeFailed(
                    f"Alias {alias} of {function} divides its requests over versions"
                    f" {found['FunctionVersion']} and {', '.join(weights)}",
                    "Lambda",
                    "the deployments of CodeDeploy: one may still be in progress, or was stopped half-way",
                )
            versions[logical_id] = found["FunctionVersion"]
        return ", ".join(f"{name} {version}" for name, version in versions.items())

    def count_dead_letters(self) -> str:
        """Remember how many messages the dead-letter queues have."""
        self._before = self._dead_letters()
        return f"{sum(self._before.values())} in {len(self._before)} queues"

    def compare_dead_letters(self) -> str:
        """See that no dead-letter queue has more messages than before."""
        grown = {
            name: count - self._before.get(name, 0)
            for name, count in self._dead_letters().items()
            if count > self._before.get(name, 0)
        }
        if grown:
            raise SmokeFailed(
                "Messages became dead letters while the stack was tried: "
                + ", ".join(f"{count} in {name}" for name, count in sorted(grown.items())),
                "the queues of these outputs",
                "docs/runbook.md, 'Dead letters'",
            )
        return ""

    def _dead_letters(self) -> dict[str, int]:
        sqs = self.client("sqs")
        return {
            name: int(
                sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])[
                    "Attributes"
                ]["ApproximateNumberOfMessages"]
            )
            for name, url in self.stack.outputs.items()
            if name.endswith(_DEAD_LETTERS)
        }

    def look_at_alarms(self) -> str:
        """See that no alarm that stops a deployment is in state ALARM.

        The alarm that stopped the deployment which was rolled back is given the time to end.
        """
        deadline = self.clock.now() + (ALARM_SECONDS if self._brought_back else 0.0)
        while ringing := [name for name, state in self._alarms().items() if state == "ALARM"]:
            if self.clock.now() >= deadline:
                raise SmokeFailed(
                    f"In alarm: {', '.join(ringing)}",
                    "CloudWatch",
                    "docs/runbook.md, and the logs of the functions",
                )
            self.clock.sleep(POLL_SECONDS)
        return f"{len(self._alarms())} are not in alarm"

    def _alarms(self) -> dict[str, str]:
        """Return the states of the alarms about requests by name."""
        names = sorted(self.stack.resources(self.client, "AWS::CloudWatch::Alarm").values())
        alarms: list[dict[str, Any]] = []
        for first in range(0, len(names), 100):
            found = self.client("cloudwatch").describe_alarms(AlarmNames=names[first : first + 100])
            alarms += found["MetricAlarms"]
        watched = {each["AlarmName"]: str(each["StateValue"]) for each in alarms if _watches_functions(each)}
        return dict(sorted(watched.items()))


def _watches_functions(alarm: dict[str, Any]) -> bool:
    """Return whether an alarm is about requests, not about weekly checks or dead letters."""
    own = alarm.get("Namespace") == "Claimwatch"
    of_line = any(dimension["Name"] == "Line" for dimension in alarm.get("Dimensions", []))
    return alarm.get("Namespace") == "AWS/Lambda" or (own and not of_line)
