"""Two stacks in one account and region, such as staging and production, do not meet."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.template.application import (
    ALARMS,
    GLOBALS,
    MACHINES,
    PROJECT,
    RESOURCES,
    RULES,
    TEMPLATE,
    as_list,
    of_type,
    policies,
    referred,
)

OWN_NAMESPACE = "Claimwatch"
STACK = {"Name": "Stack", "Value": {"Ref": "AWS::StackName"}}
UNIQUE = re.compile(r"AWS::Stack(Name|Id)")
NAMES = {
    "AWS::ApiGatewayV2::Api": "Name",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::CodeDeploy::Application": "ApplicationName",
    "AWS::Cognito::UserPool": "UserPoolName",
    "AWS::Cognito::UserPoolDomain": "Domain",
    "AWS::EC2::LaunchTemplate": "LaunchTemplateName",
    "AWS::EC2::SecurityGroup": "GroupName",
    "AWS::Events::EventBus": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::RDS::DBCluster": "DBClusterIdentifier",
    "AWS::RDS::DBInstance": "DBInstanceIdentifier",
    "AWS::S3::Bucket": "BucketName",
    "AWS::Scheduler::ScheduleGroup": "Name",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SSM::Parameter": "Name",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::Serverless::Function": "FunctionName",
    "AWS::Serverless::LayerVersion": "LayerName",
    "AWS::Serverless::StateMachine": "Name",
}
"""The property with a name that is unique in an account and region, for each type that may have one."""

IN_COMMON = {
    "aws.ec2": "its events have no tags: WatchTrainings looks for instances of its own launch template"
}
"""Sources whose events a rule cannot tell apart by stack, and why that does no harm."""


def test_every_alarm_on_our_metrics_is_about_this_stack() -> None:
    own = {name: alarm for name, alarm in ALARMS.items() if alarm.get("Namespace") == OWN_NAMESPACE}
    assert own
    without = [name for name, alarm in own.items() if STACK not in alarm.get("Dimensions", [])]
    assert without == []


def test_every_other_alarm_is_about_a_resource_of_this_stack() -> None:
    for name, alarm in ALARMS.items():
        if alarm.get("Namespace") not in (OWN_NAMESPACE, None):
            values = [dimension["Value"] for dimension in alarm["Dimensions"]]
            assert any(referred(value) in RESOURCES for value in values), name


def test_metrics_of_log_lines_have_the_stack_as_a_dimension() -> None:
    assert GLOBALS["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == {"Ref": "AWS::StackName"}
    for name, found in of_type("AWS::Logs::MetricFilter").items():
        for metric in found["MetricTransformations"]:
            assert {"Key": "Stack", "Value": "$.service"} in metric.get("Dimensions", []), name
            assert "DefaultValue" not in metric, "CloudWatch refuses it together with dimensions"


def test_the_dashboard_shows_this_stack_only() -> None:
    for name, dashboard in of_type("AWS::CloudWatch::Dashboard").items():
        body = json.loads(re.sub(r"\$\{([^}]+)\}", r"\1", dashboard["DashboardBody"]["Fn::Sub"]))
        metrics = [each for widget in body["widgets"] for each in widget["properties"].get("metrics", [])]
        assert metrics
        for metric in metrics:
            assert metric[0] != OWN_NAMESPACE or metric[2:4] == ["Stack", "AWS::StackName"], (name, metric)


def test_no_name_is_taken_by_the_first_stack() -> None:
    fixed = []
    for name, body in RESOURCES.items():
        given = body.get("Properties", {}).get(NAMES.get(body["Type"], ""))
        if given is not None and not UNIQUE.search(json.dumps(given)):
            fixed.append(name)
    assert fixed == []


def rules() -> Iterator[tuple[str, dict[str, Any]]]:
    """Patterns of the rules on the default bus, by their resource."""
    for name, rule in RULES.items():
        if "EventPattern" in rule and "EventBusName" not in rule:
            yield name, rule["EventPattern"]
    for name, body in RESOURCES.items():
        for event in (body.get("Properties", {}).get("Events") or {}).values():
            given = event.get("Properties", {})
            if event["Type"] in ("EventBridgeRule", "CloudWatchEvent") and "EventBusName" not in given:
                yield name, given["Pattern"]


@pytest.mark.parametrize(("name", "pattern"), list(rules()), ids=lambda value: str(value)[:40])
def test_rules_on_the_common_bus_match_events_of_this_stack(name: str, pattern: dict[str, Any]) -> None:
    if set(pattern["source"]) <= IN_COMMON.keys():
        return
    named = re.findall(r'"(?:Ref|Fn::GetAtt)": \[?"(\w+)', json.dumps(pattern))
    assert {found for found in named if found in RESOURCES} or UNIQUE.search(json.dumps(pattern)), name


def test_instances_of_another_stack_are_not_terminated() -> None:
    [statement] = [each for _, each in policies() if "ec2:TerminateInstances" in as_list(each["Action"])]
    tag = {"aws:ResourceTag/claimwatch-template": {"Ref": "TrainingTemplate"}}
    assert statement["Condition"] == {"StringEquals": tag}


def test_parameters_of_systems_manager_are_below_the_name_of_the_stack() -> None:
    text = (PROJECT / "template.yaml").read_text("utf-8")
    found = re.findall(r"(?:parameter|!Sub )/claimwatch/([^/\s]*)", text)
    assert set(found) == {"${AWS::StackName}"}


def test_every_event_on_the_common_bus_names_its_stack() -> None:
    published = 0
    for machine in MACHINES.values():
        text = (PROJECT / machine["DefinitionUri"]).read_text("utf-8")
        if ":events:putEvents" in text:
            assert machine["DefinitionSubstitutions"]["StackName"] == {"Ref": "AWS::StackName"}
        for entry in re.findall(r'"Source": "claimwatch".*?"Detail(?:\.\$)?": (.{40})', text, re.DOTALL):
            assert '"stack": "${StackName}"' in entry
            published += 1
    assert published == 3
    publishing = [name for name, each in policies() if "events:PutEvents" in as_list(each["Action"])]
    functions = [name for name in publishing if RESOURCES[name]["Type"] == "AWS::Serverless::Function"]
    for name in functions:
        variables = TEMPLATE["Resources"][name]["Properties"]["Environment"]["Variables"]
        assert variables["STACK_NAME"] == {"Ref": "AWS::StackName"}


def test_alerts_by_mail_come_from_the_stack() -> None:
    assert RESOURCES["AlertTopic"]["Properties"]["DisplayName"] == {"Fn::Sub": "Claimwatch ${AWS::StackName}"}


def test_a_database_is_migrated_for_one_stack() -> None:
    assert RESOURCES["SchemaMigration"]["Properties"]["Stack"] == {"Ref": "AWS::StackId"}
