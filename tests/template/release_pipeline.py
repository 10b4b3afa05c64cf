"""pipeline.yaml and deployment-roles.yaml as CloudFormation sees them, and what their roles may do."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from itertools import product
from typing import Any

from samcli.yamlhelper import yaml_parse

from local.rehearsal.template import Resolver
from tests.template.application import PROJECT, as_list

TOOLS, STAGING, PRODUCTION = "111111111111", "222222222222", "333333333333"
REGION, STACK = "us-east-1", "claimwatch-pipeline"
SOURCES = {
    "connection": {
        "Source": "connection",
        "ConnectionArn": f"arn:aws:codeconnections:{REGION}:{TOOLS}:connection/a-connection",
        "Repository": "insurer/claimwatch",
    },
    "codecommit": {"Source": "codecommit", "Repository": "claimwatch"},
    "s3": {"Source": "s3"},
}
ACCOUNTS = {
    "one account": {},
    "staging elsewhere": {"StagingAccount": STAGING},
    "production elsewhere": {"ProductionAccount": PRODUCTION},
    "three accounts": {"StagingAccount": STAGING, "ProductionAccount": PRODUCTION},
}
KINDS = [(source, accounts) for source, accounts in product(SOURCES, ACCOUNTS)]

type Statement = Mapping[str, Any]


@dataclass(frozen=True)
class Action:
    """An action of a pipeline with the name of its stage, in the order of execution."""

    stage: str
    name: str
    provider: str
    category: str
    run_order: int
    configuration: Mapping[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    namespace: str
    role: str


@dataclass(frozen=True)
class Resources:
    """The resources that a template makes with one set of parameters, resolved, by logical id."""

    resolver: Resolver
    bodies: Mapping[str, Mapping[str, Any]]

    def of_type(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """Return the properties of the resources of a type, by logical id."""
        return {
            name: self.resolver.properties(name) for name, body in self.bodies.items() if body["Type"] == kind
        }

    def roles(self) -> dict[str, Mapping[str, Any]]:
        """Return the properties of the roles, by logical id."""
        return self.of_type("AWS::IAM::Role")

    def role_named(self, arn: str) -> Mapping[str, Any]:
        """Return the properties of the role with an ARN."""
        [found] = [body for body in self.roles().values() if body.get("RoleName") == arn.partition("/")[2]]
        return found

    def projects(self) -> dict[str, Mapping[str, Any]]:
        """Return the properties of the projects of CodeBuild, by name."""
        found = self.of_type("AWS::CodeBuild::Project").values()
        return {properties["Name"]: properties for properties in found}

    def actions(self, pipeline: str) -> list[Action]:
        """Return the actions of a pipeline by stage and RunOrder."""
        stages = self.resolver.properties(pipeline)["Stages"]
        return [
            _action(stage["Name"], action)
            for stage in stages
            for action in sorted(stage["Actions"], key=lambda each: each.get("RunOrder", 1))
        ]


def _action(stage: str, action: Mapping[str, Any]) -> Action:
    kind = action["ActionTypeId"]
    return Action(
        stage=stage,
        name=action["Name"],
        provider=kind["Provider"],
        category=kind["Category"],
        run_order=action.get("RunOrder", 1),
        configuration=action.get("Configuration", {}),
        inputs=tuple(each["Name"] for each in action.get("InputArtifacts", ())),
        outputs=tuple(each["Name"] for each in action.get("OutputArtifacts", ())),
        namespace=action.get("Namespace", ""),
        role=action.get("RoleArn", ""),
    )


@cache
def template(name: str) -> dict[str, Any]:
    """Return a template of the project's folder."""
    parsed: dict[str, Any] = yaml_parse((PROJECT / name).read_text(encoding="utf-8"))
    return parsed


def pipeline(source: str = "s3", accounts: str = "one account", **more: str) -> Resources:
    """Return what pipeline.yaml makes."""
    return resources("pipeline.yaml", TOOLS, STACK, SOURCES[source] | ACCOUNTS[accounts] | more)


def deployment_roles(stage: str, account: str, stack: str) -> Resources:
    """Return what deployment-roles.yaml makes in the account of a stage."""
    given = {
        "Stage": stage,
        "StackName": stack,
        "ToolsAccount": TOOLS,
        "PipelineStackName": STACK,
        "ArtifactBucket": f"{STACK}-artifactbucket-random",
        "ArtifactKeyArn": f"arn:aws:kms:{REGION}:{TOOLS}:key/ArtifactKey",
    }
    return resources("deployment-roles.yaml", account, f"claimwatch-{stage}-roles", given)


