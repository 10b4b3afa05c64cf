"""template.yaml and its state machines as plain dictionaries."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from local.rehearsal.template import Resolver

PROJECT = Path(__file__).resolve().parents[2]
TEMPLATE: dict[str, Any] = yaml_parse((PROJECT / "template.yaml").read_text())
GLOBALS: dict[str, Any] = TEMPLATE["Globals"]["Function"]
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of every resource of a type, by logical id."""
    return {name: body["Properties"] for name, body in RESOURCES.items() if body["Type"] == kind}


FUNCTIONS = of_type("AWS::Serverless::Function")
QUEUES = of_type("AWS::SQS::Queue")
RULES = of_type("AWS::Events::Rule")
BUCKETS = of_type("AWS::S3::Bucket")
MACHINES = of_type("AWS::Serverless::StateMachine")
ALARMS = of_type("AWS::CloudWatch::Alarm")


def layers_of(function: str) -> list[str]:
    """Return the logical ids of a function's layers; as in SAM, the layers of Globals come first."""
    own = FUNCTIONS[function].get("Layers", [])
    return [layer["Ref"] for layer in [*GLOBALS["Layers"], *own]]


def referred(value: Any) -> str | None:
    """Return the logical id that a !Ref or !GetAtt points to."""
    if isinstance(value, dict) and "Ref" in value:
        return str(value["Ref"]).removesuffix(".Alias")  # SAM's name of a function's alias
    if isinstance(value, dict) and "Fn::GetAtt" in value:
        target = value["Fn::GetAtt"]
        return str(target[0] if isinstance(target, list) else target.split(".")[0])
    return None


def as_list(value: Any) -> list[Any]:
    """Return a policy element that may be a single value as a list."""
    return value if isinstance(value, list) else [value]


def statements_of(properties: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the policy statements that a function or state machine declares."""
    return [statement for policy in properties["Policies"] for statement in policy["Statement"]]


def policies() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every policy statement of the template with the resource that declares it.

    The policy of a VPC endpoint is left out: it bounds what passes and grants nothing. The policies of a user
    pool are rules for passwords.
    """
    for name, body in RESOURCES.items():
        if body["Type"] in ("AWS::EC2::VPCEndpoint", "AWS::Cognito::UserPool"):
            continue
        properties = body["Properties"]
        for policy in properties.get("Policies", []):
            for statement in policy.get("PolicyDocument", policy)["Statement"]:
                yield name, statement
        for statement in properties.get("PolicyDocument", {}).get("Statement", []):
            yield name, unconditional(statement)


def unconditional(statement: dict[str, Any]) -> dict[str, Any]:
    """Return a policy statement, also of one that exists only under a condition of the template."""
    chosen: dict[str, Any] = statement["Fn::If"][1] if "Fn::If" in statement else statement
    return chosen


def tls_only(document: dict[str, Any]) -> bool:
    """Return whether a resource policy refuses every request that does not use TLS."""
    return any(
        statement["Effect"] == "Deny"
        and statement["Principal"] == "*"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for statement in map(unconditional, document["Statement"])
    )


def state_machine(name: str = "ClaimsPipeline") -> dict[str, Any]:
    """Return the definition with placeholders replaced by logical ids or by defaults of parameters."""
    properties = RESOURCES[name]["Properties"]
    substitutions = properties["DefinitionSubstitutions"]
    text = (PROJECT / properties["DefinitionUri"]).read_text()

    def replace(match: re.Match[str]) -> str:
        value = substitutions[match.group(1)]
        if isinstance(value, dict) and value.get("Ref") in TEMPLATE["Parameters"]:
            return str(TEMPLATE["Parameters"][value["Ref"]]["Default"])
        return str(referred(value))

    definition: dict[str, Any] = json.loads(re.sub(r"\$\{(\w+)\}", replace, text))
    return definition


def states(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every state, including the states inside Maps."""
    for name, state in machine["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from states(state["ItemProcessor"])


def deployed_resources(**given: str) -> dict[str, dict[str, Any]]:
    """Return the resources that CloudFormation creates with these parameters, by logical id.

    SAM's resources are translated, resources whose condition is false are left out, and every Fn::If is
    replaced by the value that applies.
    """
    template = _translated(tuple((name, given[name]) for name in READ_BY_SAM if name in given))
    resolver = Resolver(template, given, {}, lambda name, _: name)

    def decided(value: Any) -> Any:
        match value:
            case {"Fn::If": [name, then, otherwise]}:
                return decided(then if resolver.holds(name) else otherwise)
            case dict():
                items = {key: decided(item) for key, item in value.items()}
                return {key: item for key, item in items.items() if item != {"Ref": "AWS::NoValue"}}
            case list():
                return [item for item in map(decided, value) if item != {"Ref": "AWS::NoValue"}]
        return value

    return {name: decided(body) for name, body in template["Resources"].items() if resolver.exists(name)}


READ_BY_SAM = ("GradualDeployment", "TrafficShift", "TreeSha256")
"""Parameters whose values decide what SAM makes of the template."""


@cache
def _translated(parameters: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Return the template in the form that CloudFormation gets from SAM with these parameters."""
    template = yaml_parse((PROJECT / "template.yaml").read_text())
    for body in template["Resources"].values():
        for name in ("CodeUri", "ContentUri", "DefinitionUri"):
            if name in body["Properties"]:
                body["Properties"][name] = "s3://a-bucket/an-archive"
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name="us-east-1"))
    translated: dict[str, Any] = translator.translate(template, dict(parameters), passthrough_metadata=True)
    return translated


def dependencies(resources: Mapping[str, dict[str, Any]]) -> dict[str, set[str]]:
    """Return the resources that each resource waits for, directly or through others.

    CloudFormation creates these before the resource, and deletes them only after it.
    """
    direct = {name: set(_references(body)) & resources.keys() for name, body in resources.items()}
    found: dict[str, set[str]] = {}
    for name in resources:
        waiting = [name]
        reached: set[str] = set()
        while waiting:
            new = direct[waiting.pop()] - reached
            reached |= new
            waiting += new
        found[name] = reached
    return found


def _references(value: Any) -> Iterator[str]:
    """Yield the names that Ref, Fn::GetAtt, Fn::Sub and DependsOn mention, parameters among them."""
    match value:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": str(target)} | {"Fn::GetAtt": [str(target), *_]}:
            yield target.split(".")[0]
        case {"Fn::Sub": str(template)} | {"Fn::Sub": [str(template)]}:
            yield from re.findall(r"\$\{(\w+)", template)
        case {"Fn::Sub": [str(template), values]}:
            yield from re.findall(r"\$\{(\w+)", template)
            yield from _references(values)
        case dict():
            yield from as_list(value.get("DependsOn", []))
            for item in value.values():
                yield from _references(item)
        case list():
            for item in value:
                yield from _references(item)
