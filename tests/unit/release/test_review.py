"""The person who approves a release reads each right that it changes, and what it may lose."""

from typing import Any

import pytest

from release.grants import POLICY_TYPES, grants_of, is_wide, words
from release.review import SUMMARY_LENGTH, compare, markdown, one_line
from tests.template.application import deployed_resources


def role(*statements: dict[str, Any], managed: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "sts:AssumeRole",
                        "Principal": {"Service": "lambda.amazonaws.com"},
                    }
                ]
            },
            "Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": list(statements)}}],
            "ManagedPolicyArns": list(managed),
        },
    }


def allow(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def change(action: str, name: str, kind: str, **more: str) -> dict[str, Any]:
    return {"Action": action, "LogicalResourceId": name, "ResourceType": kind, **more}


BUCKET = {"Fn::Sub": "${ArtifactBucket.Arn}/models/*"}
READS, WRITES = allow("s3:GetObject", BUCKET), allow(["s3:GetObject", "s3:PutObject"], BUCKET)


def test_each_right_that_a_role_gains_or_loses_is_named() -> None:
    found = compare(
        "production",
        [change("Modify", "ScoreRole", "AWS::IAM::Role", Replacement="False")],
        {"Resources": {"ScoreRole": role(READS, allow("sqs:SendMessage", {"Fn::GetAtt": ["Old", "Arn"]}))}},
        {"Resources": {"ScoreRole": role(WRITES)}},
        {},
        {},
    )
    [rights] = found.rights
    assert rights.gained == ("Allow s3:PutObject on ${ArtifactBucket.Arn}/models/*",)
    assert rights.lost == ("Allow sqs:SendMessage on ${Old.Arn}",)
    page = markdown(found)
    assert "- gains `Allow s3:PutObject on ${ArtifactBucket.Arn}/models/*`" in page
    assert "- loses `Allow sqs:SendMessage on ${Old.Arn}`" in page
    assert "Rights: 1 gained, 1 lost. ScoreRole gains Allow s3:PutObject" in one_line(found)


def test_an_added_role_gains_everything_even_if_only_its_condition_became_true() -> None:
    template = {"Resources": {"HookRole": role(READS, managed=("arn:aws:iam::aws:policy/Basic",))}}
    [rights] = compare(
        "production", [change("Add", "HookRole", "AWS::IAM::Role")], template, template, {}, {}
    ).rights
    assert len(rights.gained) == 3
    assert "managed policy arn:aws:iam::aws:policy/Basic" in rights.gained
    [removed] = compare(
        "production", [change("Remove", "HookRole", "AWS::IAM::Role")], template, template, {}, {}
    ).rights
    assert (removed.gained, len(removed.lost)) == ((), 3)


def test_a_role_that_changes_only_through_a_parameter_says_so() -> None:
    template = {"Resources": {"R": role(READS)}}
    found = compare("p", [change("Modify", "R", "AWS::IAM::Role")], template, template, {}, {})
    assert "changes only through a parameter" in markdown(found)
    assert one_line(found).endswith("No rights change.")


@pytest.mark.parametrize(
    ("resource", "line"),
    [
        (
            role(allow("s3:*", "*")),
            "Allow s3:* on *",
        ),
        (
            role(allow("s3:GetObject", "*", Condition={"Bool": {"aws:SecureTransport": "true"}})),
            'Allow s3:GetObject on * if {"Bool": {"aws:SecureTransport": "true"}}',
        ),
        (
            role({"Effect": "Deny", "NotAction": "s3:GetObject", "Resource": "*"}),
            "Deny s3:GetObject on * (NotAction)",
        ),
        (
            role({"Fn::If": ["OwnKey", allow("kms:Decrypt", {"Ref": "Key"}), {"Ref": "AWS::NoValue"}]}),
            "Allow kms:Decrypt on ${Key} (when OwnKey)",
        ),
        (
            {
                "Type": "AWS::Lambda::Permission",
                "Properties": {
                    "Action": "lambda:InvokeFunction",
                    "FunctionName": {"Ref": "CaseApi"},
                    "Principal": "apigateway.amazonaws.com",
                    "SourceArn": {"Fn::Sub": "arn:x"},
                },
            },
            "Allow lambda:InvokeFunction on ${CaseApi} to apigateway.amazonaws.com for arn:x",
        ),
        (
            {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {
                    "PolicyDocument": {"Statement": allow("s3:GetObject", "*", Principal={"AWS": "*"})}
                },
            },
            'Allow s3:GetObject on * to {"AWS": "*"}',
        ),
        (
            {
                "Type": "AWS::EC2::SecurityGroup",
                "Properties": {"SecurityGroupIngress": [{"CidrIp": "0.0.0.0/0", "FromPort": 5432}]},
            },
            'Allow inbound {"CidrIp": "0.0.0.0/0", "FromPort": 5432}',
        ),
    ],
)
def test_a_right_is_one_line(resource: dict[str, Any], line: str) -> None:
    assert line in grants_of(resource)


def test_wide_rights_come_first_and_are_called_wide() -> None:
    assert [
        is_wide(each) for each in ("Allow s3:* on ${B}", "Allow s3:GetObject on * to x", "Allow * on ${B}")
    ] == [True] * 3
    assert not is_wide("Allow s3:GetObject on ${B.Arn}/*")
    assert not is_wide("Deny s3:* on *")
    template = {"Resources": {"R": role(READS, allow("s3:*", "*"))}}
    found = compare("p", [change("Add", "R", "AWS::IAM::Role")], {}, template, {}, {})
    line = one_line(found)
    assert "1 WIDE RIGHTS." in line
    assert line.index("R gains Allow s3:* on *") < line.index("R gains Allow s3:GetObject")
    assert "gains **wide** `Allow s3:* on *`" in markdown(found)


def test_what_may_lose_data_comes_before_the_rest() -> None:
    found = compare(
        "production",
        [
            change(
                "Modify",
                "Database",
                "AWS::RDS::DBCluster",
                Replacement="True",
                PolicyAction="ReplaceAndSnapshot",
            ),
            change("Modify", "People", "AWS::Cognito::UserPool", Replacement="Conditional"),
            change("Remove", "LandingBucket", "AWS::S3::Bucket", PolicyAction="Retain"),
            change("Modify", "Queue", "AWS::SQS::Queue", Replacement="False"),
            change("Modify", "Api", "AWS::ApiGatewayV2::Api", Replacement="True"),
        ],
        {},
        {},
        {},
        {},
    )
    assert "MAY LOSE DATA: Database, LandingBucket, People." not in one_line(found).partition(". ")[0]
    assert "MAY LOSE DATA: People, Database, LandingBucket." in one_line(found)
    assert "Replaced: Api." in one_line(found)
    page = markdown(found)
    assert "- Database (AWS::RDS::DBCluster): replaced, replaceandsnapshot" in page
    assert "- People (AWS::Cognito::UserPool): perhaps replaced" in page
    assert page.index("may lose data") < page.index("Resources that change")


def test_parameters_that_change_are_shown_and_wanted_differences_stand_in_the_summary() -> None:
    found = compare(
        "production",
        [change("Modify", "ScoreClaim", "AWS::Lambda::Function", Replacement="False")],
        {},
        {},
        {"CodeVersion": "0.1.0-a", "WantedDifferences": "none", "AlertEmail": ""},
        {"CodeVersion": "0.1.0-b", "WantedDifferences": "reasons", "AlertEmail": "", "New": "x"},
    )
    assert one_line(found).startswith("0.1.0-b to production: 0 resources added, 1 changed, 0 removed.")
    assert "Scores may differ in: reasons." in one_line(found)
    page = markdown(found)
    assert "| CodeVersion | 0.1.0-a | 0.1.0-b |" in page
    assert "| New | (empty) | x |" in page
    assert "AlertEmail" not in page


def test_a_release_that_changes_nothing_says_so() -> None:
    assert (
        one_line(compare("p", [], {}, {}, {}, {})) == "p: nothing changes; this release is deployed already."
    )


def test_the_summary_fits_into_an_approval_and_says_what_is_left_out() -> None:
    statements = [allow("s3:GetObject", f"arn:aws:s3:::bucket-{number}/{'x' * 60}") for number in range(40)]
    template = {"Resources": {"R": role(*statements)}}
    found = compare("p", [change("Add", "R", "AWS::IAM::Role")], {}, template, {}, {})
    assert len(one_line(found)) <= SUMMARY_LENGTH
    assert one_line(found).endswith(" more lines in review.md.")
    assert markdown(found).count("- gains") == 41


def test_every_right_of_the_application_can_be_put_into_words() -> None:
    granting = {
        name: body for name, body in deployed_resources().items() if body["Type"].startswith(POLICY_TYPES)
    }
    assert len(granting) > 60
    for name, body in granting.items():
        lines = grants_of(body)
        assert lines or body["Type"] == "AWS::KMS::Key", name
        assert not [line for line in lines if "NoValue" in line], name


def test_references_are_written_as_in_a_substitution() -> None:
    joined = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, {"Fn::GetAtt": "A.Arn"}]]}
    assert words(joined) == "arn:${AWS::Partition}${A.Arn}"
    assert words({"Fn::If": ["C", {"Ref": "A"}, "b"]}) == "(${A} if C, otherwise b)"
