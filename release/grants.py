"""What the resources of a template permit, as one line for each action on each resource."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

POLICY_TYPES = (
    "AWS::EC2::SecurityGroup",
    "AWS::IAM::",
    "AWS::KMS::Key",
    "AWS::Lambda::LayerVersionPermission",
    "AWS::Lambda::Permission",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::SecretsManager::ResourcePolicy",
)
"""Beginnings of the types of resources that grant rights or open a network."""


def grants_of(resource: Mapping[str, Any]) -> set[str]:
    """Return a line for each right that a resource of a processed template grants.

    The lines of two templates can be compared: references are written as in ``Fn::Sub``.
    """
    properties = resource.get("Properties", {})
    kind = str(resource.get("Type"))
    if kind in ("AWS::Lambda::Permission", "AWS::Lambda::LayerVersionPermission"):
        return {_permission(properties)}
    found = set(_statements(properties))
    found |= {f"managed policy {words(each)}" for each in _listed(properties.get("ManagedPolicyArns"))}
    found |= {f"role {words(each)}" for each in _listed(properties.get("Roles"))}
    if kind.startswith("AWS::EC2::SecurityGroup"):
        found |= _rules(kind, properties)
    return found


def words(value: Any) -> str:
    """Return a value of a template as text: references as in `Fn::Sub`, other functions in words."""
    if isinstance(value, dict) and len(value) == 1:
        [(function, argument)] = value.items()
        match function:
            case "Ref":
                return f"${{{argument}}}"
            case "Fn::GetAtt":
                return f"${{{argument if isinstance(argument, str) else '.'.join(map(str, argument))}}}"
            case "Fn::Sub":
                return argument if isinstance(argument, str) else words(argument[0])
            case "Fn::Join":
                return words(argument[0]).join(words(each) for each in _listed(argument[1]))
            case "Fn::If":
                return f"({words(argument[1])} if {argument[0]}, otherwise {words(argument[2])})"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def is_wide(grant: str) -> bool:
    """Return whether a line grants every action of a service, or an action on everything."""
    allowed, _, where = grant.partition(" on ")
    return grant.startswith("Allow ") and (allowed.endswith("*") or where.split(" ")[0] == "*")


def _statements(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "Statement" in value:
            for statement in _listed(value["Statement"]):
                yield from _lines(statement)
        for each in value.values():
            yield from _statements(each)
    elif isinstance(value, list):
        for each in value:
            yield from _statements(each)


def _lines(statement: Mapping[str, Any]) -> Iterator[str]:
    if "Fn::If" in statement:
        condition, chosen, otherwise = statement["Fn::If"]
        yield from (f"{line} (when {condition})" for line in _lines(chosen))
        yield from (f"{line} (unless {condition})" for line in _lines(otherwise))
        return
    if "Effect" not in statement:
        return  # AWS::NoValue
    principal = statement.get("Principal", statement.get("NotPrincipal"))
    whom = f" to {words(principal)}" if principal is not None else ""
    limits = statement.get("Condition")
    only_if = f" if {json.dumps(limits, sort_keys=True)}" if limits else ""
    negated = "".join(
        f" ({name})" for name in ("NotAction", "NotResource", "NotPrincipal") if name in statement
    )
    for action in _listed(statement.get("Action", statement.get("NotAction"))):
        for resource in _listed(statement.get("Resource", statement.get("NotResource"))) or [""]:
            where = f" on {words(resource)}" if resource != "" else ""
            yield f"{statement['Effect']} {words(action)}{where}{whom}{only_if}{negated}"


def _permission(properties: Mapping[str, Any]) -> str:
    what = properties.get("FunctionName", properties.get("LayerVersionArn"))
    source = f" for {words(properties['SourceArn'])}" if "SourceArn" in properties else ""
    return (
        f"Allow {properties.get('Action')} on {words(what)} to {words(properties.get('Principal'))}{source}"
    )


def _rules(kind: str, properties: Mapping[str, Any]) -> set[str]:
    """Return the lines of a security group, or of a rule that stands alone."""
    alone = {"AWS::EC2::SecurityGroupIngress": "inbound", "AWS::EC2::SecurityGroupEgress": "outbound"}
    if kind in alone:
        return {f"Allow {alone[kind]} {json.dumps(properties, sort_keys=True)}"}
    return {
        f"Allow {direction} {json.dumps(rule, sort_keys=True)}"
        for name, direction in (("SecurityGroupIngress", "inbound"), ("SecurityGroupEgress", "outbound"))
        for rule in _listed(properties.get(name))
    }


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
