"""A change set in words, for the person who approves it: resources, rights one by one, and parameters."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer
from botocore.exceptions import ClientError
from samcli.yamlhelper import yaml_parse

from release.errors import ReleaseRefused
from release.grants import POLICY_TYPES, grants_of, is_wide

SUMMARY_LENGTH = 900
"""Characters: the text of an approval in CodePipeline has at most 1,000."""

HOLDS_DATA = (
    "AWS::Cognito::UserPool",
    "AWS::KMS::Key",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
)
"""Types of resources whose content is lost when they are replaced or removed."""


@dataclass(frozen=True)
class Change:
    """One resource that the change set adds, changes or removes.

    `replacement` is as CloudFormation says: True, False or Conditional; `policy` is the fate of the old one.
    """

    action: str
    name: str
    kind: str
    replacement: str = ""
    policy: str = ""

    @property
    def replaces(self) -> bool:
        """Whether the resource is, or may be, replaced by a new one."""
        return self.action == "Modify" and self.replacement in ("True", "Conditional")

    @property
    def loses_data(self) -> bool:
        """Whether content of the resource may be lost, or stays behind in a resource of no stack."""
        return self.kind in HOLDS_DATA and (self.replaces or self.action == "Remove")


@dataclass(frozen=True)
class Rights:
    """The rights that a resource grants after the change and not before, and the other way round."""

    name: str
    kind: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True)
class Review:
    """Everything that a change set changes."""

    stack: str
    changes: tuple[Change, ...]
    rights: tuple[Rights, ...]
    parameters: tuple[tuple[str, str, str], ...]

    def of(self, action: str) -> list[Change]:
        """Return the changes of one action."""
        return [change for change in self.changes if change.action == action]


def review(
    stack: Annotated[str, typer.Option(help="name of the stack")],
    change_set: Annotated[str, typer.Option(help="name of the change set")],
    file: Annotated[Path, typer.Option(help="Markdown file to write, with every change")],
    summary: Annotated[Path, typer.Option(help="text file to write, with one line for the approval")],
) -> None:
    """Describe a change set in a file, and in one line."""
    found = read_review(boto3.client("cloudformation"), stack, change_set)
    file.write_text(markdown(found), "utf-8")
    line = one_line(found)
    summary.write_text(f"{line}\n", "utf-8")
    print(line)


def read_review(client: Any, stack: str, change_set: str) -> Review:
    """Read a change set and both templates; raises `ReleaseRefused` if the change set does not exist."""
    changes: list[dict[str, Any]] = []
    parameters: dict[str, str] = {}
    pages = client.get_paginator("describe_change_set")
    try:
        for page in pages.paginate(StackName=stack, ChangeSetName=change_set):
            changes += [change["ResourceChange"] for change in page.get("Changes", [])]
            parameters |= _values(page)
    except ClientError as error:
        raise ReleaseRefused(
            f"the change set {change_set} of {stack} cannot be read ({error.response['Error']['Code']})"
        ) from None
    [current] = client.describe_stacks(StackName=stack)["Stacks"]
    first = current["StackStatus"] == "REVIEW_IN_PROGRESS"
    before = {} if first else _template(client, StackName=stack)
    after = _template(client, StackName=stack, ChangeSetName=change_set) if changes else before
    return compare(stack, changes, before, after, {} if first else _values(current), parameters)


def compare(
    stack: str,
    resource_changes: Iterable[Mapping[str, Any]],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    known: Mapping[str, str],
    parameters: Mapping[str, str],
) -> Review:
    """Return the review of changes, as CloudFormation describes them, between two processed templates."""
    changes = sorted(
        (
            Change(
                each["Action"],
                each["LogicalResourceId"],
                each["ResourceType"],
                str(each.get("Replacement", "")),
                str(each.get("PolicyAction", "")),
            )
            for each in resource_changes
        ),
        key=lambda change: (change.action, change.kind, change.name),
    )
    rights = []
    for change in changes:
        if not change.kind.startswith(POLICY_TYPES):
            continue
        # A condition decides whether a resource exists, so both templates may have what is added or removed.
        old = set() if change.action == "Add" else _grants(before, change.name)
        new = set() if change.action == "Remove" else _grants(after, change.name)
        rights.append(Rights(change.name, change.kind, tuple(sorted(new - old)), tuple(sorted(old - new))))
    return Review(
        stack,
        tuple(changes),
        tuple(rights),
        tuple(
            (name, known.get(name, ""), parameters.get(name, ""))
            for name in sorted(known.keys() | parameters.keys())
            if known.get(name) != parameters.get(name)
        ),
    )


# -- words ---------------------------------------------------------------------------------------------------


def one_line(found: Review) -> str:
    """Return the review in at most 900 characters, the most important first."""
    if not found.changes:
        return f"{found.stack}: nothing changes; this release is deployed already."
    added, changed, removed = (len(found.of(action)) for action in ("Add", "Modify", "Remove"))
    parts = [f"{found.stack}: {added} resources added, {changed} changed, {removed} removed."]
    values = {name: new for name, _, new in found.parameters}
    if "CodeVersion" in values:
        parts[0] = f"{values['CodeVersion']} to {parts[0]}"
    if losses := [change.name for change in found.changes if change.loses_data]:
        parts.append(f"MAY LOSE DATA: {', '.join(losses)}.")
    gained = [f"{each.name} gains {line}" for each in found.rights for line in each.gained]
    lost = sum(len(each.lost) for each in found.rights)
    wide = [line for line in gained if is_wide(line.partition(" gains ")[2])]
    if wide:
        parts.append(f"{len(wide)} WIDE RIGHTS.")
    if values.get("WantedDifferences", "none") != "none":
        parts.append(f"Scores may differ in: {values['WantedDifferences']}.")
    if replaced := [change.name for change in found.changes if change.replaces and not change.loses_data]:
        parts.append(f"Replaced: {', '.join(replaced)}.")
    parts.append(f"Rights: {len(gained)} gained, {lost} lost." if gained or lost else "No rights change.")
    parts += [f"{line}." for line in [*wide, *(line for line in gained if line not in wide)]]
    return _shortened(parts)


def markdown(found: Review) -> str:
    """Return the review as a page with every change."""
    lines = [f"# What changes in {found.stack}", "", one_line(found), ""]
    sections = (
        ("Resources that may lose data", [change for change in found.changes if change.loses_data]),
        ("Resources that are replaced", [change for change in found.changes if change.replaces]),
        ("Resources that are removed", found.of("Remove")),
        ("Resources that are added", found.of("Add")),
        ("Resources that change", found.of("Modify")),
        ("Resources that are imported", found.of("Import")),
    )
    lines += ["## Rights", ""]
    for each in found.rights:
        lines.append(f"### {each.name} ({each.kind})")
        lines.append("")
        lines += [f"- gains {'**wide** ' if is_wide(line) else ''}`{line}`" for line in each.gained]
        lines += [f"- loses `{line}`" for line in each.lost]
        if not each.gained and not each.lost:
            lines.append("- changes only through a parameter or a resource that it names")
        lines.append("")
    if not found.rights:
        lines += ["No resource that grants rights changes.", ""]
    for title, changes in sections:
        if changes:
            lines += [f"## {title}", "", *(_item(change) for change in changes), ""]
    if found.parameters:
        lines += ["## Parameters", "", "| parameter | now | then |", "|---|---|---|"]
        lines += [
            f"| {name} | {old or '(empty)'} | {new or '(empty)'} |" for name, old, new in found.parameters
        ]
        lines.append("")
    return "\n".join(lines)


def _item(change: Change) -> str:
    notes = []
    if change.replaces:
        notes.append("replaced" if change.replacement == "True" else "perhaps replaced")
    if change.policy:
        notes.append(change.policy.lower())
    return f"- {change.name} ({change.kind}){': ' + ', '.join(notes) if notes else ''}"


def _shortened(parts: list[str]) -> str:
    """Join parts up to the length of a summary; the number of those that do not fit is said."""
    for kept in range(len(parts), 0, -1):
        left_out = len(parts) - kept
        text = " ".join(parts[:kept]) + (f" {left_out} more lines in review.md." if left_out else "")
        if len(text) <= SUMMARY_LENGTH:
            return text
    return parts[0][:SUMMARY_LENGTH]


def _grants(template: Mapping[str, Any], name: str) -> set[str]:
    return grants_of(template.get("Resources", {}).get(name, {}))


def _values(described: Mapping[str, Any]) -> dict[str, str]:
    return {each["ParameterKey"]: each["ParameterValue"] for each in described.get("Parameters", [])}


def _template(client: Any, **of: str) -> dict[str, Any]:
    body = client.get_template(TemplateStage="Processed", **of)["TemplateBody"]
    template: dict[str, Any] = body if isinstance(body, dict) else yaml_parse(body)
    return template
