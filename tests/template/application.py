"""template.yaml and its state machines as plain dictionaries."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse

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
COMPOSITES = of_type("AWS::CloudWatch::CompositeAlarm")


def layers_of(function: str) -> list[str]:
    """Return the logical ids of a function's layers; as in SAM, the layers of Globals come first."""
    own = FUNCTIONS[function].get("Layers", [])
    return [layer["Ref"] for layer in [*GLOBALS["Layers"], *own]]


def referred(value: Any) -> str | None:
    """Return the logical id that a !Ref or !GetAtt points to."""
    if isinstance(value, dict) and "Ref" in value:
        return str(value["Ref"])
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
    """Yield every policy statement of the template with the resource that declares it."""
    for name, body in RESOURCES.items():
        properties = body["Properties"]
        for policy in properties.get("Policies", []):
            for statement in policy.get("PolicyDocument", policy)["Statement"]:
                yield name, statement
        for statement in properties.get("PolicyDocument", {}).get("Statement", []):
            yield name, statement


def tls_only(document: dict[str, Any]) -> bool:
    """Return whether a resource policy refuses every request that does not use TLS."""
    return any(
        statement["Effect"] == "Deny"
        and statement["Principal"] == "*"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for statement in document["Statement"]
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
