"""Values of a CloudFormation template for one set of parameters, and parts of templates for the emulator."""

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

type Reference = Callable[[str, str | None], Any]
"""Returns the value of a resource: ``Ref`` if the attribute is None, otherwise ``Fn::GetAtt``."""

_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")


class UnknownExpression(ValueError):
    """The template uses a name or function that cannot be resolved; the message names it."""


class _NoValue:
    """The value of AWS::NoValue: a member or item that has it does not exist."""


_NO_VALUE = _NoValue()


class Resolver:
    """Resolves values of one template: parameters, conditions, and the functions that Claimwatch uses."""

    def __init__(
        self,
        template: Mapping[str, Any],
        parameters: Mapping[str, str],
        pseudo: Mapping[str, str],
        reference: Reference,
    ) -> None:
        """Prepare for a template; `pseudo` are values such as ``AWS::StackName``.

        Raises `UnknownExpression` for a parameter that the template does not declare or that has no value.
        """
        declared = template.get("Parameters", {})
        for name in parameters:
            if name not in declared:
                raise UnknownExpression(f"the template has no parameter {name}")
        self._parameters = {
            name: _list_or_text(body, parameters.get(name, body.get("Default")))
            for name, body in declared.items()
        }
        missing = [name for name, value in self._parameters.items() if value is None]
        if missing:
            raise UnknownExpression(f"parameter {missing[0]} has no value")
        self._conditions = template.get("Conditions", {})
        self._mappings = template.get("Mappings", {})
        self._resources = template.get("Resources", {})
        self._pseudo = pseudo
        self._reference = reference

    def holds(self, condition: str) -> bool:
        """Return whether a condition of the template is true."""
        if condition not in self._conditions:
            raise UnknownExpression(f"the template has no condition {condition}")
        return bool(self(self._conditions[condition]))

    def exists(self, logical_id: str) -> bool:
        """Return whether the template makes a resource with these parameters."""
        condition = self._resources[logical_id].get("Condition")
        return condition is None or self.holds(condition)

    def properties(self, logical_id: str) -> dict[str, Any]:
        """Return the resolved properties of a resource."""
        resolved: dict[str, Any] = self(self._resources[logical_id].get("Properties", {}))
        return resolved

    def __call__(self, value: Any) -> Any:
        """Return a value with everything in it resolved."""
        if isinstance(value, list):
            return [item for item in map(self, value) if item is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if name == "Ref":
                return self._ref(argument)
            if name == "Condition" and isinstance(argument, str):
                return self.holds(argument)
            if name.startswith("Fn::"):
                return self._function(name, argument)
        members = {name: self(member) for name, member in value.items()}
        return {name: member for name, member in members.items() if member is not _NO_VALUE}

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._parameters:
            return self._parameters[name]
        if name in self._resources:
            return self._reference(name, None)
        raise UnknownExpression(f"Ref names {name}, which the template does not have")

    def _attribute(self, name: str, attribute: str) -> Any:
        if name not in self._resources:
            raise UnknownExpression(f"Fn::GetAtt names {name}, which the template does not have")
        return self._reference(name, attribute)

    def _function(self, name: str, argument: Any) -> Any:
        match name:
            case "Fn::If":
                condition, yes, no = argument
                return self(yes if self.holds(condition) else no)
            case "Fn::Sub":
                return self._substitute(argument)
            case "Fn::GetAtt":
                parts = argument.split(".", 1) if isinstance(argument, str) else argument
                return self._attribute(parts[0], str(self(parts[1])))
            case "Fn::Join":
                separator, items = argument
                return separator.join(str(item) for item in self(items))
            case "Fn::Split":
                separator, text = argument
                return self(text).split(separator)
            case "Fn::Select":
                index, items = argument
                return self(items)[int(self(index))]
            case "Fn::FindInMap":
                table, row, column = (self(part) for part in argument)
                return self(self._mappings[table][row][column])
            case "Fn::Equals":
                one, other = (self(part) for part in argument)
                return str(one) == str(other)
            case "Fn::Not":
                return not self(argument[0])
            case "Fn::And":
                return all(self(part) for part in argument)
            case "Fn::Or":
                return any(self(part) for part in argument)
            case _:
                raise UnknownExpression(f"{name} is not known here")

    def _substitute(self, argument: Any) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else argument
        values = {name: self(value) for name, value in own.items()}

        def replaced(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            if name in values:
                return str(values[name])
            logical_id, _, attribute = name.strip().partition(".")
            return str(self._attribute(logical_id, attribute) if attribute else self._ref(logical_id))

        return _VARIABLE.sub(replaced, text)


def part_of(
    template: Mapping[str, Any], kept: Callable[[str, str], bool], stand_in: Reference
) -> dict[str, Any]:
    """Return a template with only the resources that are kept by logical id and type.

    References to the other resources become the values of `stand_in`; outputs are left out.
    """
    part: dict[str, Any] = copy.deepcopy(
        {name: value for name, value in template.items() if name not in ("Outputs", "Rules", "Metadata")}
    )
    resources = part["Resources"]
    gone = {name for name, body in resources.items() if not kept(name, body["Type"])}
    part["Resources"] = {name: body for name, body in resources.items() if name not in gone}
    for body in part["Resources"].values():
        needs = body.get("DependsOn", [])
        remaining = [name for name in ([needs] if isinstance(needs, str) else needs) if name not in gone]
        if remaining:
            body["DependsOn"] = remaining
        else:
            body.pop("DependsOn", None)
    replaced: dict[str, Any] = _without(part, gone, stand_in)
    return replaced


def _without(value: Any, gone: set[str], stand_in: Reference) -> Any:
    if isinstance(value, list):
        return [_without(item, gone, stand_in) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("Ref") in gone and len(value) == 1:
        return stand_in(value["Ref"], None)
    if len(value) == 1 and "Fn::GetAtt" in value:
        argument = value["Fn::GetAtt"]
        name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        return stand_in(name, attribute) if name in gone else value
    if len(value) == 1 and "Fn::Sub" in value:
        argument = value["Fn::Sub"]
        text, own = (argument, {}) if isinstance(argument, str) else argument

        def replaced(match: re.Match[str]) -> str:
            literal, name = match.groups()
            logical_id, _, attribute = name.strip().partition(".")
            if literal or name in own or logical_id not in gone:
                return match.group()
            return str(stand_in(logical_id, attribute or None))

        text = _VARIABLE.sub(replaced, text)
        return {"Fn::Sub": [text, _without(own, gone, stand_in)] if own else text}
    return {name: _without(member, gone, stand_in) for name, member in value.items()}


def _list_or_text(declared: Mapping[str, Any], value: Any) -> Any:
    if value is None:
        return None
    if declared.get("Type", "").startswith(("CommaDelimitedList", "List<")):
        return [item.strip() for item in str(value).split(",")] if value != "" else []
    return str(value).lower() if isinstance(value, bool) else str(value)
