"""A training gets an instance in the first subnet with capacity, and never a second one."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from claimwatch.aws.training_instances import (
    TEMPLATE_TAG,
    TRAINING_TAG,
    Ec2TrainingInstances,
    InstanceUnavailable,
)
from claimwatch.errors import TransientFault

SUBNETS = ["subnet-a", "subnet-b"]


class Ec2:
    """EC2 that raises errors in some subnets, and as the real one refuses a token with other parameters."""

    def __init__(self, **errors: Exception) -> None:
        self.errors = {f"subnet-{name}": error for name, error in errors.items()}
        self.instances: list[dict[str, Any]] = []
        self.calls: list[str | None] = []
        self._tokens: dict[str, str | None] = {}

    def run_instances(self, **request: Any) -> dict[str, Any]:
        subnet = request.get("SubnetId")
        self.calls.append(subnet)
        if self._tokens.setdefault(request["ClientToken"], subnet) != subnet:
            raise refusal("IdempotentParameterMismatch")
        if error := self.errors.get(subnet or ""):
            raise error
        [tags] = request["TagSpecifications"]
        instance = {
            "InstanceId": f"i-{len(self.instances)}",
            "SubnetId": subnet,
            "State": {"Name": "running"},
            "Tags": tags["Tags"],
        }
        self.instances.append(instance)
        return {"Instances": [instance]}

    def get_paginator(self, operation: str) -> "Ec2":
        assert operation == "describe_instances"
        return self

    def paginate(self, **_filters: Any) -> list[dict[str, Any]]:
        return [{"Reservations": [{"Instances": self.instances}]}]


def refusal(code: str) -> ClientError:
    """Return EC2's error; missing capacity has a status of 500, like a fault of the service."""
    metadata: Any = {"HTTPStatusCode": 500 if code == "InsufficientInstanceCapacity" else 400}
    return ClientError(
        {"Error": {"Code": code, "Message": f"{code} in words"}, "ResponseMetadata": metadata}, "RunInstances"
    )


def started_in(ec2: Ec2) -> list[str | None]:
    return [instance["SubnetId"] for instance in ec2.instances]


def test_an_instance_starts_in_the_first_subnet_with_the_tags_of_its_training() -> None:
    ec2 = Ec2()
    assert Ec2TrainingInstances(ec2, "lt-1", SUBNETS).start("training") == "i-0"
    assert started_in(ec2) == ["subnet-a"]
    assert {tag["Key"]: tag["Value"] for tag in ec2.instances[0]["Tags"]} == {
        TRAINING_TAG: "training",
        TEMPLATE_TAG: "lt-1",
    }


@pytest.mark.parametrize(
    "code",
    [
        "InsufficientInstanceCapacity",
        "InsufficientVolumeCapacity",
        "InsufficientFreeAddressesInSubnet",
        "SpotMaxPriceTooLow",
        "Unsupported",  # the zone has no instances of this type
    ],
)
def test_the_second_subnet_is_tried_when_the_first_has_no_capacity(code: str) -> None:
    ec2 = Ec2(a=refusal(code))
    Ec2TrainingInstances(ec2, "lt-1", SUBNETS).start("training")
    assert started_in(ec2) == ["subnet-b"]


@pytest.mark.parametrize(
    "code", ["VcpuLimitExceeded", "MaxSpotInstanceCountExceeded", "UnauthorizedOperation"]
)
def test_a_refusal_that_concerns_every_zone_is_not_repeated(code: str) -> None:
    ec2 = Ec2(a=refusal(code))
    with pytest.raises(InstanceUnavailable, match=f"{code}: {code} in words"):
        Ec2TrainingInstances(ec2, "lt-1", SUBNETS).start("training")
    assert ec2.calls == ["subnet-a"]


@pytest.mark.parametrize(
    "error",
    [
        refusal("RequestLimitExceeded"),
        refusal("Unavailable"),
        EndpointConnectionError(endpoint_url="https://x"),
    ],
    ids=str,
)
def test_a_fault_of_ec2_is_left_to_a_retry(error: Exception) -> None:
    ec2 = Ec2(a=error)
    with pytest.raises(TransientFault):
        Ec2TrainingInstances(ec2, "lt-1", SUBNETS).start("training")
    assert ec2.calls == ["subnet-a"]


def test_the_refusals_of_all_subnets_are_reported() -> None:
    ec2 = Ec2(a=refusal("InsufficientInstanceCapacity"), b=refusal("SpotMaxPriceTooLow"))
    with pytest.raises(InstanceUnavailable, match=r"InsufficientInstanceCapacity.*SpotMaxPriceTooLow"):
        Ec2TrainingInstances(ec2, "lt-1", SUBNETS).start("training")


def test_a_repeated_start_finds_the_instance_in_the_second_subnet() -> None:
    """The first call may have died before it recorded the instance; by now, the first subnet has capacity."""
    ec2 = Ec2(a=refusal("InsufficientInstanceCapacity"))
    instances = Ec2TrainingInstances(ec2, "lt-1", SUBNETS)
    first = instances.start("training")
    ec2.errors.clear()
    assert instances.start("training") == first
    assert started_in(ec2) == ["subnet-b"]


def test_without_subnets_the_default_of_the_account_is_used() -> None:
    ec2 = Ec2()
    Ec2TrainingInstances(ec2, "lt-1").start("training")
    assert ec2.calls == [None]
