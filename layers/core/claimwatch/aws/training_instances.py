"""EC2 instances that train models: started from one launch template and identified by tags."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError

from claimwatch.aws.faults import aws_faults, error_code, is_retryable
from claimwatch.errors import ClaimwatchError

TRAINING_TAG = "claimwatch-training"
"""Tag that holds the training's id; the instance reads it from its metadata."""

TEMPLATE_TAG = "claimwatch-template"
"""Tag that holds the launch template's id; Claimwatch may terminate any instance that carries it."""

_MISSING = "InvalidInstanceID.NotFound"
_OF_ONE_ZONE = {
    "InsufficientFreeAddressesInSubnet",
    "InsufficientInstanceCapacity",
    "InsufficientVolumeCapacity",
    "SpotMaxPriceTooLow",
    "Unsupported",
}
"""Error codes of one availability zone: no capacity, no instances of the type, or a higher Spot price."""

_ENDED = {"shutting-down", "terminated", "stopping", "stopped"}


class InstanceUnavailable(ClaimwatchError):
    """EC2 starts no instance: no capacity, a limit of the account, or a mistake in the launch template."""


class _ZoneUnavailable(InstanceUnavailable):
    """EC2 starts no instance in this availability zone, but may start one in another."""


@dataclass(frozen=True)
class TrainingInstance:
    """An instance; ``reason`` is EC2's explanation of its present state."""

    instance_id: str
    training_id: str
    ended: bool
    reason: str


class TrainingInstances(Protocol):
    """The part of EC2 that the use cases need."""

    def start(self, training_id: str) -> str:
        """Start an instance for a training, or find the one started for it before; return its id."""

    def all(self) -> list[TrainingInstance]:
        """Return every instance that EC2 still shows."""

    def end(self, instance_id: str) -> None:
        """Terminate an instance; a terminated or missing one is left alone."""


class Ec2TrainingInstances:
    """The instances of the stack's launch template."""

    def __init__(self, client: Any, template_id: str, subnets: Sequence[str] = ()) -> None:
        """Use the first of the subnets that has capacity; without subnets, the default one of the account."""
        self._client = client
        self._template_id = template_id
        self._subnets = subnets

    def start(self, training_id: str) -> str:
        # The client token prevents a second instance in one subnet, and this look one in another subnet.
        for instance in self.all():
            if instance.training_id == training_id:
                return instance.instance_id
        refusals = []
        for subnet in self._subnets or (None,):
            try:
                return self._start_in(subnet, training_id)
            except _ZoneUnavailable as refusal:
                refusals.append(str(refusal))
        raise InstanceUnavailable("; ".join(refusals))

    def _start_in(self, subnet: str | None, training_id: str) -> str:
        # EC2 refuses a known client token with other parameters, so each subnet has its own token.
        token = hashlib.sha256(f"{training_id} {subnet}".encode()).hexdigest()
        with _ec2_faults():
            answer = self._client.run_instances(
                LaunchTemplate={"LaunchTemplateId": self._template_id, "Version": "$Latest"},
                MinCount=1,
                MaxCount=1,
                TagSpecifications=[
                    {
                        "ResourceType": "instance",
                        "Tags": [
                            {"Key": TRAINING_TAG, "Value": training_id},
                            {"Key": TEMPLATE_TAG, "Value": self._template_id},
                        ],
                    }
                ],
                ClientToken=token,
                **({"SubnetId": subnet} if subnet else {}),
            )
        instance_id: str = answer["Instances"][0]["InstanceId"]
        return instance_id

    def all(self) -> list[TrainingInstance]:
        with _ec2_faults():
            pages = self._client.get_paginator("describe_instances").paginate(
                Filters=[{"Name": f"tag:{TEMPLATE_TAG}", "Values": [self._template_id]}]
            )
            return [
                _instance(instance)
                for page in pages
                for reservation in page["Reservations"]
                for instance in reservation.get("Instances", [])
            ]

    def end(self, instance_id: str) -> None:
        with _ec2_faults():
            try:
                self._client.terminate_instances(InstanceIds=[instance_id])
            except ClientError as error:
                if error_code(error) != _MISSING:
                    raise


def _instance(instance: dict[str, Any]) -> TrainingInstance:
    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
    reason = instance.get("StateReason", {}).get("Message") or instance.get("StateTransitionReason", "")
    state = instance["State"]["Name"]
    return TrainingInstance(
        instance["InstanceId"], tags.get(TRAINING_TAG, ""), state in _ENDED, reason or state
    )


@contextmanager
def _ec2_faults() -> Iterator[None]:
    """Raise ``TransientFault`` for errors that a retry may cure, ``InstanceUnavailable`` for the rest.

    EC2 reports missing capacity with a status of 500 too, but capacity does not return while a function
    waits for it.
    """
    with aws_faults("EC2"):
        try:
            yield
        except ClientError as error:
            code = error_code(error)
            if is_retryable(error) and "Capacity" not in code:
                raise
            message = error.response["Error"].get("Message", "")
            unavailable = _ZoneUnavailable if code in _OF_ONE_ZONE else InstanceUnavailable
            raise unavailable(f"EC2 starts no instance: {code}: {message}") from error
