"""The AWS commands in the documents exist, with these options, and name outputs of the stack."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.model import ServiceModel
from botocore.session import Session
from samcli.yamlhelper import yaml_parse

PROJECT = Path(__file__).resolve().parents[3]
PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])
OUTPUTS = yaml_parse((PROJECT / "template.yaml").read_text("utf-8"))["Outputs"]

SESSION = Session()
GLOBAL_OPTIONS = {"output", "profile", "query", "region"}
ADDED_BY_THE_COMMAND_LINE = {
    ("ec2", "authorize-security-group-ingress"): {"port", "protocol", "source-group"},
    ("ec2-instance-connect", "ssh"): {"connection-type", "instance-id", "local-forwarding", "os-user"},
}
SERVICES = {"s3api": "s3"}
"""Names of services on the command line that differ from those of the API."""
COMMAND = re.compile(r"\baws ([a-z0-9-]+) ((?:wait )?[a-z0-9-]+)([^\n|;]*)")


def commands(page: Path) -> Iterator[tuple[str, str, set[str]]]:
    """Yield service, operation and options of each AWS command in the code of a page."""
    text = page.read_text("utf-8")
    for code in re.findall(r"```sh\n(.*?)```|`(aws [^`]*)`", text, re.DOTALL):
        lines = "".join(code).replace("\\\n", " ")
        for service, operation, rest in COMMAND.findall(lines):
            options = set(re.findall(r"(?<=\s)--([a-z0-9-]+)", rest.split("$(aws")[0]))
            yield SERVICES.get(service, service), operation, options - GLOBAL_OPTIONS


COMMANDS = sorted(
    {
        (service, operation, *sorted(options))
        for page in PAGES
        for service, operation, options in commands(page)
    }
)


def test_the_commands_are_found() -> None:
    assert ("rds", "modify-db-cluster", "db-cluster-identifier", "no-deletion-protection") in COMMANDS


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_aws_command_exists_with_these_options(command: tuple[str, ...]) -> None:
    service, operation, *options = command
    if operation.startswith("wait "):
        assert operation.removeprefix("wait ") in waiters(service)
        return
    known = options_of(SESSION.get_service_model(service), operation) | ADDED_BY_THE_COMMAND_LINE.get(
        (service, operation), set()
    )
    assert known, f"aws {service} has no command {operation}"
    assert {option.removeprefix("no-") if option not in known else option for option in options} <= known


def options_of(model: ServiceModel, operation: str) -> set[str]:
    for name in model.operation_names:
        if xform_name(name, "-") == operation:
            shape = model.operation_model(name).input_shape
            return {xform_name(member, "-") for member in shape.members} if shape else set()
    return set()


def waiters(service: str) -> set[str]:
    loader = SESSION.get_component("data_loader")
    described = loader.load_service_model(service, "waiters-2")["waiters"]
    return {xform_name(name, "-") for name in described}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_an_output_that_a_document_asks_for_exists(page: Path) -> None:
    named = set(re.findall(r"\$\(output (\w+)\)|output `(\w+)`", page.read_text("utf-8")))
    assert {first or second for first, second in named} <= OUTPUTS.keys()