def resources(name: str, account: str, stack: str, parameters: Mapping[str, str]) -> Resources:
    """Return what a template makes in an account; names that CloudFormation generates end in -random."""
    parsed = template(name)
    pseudo = {
        "AWS::AccountId": account,
        "AWS::Partition": "aws",
        "AWS::Region": REGION,
        "AWS::StackName": stack,
        "AWS::URLSuffix": "amazonaws.com",
    }

    def reference(logical_id: str, attribute: str | None) -> Any:
        body = parsed["Resources"][logical_id]
        return _value(account, stack, logical_id, body["Type"], attribute, resolver.properties(logical_id))

    resolver = Resolver(parsed, parameters, pseudo, reference)
    made = {each: body for each, body in parsed["Resources"].items() if resolver.exists(each)}
    return Resources(resolver, made)


def _value(
    account: str, stack: str, name: str, kind: str, attribute: str | None, properties: Mapping[str, Any]
) -> str:
    generated = f"{stack}-{name}-random"
    match kind:
        case "AWS::IAM::Role":
            named = str(properties.get("RoleName", generated))
            return f"arn:aws:iam::{account}:role/{named}" if attribute else named
        case "AWS::S3::Bucket":
            return f"arn:aws:s3:::{generated.lower()}" if attribute else generated.lower()
        case "AWS::KMS::Key":
            return f"arn:aws:kms:{REGION}:{account}:key/{name}" if attribute else name
        case "AWS::SNS::Topic":
            return f"arn:aws:sns:{REGION}:{account}:{generated}"
        case "AWS::CodeBuild::Project":
            named = str(properties["Name"])
            return f"arn:aws:codebuild:{REGION}:{account}:project/{named}" if attribute else named
        case "AWS::CodePipeline::Pipeline":
            return str(properties["Name"])
        case "AWS::Logs::LogGroup":
            named = str(properties["LogGroupName"])
            return f"arn:aws:logs:{REGION}:{account}:log-group:{named}:*" if attribute else named
    raise AssertionError(f"unknown reference to {name}, a {kind}")


# -- What a role may do --------------------------------------------------------------------------------------


def statements(role: Mapping[str, Any]) -> Iterator[Statement]:
    """Yield the statements of a role's own policies."""
    for policy in role.get("Policies", ()):
        yield from policy["PolicyDocument"]["Statement"]


def may(role: Mapping[str, Any], action: str, resource: str) -> bool:
    """Return whether a role may do an action if every condition holds, so at most more than it really may."""

    def concerns(statement: Statement) -> bool:
        return any(
            _matches(pattern, action, folded=True) for pattern in as_list(statement["Action"])
        ) and any(_matches(pattern, resource) for pattern in as_list(statement["Resource"]))

    own = list(statements(role))
    allowed = any(concerns(each) for each in own if each["Effect"] == "Allow")
    return allowed and not any(concerns(each) for each in own if each["Effect"] == "Deny")


def _matches(pattern: str, value: str, *, folded: bool = False) -> bool:
    if folded:
        pattern, value = pattern.lower(), value.lower()
    return fnmatchcase(value, re.sub(r"\[", "[[]", pattern))


def allowed_actions(role: Mapping[str, Any]) -> set[str]:
    """Return every action that a role is allowed on some resource."""
    allowed = [each for each in statements(role) if each["Effect"] == "Allow"]
    return {action for each in allowed for action in as_list(each["Action"])}


def assumable(role: Mapping[str, Any]) -> set[str]:
    """Return the ARNs of the roles that a role may try to assume."""
    return {
        resource
        for each in statements(role)
        if each["Effect"] == "Allow" and "sts:AssumeRole" in as_list(each["Action"])
        for resource in as_list(each["Resource"])
    }


def trusted(role: Mapping[str, Any]) -> set[str]:
    """Return the services and the ARNs that a role trusts; a trusted account counts as its `:root`."""
    found: set[str] = set()
    for statement in role["AssumeRolePolicyDocument"]["Statement"]:
        principal = statement["Principal"]
        if "Service" in principal:
            found |= set(as_list(principal["Service"]))
        else:
            named = statement.get("Condition", {}).get("ArnEquals", {}).get("aws:PrincipalArn")
            found |= set(as_list(named)) if named else set(as_list(principal["AWS"]))
    return found
