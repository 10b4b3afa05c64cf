"""The page of interfaces lists what the template, the migrations and the API offer."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[3]
PAGE = (PROJECT / "docs" / "interfaces.md").read_text("utf-8")
README = (PROJECT / "README.md").read_text("utf-8")
API = (PROJECT / "docs" / "api.md").read_text("utf-8")
SQL = "\n".join(
    path.read_text("utf-8")
    for path in sorted((PROJECT / "layers/core/claimwatch/storage/migrations").glob("*.sql"))
)
OF_OTHER_THINGS = re.compile(r"(claimwatch|mlflow|card)\.")
"""Texts of migrations with a point that are no action and no permission: settings, a schema, a file."""


def section_of_template(name: str) -> dict[str, Any]:
    class Loader(yaml.SafeLoader):
        """Reads CloudFormation's tags as nothing."""

    Loader.add_multi_constructor("!", lambda *_: None)
    template = yaml.load((PROJECT / "template.yaml").read_text("utf-8"), Loader)  # noqa: S506 - a subclass of SafeLoader
    found: dict[str, Any] = template[name]
    return found


def operations() -> list[tuple[str, dict[str, Any]]]:
    paths = json.loads((PROJECT / "openapi.json").read_text("utf-8"))["paths"]
    return [(path, operation) for path, methods in paths.items() for operation in methods.values()]


def actions_of_cases() -> set[str]:
    """The actions whose names the database puts together."""
    schemas = json.loads((PROJECT / "openapi.json").read_text("utf-8"))["components"]["schemas"]
    return {f"case.{action}" for action in schemas["ActionRequest"]["properties"]["action"]["enum"]}


def missing(names: Iterable[str], page: str) -> set[str]:
    return {name for name in names if f"`{name}`" not in page}


def test_every_parameter_is_in_the_table_of_the_readme() -> None:
    rows = "\n".join(line for line in README.splitlines() if line.startswith("|"))
    assert missing(section_of_template("Parameters"), rows) == set()


def test_every_output_is_listed_or_one_that_may_change() -> None:
    outputs = section_of_template("Outputs")
    assert missing({name for name in outputs if not name.endswith("QueueUrl")}, PAGE) == set()


def test_every_variable_of_a_function_is_listed_with_the_function() -> None:
    functions = {
        name: resource["Properties"].get("Environment", {}).get("Variables", {})
        for name, resource in section_of_template("Resources").items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert len({variable for variables in functions.values() for variable in variables}) > 25
    rows = [line.split("|") for line in PAGE.splitlines() if line.startswith("| `") and line.count("|") == 3]
    of_kinds = {"DATABASE_PARAMETER", "CLAIMS_PIPELINE_ARN", "SCORE_CLAIMS_ARN"}
    kinds = of_kinds | {name for name in functions["StartTraining"] if name.startswith("TRAINING_")}
    for function, variables in functions.items():
        for variable in variables:
            listed = [row[2] for row in rows if f"`{variable}`" in row[1]]
            assert listed, variable
            assert variable in kinds or function in listed[0], (variable, function)


def test_every_table_and_view_is_described_or_named_as_internal() -> None:
    created = set(re.findall(r"CREATE (?:OR REPLACE )?(?:TABLE|VIEW) claimwatch\.(\w+)", SQL))
    assert len(created) > 30
    assert missing(created, PAGE) == set()


def test_every_internal_table_exists() -> None:
    [internal] = re.findall(r"^\*\*Internal\*\* are (.+?)\. A release", PAGE, re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"`(\w+)`", internal))
    assert named
    assert {name for name in named if not re.search(rf"claimwatch\.{name}\b", SQL)} == set()


def test_every_action_of_access_events_and_every_permission_is_listed() -> None:
    named = {name for name in re.findall(r"'([a-z]+\.[a-z_]+)'", SQL) if not OF_OTHER_THINGS.match(name)}
    assert len(named) > 30
    assert missing(named | actions_of_cases(), PAGE) == set()


def test_the_page_of_the_api_has_the_actions_of_people() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| people, about ")]
    actions = {name for row in rows for name in re.findall(r"`([a-z]+\.[a-z_]+)`", row)}
    assert len(actions) > 25
    assert missing(actions - {"case.action"}, API) == set()


@pytest.mark.parametrize("path", sorted({path for path, _ in operations() if path.startswith("/app/")}))
def test_the_page_of_the_api_lists_every_route_of_people(path: str) -> None:
    rows = "\n".join(line for line in API.splitlines() if line.startswith("|"))
    parts = path.split("/")
    endings = [f"…/{'/'.join(parts[start:])}`" for start in range(3, len(parts))]
    assert f"{path}`" in rows or any(ending in rows for ending in endings)
