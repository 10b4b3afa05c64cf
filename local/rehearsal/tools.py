"""The stacks of pipeline.yaml and deployment-roles.yaml, as far as the emulator has their resource types.

Roles, policies, buckets, keys, topics, parameters and log groups are made by CloudFormation from the
templates themselves. CodePipeline and CodeBuild do not exist in the emulator (its CodeBuild reports success
without running anything), so their resources are left out; references have the names that they would have.
Nested stacks are deployed as stacks of their own. Roles that a service of AWS assumes lose the condition that
names the account of the caller: the emulator's root, which stands for the services, has none.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from samcli.yamlhelper import yaml_parse

from local.emulator import REGION
from local.processes import StartupFailed, wait_until
from local.rehearsal.template import Resolver, part_of

ACCOUNT = "000000000000"
MADE = (
    "AWS::IAM::",
    "AWS::KMS::",
    "AWS::Logs::",
    "AWS::S3::",
    "AWS::SNS::",
    "AWS::SQS::",
    "AWS::SSM::",
)
"""Types of resources that the emulator makes."""

PIPELINE = "AWS::CodePipeline::Pipeline"
PROJECT = "AWS::CodeBuild::Project"
NESTED = "AWS::CloudFormation::Stack"

type Connect = Callable[..., Any]
"""Returns a boto3 client of a service, with credentials by keyword."""


@dataclass(frozen=True)
class Project:
    """A CodeBuild project: its role, its buildspec and the variables of its builds."""

    name: str
    role: str
    buildspec: Path
    variables: Mapping[str, str]
    timeout: float


@dataclass
class ToolsStack:
    """One template, deployed with a set of parameters; its resources by logical id."""

    name: str
    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    connect: Connect
    _physical: dict[str, str] = field(default_factory=dict)

    @classmethod
    def deploy(cls, path: Path, name: str, parameters: Mapping[str, str], connect: Connect) -> "ToolsStack":
        """Deploy what the emulator can make of a template; raises `StartupFailed` with the reason."""
        stack = cls(name, yaml_parse(path.read_text("utf-8")), dict(parameters), connect)
        stack._create()
        for logical_id, properties in stack.resources(NESTED):
            nested = path.parent / properties["TemplateURL"]
            cls.deploy(nested, f"{name}-{logical_id}", properties.get("Parameters", {}), connect)
        return stack

    def resolver(self) -> Resolver:
        """Return the resolver of the template, which knows the resources that were made."""
        return Resolver(self.template, self.parameters, self._pseudo(), self.reference)

    def resources(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the logical ids and resolved properties of the resources of a type."""
        resolver = self.resolver()
        for logical_id, body in self.template["Resources"].items():
            if body["Type"] == kind and resolver.exists(logical_id):
                yield logical_id, resolver.properties(logical_id)

    def projects(self) -> dict[str, Project]:
        """Return the CodeBuild projects by name."""
        found = {}
        for logical_id, properties in self.resources(PROJECT):
            environment = properties["Environment"].get("EnvironmentVariables", [])
            name = properties.get("Name", self._stand_in(logical_id, None))
            found[name] = Project(
                name=name,
                role=properties["ServiceRole"],
                buildspec=Path(properties["Source"].get("BuildSpec", "buildspec.yml")),
                variables=plain_variables(environment),
                timeout=60.0 * int(properties.get("TimeoutInMinutes", 60)),
            )
        return found

    def reference(self, logical_id: str, attribute: str | None) -> str:
        """Return the value of a resource in references: its own if it was made, otherwise a stand-in."""
        if logical_id not in self._physical:
            return self._stand_in(logical_id, attribute)
        physical, kind = self._physical[logical_id], self.template["Resources"][logical_id]["Type"]
        return physical if attribute is None else _attribute(kind, physical, attribute)

    def _pseudo(self) -> dict[str, str]:
        return {
            "AWS::StackName": self.name,
            "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{self.name}/rehearsal",
            "AWS::AccountId": ACCOUNT,
            "AWS::Region": REGION,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
        }

    def _stand_in(self, logical_id: str, attribute: str | None) -> str:
        body = self.template["Resources"][logical_id]
        names = {PIPELINE: "Name", PROJECT: "Name"}
        given = body.get("Properties", {}).get(names.get(body["Type"], ""))
        resolver = Resolver(self.template, self.parameters, self._pseudo(), lambda name, _: name)
        name = resolver(given) if given else f"{self.name}-{logical_id}"
        if attribute is None:
            return str(name)
        service = body["Type"].split("::")[1].lower()
        path = f"project/{name}" if body["Type"] == PROJECT else name
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{path}"

    def _create(self) -> None:
        part = part_of(self.template, lambda _, kind: kind.startswith(MADE), self._stand_in)
        for body in part["Resources"].values():
            if body["Type"] == "AWS::IAM::Role":
                _trust_services(body["Properties"]["AssumeRolePolicyDocument"])
        client = self.connect("cloudformation")
        try:
            client.create_stack(
                StackName=self.name,
                TemplateBody=json.dumps(part),
                Parameters=[
                    {"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()
                ],
                Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
            )
        except ClientError as error:
            raise StartupFailed(f"stack {self.name}: {error.response['Error']['Message']}") from None

        def status() -> str:
            return str(client.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"])

        if not wait_until(lambda: not status().endswith("_IN_PROGRESS"), seconds=120, every=0.2):
            raise StartupFailed(f"stack {self.name} was not made within two minutes")
        if status() != "CREATE_COMPLETE":
            raise StartupFailed(f"stack {self.name}: {first_failure(client, self.name)}")
        pages = client.get_paginator("list_stack_resources").paginate(StackName=self.name)
        self._physical = {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for page in pages
            for each in page["StackResourceSummaries"]
        }


def _trust_services(trust: dict[str, Any]) -> None:
    for statement in trust["Statement"]:
        if "Service" in statement.get("Principal", {}):
            statement.pop("Condition", None)


def plain_variables(given: list[dict[str, Any]]) -> dict[str, str]:
    """Return environment variables of a project or an action; only plain text is known here."""
    for each in given:
        if each.get("Type", each.get("type", "PLAINTEXT")) != "PLAINTEXT":
            raise StartupFailed(f"variable {each.get('Name', each.get('name'))} is not plain text")
    return {
        str(each.get("Name", each.get("name"))): str(each.get("Value", each.get("value"))) for each in given
    }


def first_failure(client: Any, stack: str, since: Any = None) -> str:
    """Return the reason of the first resource that failed, of the operation that began at `since`."""
    pages = client.get_paginator("describe_stack_events").paginate(StackName=stack)
    events = [event for page in pages for event in page["StackEvents"]]
    failed = [
        event
        for event in reversed(events)
        if event["ResourceStatus"].endswith("_FAILED") and (since is None or event["Timestamp"] >= since)
    ]
    reasons = [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
        for event in failed
        if "cancelled" not in event.get("ResourceStatusReason", "")
    ]
    return reasons[0] if reasons else "no resource says why"


def _attribute(kind: str, physical: str, attribute: str) -> str:
    if attribute == "Arn":
        match kind:
            case "AWS::IAM::Role":
                return f"arn:aws:iam::{ACCOUNT}:role/{physical}"
            case "AWS::S3::Bucket":
                return f"arn:aws:s3:::{physical}"
            case "AWS::KMS::Key":
                return f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{physical}"
            case "AWS::Logs::LogGroup":
                return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{physical}:*"
            case "AWS::SQS::Queue":
                return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{physical.rsplit('/', 1)[-1]}"
    if (kind, attribute) == ("AWS::SNS::Topic", "TopicName"):
        return physical.rsplit(":", 1)[-1]
    if (kind, attribute) == ("AWS::SQS::Queue", "QueueName"):
        return physical.rsplit("/", 1)[-1]
    if (kind, attribute) == ("AWS::SNS::Topic", "TopicArn"):
        return physical
    raise StartupFailed(f"{kind} has no attribute {attribute} here")
