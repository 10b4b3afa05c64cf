"""A deployment publishes a version of a function behind an alias if, and only if, it brings another release.

By itself, neither CloudFormation nor SAM notices that a layer or a parameter is another one: requests, which
reach the alias, would be answered by the earlier code.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from tests.template.application import (
    FUNCTIONS,
    PROJECT,
    RESOURCES,
    TEMPLATE,
    deployed_resources,
    layers_of,
    statements_of,
)

PUBLISHED = ["ScoreClaim", "CaseApi"]
"""The functions behind an alias."""

TREE, OTHER_TREE = 64 * "a", 64 * "b"

ARCHIVES = {"CoreLayer": "core", "PlatformLayer": "platform", "OnlineLayer": "online"}


CHECKS = {"ScoreClaim": "CheckScores", "CaseApi": "CheckCaseApi"}
"""The functions that CodeDeploy asks before a version gets traffic."""

LONGEST_STACK_NAME = 36
LONGEST_FUNCTION_NAME = 64


@cache
def translated(
    changed: tuple[tuple[str, str], ...] = (), parameters: tuple[tuple[str, str], ...] = ()
) -> Mapping[str, Any]:
    """Return the resources that CloudFormation gets, with the archives that `sam package` has uploaded.

    `changed` are names of archives by the resource whose content they are, `parameters` values of parameters.
    """
    template = yaml_parse((PROJECT / "template.yaml").read_text())
    for name, body in template["Resources"].items():
        for key in ("CodeUri", "ContentUri", "DefinitionUri"):
            if key in body["Properties"]:
                archive = (ARCHIVES | dict(changed)).get(name, "an-archive")
                body["Properties"][key] = f"s3://a-bucket/{archive}"
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name="us-east-1"))
    resources: Mapping[str, Any] = translator.translate(template, dict(parameters))["Resources"]
    return resources


def by_hand(**changed: str) -> Mapping[str, Any]:
    """Return the resources of `sam deploy` without TreeSha256."""
    return translated(tuple(changed.items()))


def of_release(tree: str, **parameters: str) -> Mapping[str, Any]:
    """Return the resources of a release."""
    return translated(parameters=(("TreeSha256", tree), *parameters.items()))


def published(resources: Mapping[str, Any], function: str) -> tuple[str, Any]:
    """Return the version that the alias points to, by logical id and properties."""
    name, _ = resources[f"{function}Aliaslive"]["Properties"]["FunctionVersion"]["Fn::GetAtt"]
    return name, resources[name]["Properties"]


@pytest.mark.parametrize("function", PUBLISHED)
def test_another_tree_publishes_a_version(function: str) -> None:
    before, after = of_release(TREE), of_release(OTHER_TREE)

    assert published(before, function)[0] != published(after, function)[0]
    # Without a change of the function itself, Lambda refuses to publish.
    assert before[function]["Properties"]["Description"] != after[function]["Properties"]["Description"]


@pytest.mark.parametrize("function", PUBLISHED)
def test_the_same_tree_publishes_nothing_whatever_the_version_of_the_code_is_called(function: str) -> None:
    before, after = of_release(TREE, CodeVersion="0.1.0-aaaa"), of_release(TREE, CodeVersion="0.1.0-bbbb")

    assert published(before, function) == published(after, function)
    assert "CodeVersion" not in str(published(before, function))


@pytest.mark.parametrize("function", PUBLISHED)
def test_without_a_hash_another_archive_of_the_function_or_of_its_layers_publishes_a_version(
    function: str,
) -> None:
    before = by_hand()
    for changed in [function, *layers_of(function)]:
        after = by_hand(**{changed: "another"})
        assert published(before, function) != published(after, function), changed
        assert before[function] != after[function], changed


@pytest.mark.parametrize("function", PUBLISHED)
def test_without_a_hash_the_same_archives_publish_nothing(function: str) -> None:
    after = by_hand(TablesLayer="another", LoadChunk="another")
    assert published(by_hand(), function) == published(after, function)


def test_cloudformation_replaces_a_version_whose_description_changes() -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", "AWS::Lambda::Version").schema
    assert "/properties/Description" in schema["createOnlyProperties"]


@pytest.mark.parametrize("function", PUBLISHED)
def test_every_layer_and_every_parameter_of_a_function_is_in_the_description_of_its_versions(
    function: str,
) -> None:
    _, properties = published(deployed_resources(), function)
    described = str(properties["Description"])

    for layer in layers_of(function):
        assert re.search(rf"'Ref': '{layer}[0-9a-f]{{10}}'", described)
    released = str(published(deployed_resources(TreeSha256=TREE), function)[1]["Description"])
    assert "Layer" not in released  # the hash covers them, and does not change when they are built again
    variables = FUNCTIONS[function]["Environment"]["Variables"]
    named = {value["Ref"] for value in variables.values() if "Ref" in value}
    parameters = {name for name in named if name.partition(".")[0] not in RESOURCES}  # ScoreClaim.Alias, too
    parameters -= {"AWS::StackName"}  # no update of a stack changes it
    parameters -= {"TreeSha256"}  # another one publishes a version of another name
    if "VpcConfig" not in FUNCTIONS[function]:
        parameters |= {"SubnetIds", "SecurityGroupIds"}
    assert parameters
    for parameter in parameters:
        assert f"'Ref': '{parameter}'" in described


def test_the_description_of_a_version_is_never_too_long() -> None:
    patterns = [TEMPLATE["Parameters"][name]["AllowedPattern"] for name in CLAIMS]
    longest = [int(re.findall(r"\{1,(\d+)\}", pattern)[0]) for pattern in patterns]

    assert sum(longest) + len(f"12345 12345 subnet-{17 * '0'} sg-{17 * '0'}  ") <= 256


CLAIMS = ("IdentityNameClaim", "IdentityGroupsClaim")


@pytest.mark.parametrize("function", PUBLISHED)
def test_earlier_versions_are_deleted_because_they_would_pile_up(function: str) -> None:
    resources = deployed_resources(ScoringWarmth="snapstart")
    name, _ = published(resources, function)

    assert resources[name]["DeletionPolicy"] == "Delete"
    assert "UpdateReplacePolicy" not in resources[name]


def test_a_snapshot_is_taken_of_published_versions() -> None:
    resources = deployed_resources(ScoringWarmth="snapstart")
    assert resources["ScoreClaim"]["Properties"]["SnapStart"] == {"ApplyOn": "PublishedVersions"}


def test_no_warm_start_is_paid_for_by_default() -> None:
    resources = deployed_resources()

    assert resources["ScoreClaim"]["Properties"]["SnapStart"] == {"ApplyOn": "None"}
    assert "ProvisionedConcurrencyConfig" not in resources["ScoreClaimAliaslive"]["Properties"]
    provisioned = deployed_resources(ScoringWarmth="provisioned")["ScoreClaimAliaslive"]["Properties"]
    assert provisioned["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": 1}


@pytest.mark.parametrize("name", ["ScoreClaim", "ReceiveClaims", "PublishDesk"])
def test_functions_without_a_database_are_in_no_network(name: str) -> None:
    assert "VpcConfig" not in deployed_resources()[name]["Properties"]
    assert "DATABASE_PARAMETER" not in FUNCTIONS[name]["Environment"]["Variables"]


@pytest.mark.parametrize("function", PUBLISHED)
def test_the_api_calls_a_function_by_its_alias_only(function: str) -> None:
    resources = of_release(TREE)
    alias = {"Ref": f"{function}Aliaslive"}
    uris = {
        name: body["Properties"]["IntegrationUri"]
        for name, body in resources.items()
        if body["Type"] == "AWS::ApiGatewayV2::Integration" and function in str(body)
    }
    permitted = {
        name: body["Properties"]["FunctionName"]
        for name, body in resources.items()
        if body["Type"] == "AWS::Lambda::Permission" and function in str(body)
    }
    assert uris
    assert permitted
    assert all(uri == alias for uri in uris.values()), uris
    assert all(name == alias for name in permitted.values()), permitted


def test_by_default_nothing_of_a_gradual_deployment_exists() -> None:
    resources = of_release(TREE)

    assert not [name for name, body in resources.items() if body["Type"].startswith("AWS::CodeDeploy")]
    assert "UpdatePolicy" not in resources["ScoreClaimAliaslive"]
    for name, body in resources.items():
        if body["Type"] == "AWS::CloudWatch::Alarm" and "AWS/Lambda" in str(body) and ":live" in str(body):
            assert body["Condition"] == "DeployGradually", name
    for name in CHECKS.values():
        assert resources[name]["Condition"] == "DeployGradually"
        assert name not in deployed_resources()
    assert TEMPLATE["Parameters"]["GradualDeployment"]["Default"] == "false"


@pytest.mark.parametrize("shift", TEMPLATE["Parameters"]["TrafficShift"]["AllowedValues"])
def test_requests_move_to_a_new_version_step_by_step_and_back_if_an_alarm_goes_off(shift: str) -> None:
    resources = of_release(TREE, GradualDeployment="true", TrafficShift=shift)

    for function in PUBLISHED:
        policy = resources[f"{function}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        group = resources[policy["DeploymentGroupName"]["Ref"]]["Properties"]
        configuration = str(group["DeploymentConfigName"])
        assert "CodeDeployDefault.Lambda" in configuration
        assert shift in configuration
        assert policy["BeforeAllowTrafficHook"] == {"Ref": CHECKS[function]}
        assert group["AutoRollbackConfiguration"]["Enabled"]
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        alarms = [alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]]
        assert alarms
        assert group["AlarmConfiguration"]["Enabled"]
        for alarm in alarms:
            properties = resources[alarm]["Properties"]
            assert properties["TreatMissingData"] == "notBreaching"  # at night there are no requests
            assert properties["Period"] == 60
        errors = [
            resources[a]["Properties"] for a in alarms if resources[a]["Properties"]["MetricName"] == "Errors"
        ]
        assert [dimension["Value"] for alarm in errors for dimension in alarm["Dimensions"]] == [
            {"Ref": function},
            {"Fn::Sub": f"${{{function}}}:live"},
        ]


@pytest.mark.parametrize("function", PUBLISHED)
def test_archives_that_were_built_again_publish_nothing_within_a_release(function: str) -> None:
    """Two builds of one tree may differ in bytes; the hash of the tree decides."""
    again = tuple((name, "built-again") for name in [function, *layers_of(function)])
    before, after = of_release(TREE), translated(again, (("TreeSha256", TREE),))

    (name, first), (same, second) = published(before, function), published(after, function)
    assert name == same
    # The description, in which a layer's logical id follows its archive, has no layer if there is a hash.
    for description in (first["Description"], second["Description"]):
        for part in description["Fn::Join"][1]:
            if "Layer" in str(part):
                assert part["Fn::If"][0] == "NamedRelease"
                assert part["Fn::If"][1] in ("", "release")
    assert TEMPLATE["Conditions"]["NamedRelease"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "TreeSha256"}, ""]}]
    }


@pytest.mark.parametrize("function", PUBLISHED)
def test_a_new_version_is_checked_under_the_name_that_codedeploy_may_call(function: str) -> None:
    resources = deployed_resources(GradualDeployment="true", TreeSha256=TREE)
    check = resources[CHECKS[function]]["Properties"]
    name = check["FunctionName"]["Fn::Sub"]

    assert name == f"CodeDeployHook_${{AWS::StackName}}-{CHECKS[function]}"
    assert len(name.replace("${AWS::StackName}", LONGEST_STACK_NAME * "n")) <= LONGEST_FUNCTION_NAME
    described = TEMPLATE["Parameters"]["GradualDeployment"]["Description"]
    assert f"at most {LONGEST_STACK_NAME} characters" in " ".join(described.split())
    # It asks the version that this deployment publishes.
    version, _ = published(resources, function)
    assert check["Environment"]["Variables"]["NEW_VERSION"] == {"Ref": version}
    assert "VpcConfig" not in check


@pytest.mark.parametrize("function", PUBLISHED)
def test_a_check_asks_its_own_function_only_and_answers_its_own_deployments_only(function: str) -> None:
    statements = {statement["Sid"]: statement for statement in statements_of(FUNCTIONS[CHECKS[function]])}

    assert statements["AskVersions"]["Resource"] == {"Fn::Sub": f"${{{function}.Arn}}:*"}
    answered = statements["AnswerCodeDeploy"]["Resource"]["Fn::Sub"]
    resources = deployed_resources(GradualDeployment="true")
    application, group = answered.partition(":deploymentgroup:")[2].split("/")
    # CloudFormation names a resource after the stack and the logical id.
    for pattern, kind in ((application, "Application"), (group, "DeploymentGroup")):
        logical_id = pattern.removeprefix("${AWS::StackName}-").removesuffix("-*")
        assert resources[logical_id]["Type"] == f"AWS::CodeDeploy::{kind}"
    assert group.startswith(f"${{AWS::StackName}}-{function}")


def test_the_role_of_codedeploy_is_aws_own_and_used_by_both_groups() -> None:
    resources = deployed_resources(GradualDeployment="true")
    [role] = [name for name in resources if name.startswith("CodeDeploy")]

    [policy] = resources[role]["Properties"]["ManagedPolicyArns"]
    assert str(policy).endswith("AWSCodeDeployRoleForLambda")
    for function in PUBLISHED:
        group = resources[f"{function}DeploymentGroup"]["Properties"]
        assert group["ServiceRoleArn"] == {"Fn::GetAtt": [role, "Arn"]}
        assert {"Key": "application", "Value": "claimwatch"} in group["Tags"]


def test_a_database_that_wakes_up_turns_no_release_back() -> None:
    pattern = RESOURCES["CasesUnavailableFilter"]["Properties"]["FilterPattern"]
    assert '$.code != "waking"' in pattern
    handler = (PROJECT / FUNCTIONS["CaseApi"]["CodeUri"] / "handler.py").read_text()
    assert '"request answered", extra={"status"' in handler
    assert '"code"' in handler


@pytest.mark.parametrize("function", PUBLISHED)
def test_outputs_name_the_functions_whose_alias_has_the_traffic(function: str) -> None:
    assert TEMPLATE["Outputs"][f"{function}Function"]["Value"] == {"Ref": function}
