"""The stack as CloudFormation describes it: its outputs, parameters and resources."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from smoke.steps import SmokeFailed

NEEDED = ("ApiUrl", "LandingBucket", "ArtifactBucket")
SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
"""States in which a stack is not being changed, and works."""

_CLEANING = ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")

type Client = Callable[[str], Any]
"""Returns a client of a service."""


@dataclass(frozen=True)
class Stack:
    """A deployed stack."""

    name: str
    status: str
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]

    @classmethod
    def find(cls, client: Client, name: str) -> "Stack":
        """Describe a stack; raises ``SmokeFailed`` unless it is one of Claimwatch that can be used."""
        try:
            (found,) = client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            raise SmokeFailed(
                f"Stack {name} cannot be described: {error.response['Error'].get('Message', '')}".rstrip("."),
                "CloudFormation in the account and region of this process",
                "the name of the stack, and whose credentials this process has",
            ) from None
        stack = cls(
            name,
            found["StackStatus"],
            {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])},
            {each["ParameterKey"]: each.get("ParameterValue", "") for each in found.get("Parameters", [])},
        )
        if stack.status not in SETTLED + _CLEANING:
            raise SmokeFailed(
                f"Stack {name} is in state {stack.status}", "CloudFormation", f"the events of stack {name}"
            )
        missing = [output for output in NEEDED if output not in stack.outputs]
        if missing:
            raise SmokeFailed(
                f"Stack {name} has no output {', '.join(missing)}",
                "CloudFormation",
                "whether it is a stack of Claimwatch, and of this version",
            )
        return stack

    def resources(self, client: Client, kind: str) -> dict[str, str]:
        """Return the physical ids of the resources of a type, by logical id."""
        pages = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.name)
        return {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for page in pages
            for each in page["StackResourceSummaries"]
            if each["ResourceType"] == kind and each.get("PhysicalResourceId")
        }
