"""A deployment publishes a version of ScoreClaim whenever anything that it runs with has changed.

By itself, neither CloudFormation nor SAM notices that a layer or a parameter is another one: requests, which
reach the alias, would be answered by the earlier code.
"""

import re
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from tests.template.application import FUNCTIONS, PROJECT, RESOURCES, deployed_resources, layers_of

ARCHIVES = {"CoreLayer": "core", "PlatformLayer": "platform", "OnlineLayer": "online", "ScoreClaim": "code"}


def translated(**changed: str) -> Mapping[str, Any]:
    """Return the resources that CloudFormation gets, with the archives that `sam package` has uploaded."""
    template = yaml_parse((PROJECT / "template.yaml").read_text())
    for name, body in template["Resources"].items():
        for key in ("CodeUri", "ContentUri", "DefinitionUri"):
            if key in body["Properties"]:
                archive = (ARCHIVES | changed).get(name, "an-archive")
                body["Properties"][key] = f"s3://a-bucket/{archive}"
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name="us-east-1"))
    resources: Mapping[str, Any] = translator.translate(template, {})["Resources"]
    return resources


def published(resources: Mapping[str, Any]) -> tuple[str, Any]:
    """Return the version that the alias points to, by logical id and properties."""
    name, _ = resources["ScoreClaimAliaslive"]["Properties"]["FunctionVersion"]["Fn::GetAtt"]
    return name, resources[name]["Properties"]


@pytest.mark.parametrize("changed", ARCHIVES)
def test_another_archive_of_the_code_or_of_a_layer_publishes_a_version(changed: str) -> None:
    before, after = translated(), translated(**{changed: "another"})

    assert published(before) != published(after)
    # Without a change of the function itself, Lambda refuses to publish.
    assert before["ScoreClaim"] != after["ScoreClaim"]


def test_the_same_archives_publish_nothing() -> None:
    assert published(translated()) == published(translated(TablesLayer="another", LoadChunk="another"))


def test_cloudformation_replaces_a_version_whose_description_changes() -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", "AWS::Lambda::Version").schema
    assert "/properties/Description" in schema["createOnlyProperties"]


def test_every_layer_and_every_parameter_of_the_function_is_in_the_description_of_a_version() -> None:
    _, properties = published(deployed_resources())
    described = str(properties["Description"])

    for layer in layers_of("ScoreClaim"):
        assert re.search(rf"'Ref': '{layer}[0-9a-f]{{10}}'", described)
    variables = FUNCTIONS["ScoreClaim"]["Environment"]["Variables"] | {"CODE_VERSION": {"Ref": "CodeVersion"}}
    parameters = {value["Ref"] for value in variables.values() if "Ref" in value} - RESOURCES.keys()
    assert parameters == {"CodeVersion", "ScoringWarmth"}
    for parameter in parameters:
        assert f"'Ref': '{parameter}'" in described


def test_earlier_versions_are_deleted_because_their_snapshots_are_billed() -> None:
    resources = deployed_resources(ScoringWarmth="snapstart")
    name, _ = published(resources)

    assert resources[name]["DeletionPolicy"] == "Delete"
    assert "UpdateReplacePolicy" not in resources[name]
    assert resources["ScoreClaim"]["Properties"]["SnapStart"] == {"ApplyOn": "PublishedVersions"}


def test_no_warm_start_is_paid_for_by_default() -> None:
    resources = deployed_resources()

    assert resources["ScoreClaim"]["Properties"]["SnapStart"] == {"ApplyOn": "None"}
    assert "ProvisionedConcurrencyConfig" not in resources["ScoreClaimAliaslive"]["Properties"]
    provisioned = deployed_resources(ScoringWarmth="provisioned")["ScoreClaimAliaslive"]["Properties"]
    assert provisioned["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": 1}


@pytest.mark.parametrize("name", ["ScoreClaim", "ReceiveClaims"])
def test_functions_without_a_database_are_in_no_network(name: str) -> None:
    assert "VpcConfig" not in deployed_resources()[name]["Properties"]
    assert "DATABASE_PARAMETER" not in FUNCTIONS[name]["Environment"]["Variables"]
