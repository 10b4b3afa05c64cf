"""Machines that train models: EC2 instances of one launch template, told apart by tags."""

from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from claimwatch.errors import ClaimwatchError, TransientFault

TRAINING_TAG = "claimwatch-training"
"""Its value is the training's id; the instance reads it from its metadata."""

TEMPLATE_TAG = "claimwatch-template"
"""Its value is the launch template's id; what carries it may be ended by us."""

_PASSING = {"RequestLimitExceeded", "Unavailable", "InternalError", "ServiceUnavailable"}
_GONE = {"InvalidInstanceID.NotFound"}
_ENDED = {"shutting-down", "terminated", "stopping", "stopped"}


class InstanceUnavailable(ClaimwatchError):
    """EC2 starts no instance: no capacity, a limit of the account, a mistake in the launch template."""


@dataclass(frozen=True)
class TrainingInstance:
    """An instance; ``reason`` is what EC2 says of how it came to its state."""

    instance_id: str
    training_id: str
    ended: bool
    reason: str


class TrainingInstances(Protocol):
    """What the use cases need of EC2."""

    def start(self, training_id: str) -> str:
        """Start a machine for a training, or find the one that was started for it; its id."""

    def all(self) -> list[TrainingInstance]:
        """Every machine that EC2 still shows."""

    def end(self, instance_id: str) -> None:
        """End a machine for good; ended ones stay so."""


class Ec2TrainingInstances:
    """The instances of the stack's launch template."""

    def __init__(self, client: Any, template_id: str) -> None:
        self._client = client
        self._template_id = template_id

    def start(self, training_id: str) -> str:
        try:
            answer = self._client.run_instances(
                LaunchTemplate={"LaunchTemplateId": self._template_id, "Version": "$Latest"},
                MinCount=1,
                MaxCount=1,
                ClientToken=training_id,
                TagSpecifications=[
                    {
                        "ResourceType": "instance",
                        "Tags": [
                            {"Key": TRAINING_TAG, "Value": training_id},
                            {"Key": TEMPLATE_TAG, "Value": self._template_id},
                        ],
                    }
                ],
            )
        except (BotoCoreError, ClientError) as error:
            raise _translated(error) from error
        instance_id: str = answer["Instances"][0]["InstanceId"]
        return instance_id

    def all(self) -> list[TrainingInstance]:
        try:
            pages = self._client.get_paginator("describe_instances").paginate(
                Filters=[{"Name": f"tag:{TEMPLATE_TAG}", "Values": [self._template_id]}]
            )
            return [
                _machine(instance)
                for page in pages
                for reservation in page["Reservations"]
                for instance in reservation.get("Instances", [])
            ]
        except (BotoCoreError, ClientError) as error:
            raise _translated(error) from error

    def end(self, instance_id: str) -> None:
        try:
            self._client.terminate_instances(InstanceIds=[instance_id])
        except (BotoCoreError, ClientError) as error:
            if isinstance(error, ClientError) and error.response["Error"]["Code"] in _GONE:
                return
            raise _translated(error) from error


def _machine(instance: dict[str, Any]) -> TrainingInstance:
    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
    told = instance.get("StateReason", {}).get("Message") or instance.get("StateTransitionReason", "")
    state = instance["State"]["Name"]
    return TrainingInstance(
        instance["InstanceId"], tags.get(TRAINING_TAG, ""), state in _ENDED, told or state
    )


def _translated(error: BotoCoreError | ClientError) -> Exception:
    if isinstance(error, BotoCoreError):
        return TransientFault(f"EC2 did not answer: {error}")
    code = error.response["Error"]["Code"]
    passes = error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500 or code in _PASSING
    # EC2 says "no capacity" with a 500 too, and that does not pass within a function's patience.
    if passes and "Capacity" not in code:
        return TransientFault(f"EC2 did not answer: {error}")
    return InstanceUnavailable(
        f"EC2 starts no instance: {code}: {error.response['Error'].get('Message', '')}"
    )
