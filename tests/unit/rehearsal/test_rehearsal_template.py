"""Templates are resolved as CloudFormation does, and a part of one refers to nothing that is gone."""

from typing import Any

import pytest

from local.rehearsal.template import Resolver, UnknownExpression, part_of

TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Source": {"Type": "String"},
        "Account": {"Type": "String", "Default": ""},
        "Subnets": {"Type": "CommaDelimitedList", "Default": "a, b"},
    },
    "Conditions": {
        "FromS3": {"Fn::Equals": [{"Ref": "Source"}, "s3"]},
        "Elsewhere": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Account"}, ""]}]},
        "Both": {"Fn::And": [{"Condition": "FromS3"}, {"Condition": "Elsewhere"}]},
        "Either": {"Fn::Or": [{"Condition": "FromS3"}, {"Condition": "Elsewhere"}]},
    },
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket", "DependsOn": ["Project", "Key"]},
        "Key": {"Type": "AWS::KMS::Key", "Condition": "Elsewhere"},
        "Project": {"Type": "AWS::CodeBuild::Project"},
        "Role": {
            "Type": "AWS::IAM::Role",
            "DependsOn": "Project",
            "Properties": {
                "Resource": [
                    {"Fn::GetAtt": ["Project", "Arn"]},
                    {"Fn::Sub": "${Bucket.Arn}/${Project}/${!literal}/${AWS::Region}"},
                    {"Ref": "Project"},
                ]
            },
        },
    },
}


def resolver(**parameters: str) -> Resolver:
    pseudo = {"AWS::StackName": "claimwatch-pipeline", "AWS::Region": "us-east-1"}
    return Resolver(TEMPLATE, parameters, pseudo, lambda name, attribute: f"<{name} {attribute}>")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Subnets"}, ["a", "b"]),
        ({"Ref": "Bucket"}, "<Bucket None>"),
        ({"Fn::GetAtt": "Bucket.Arn"}, "<Bucket Arn>"),
        ({"Fn::Sub": "${AWS::StackName}-${Bucket.Arn}-${!kept}"}, "claimwatch-pipeline-<Bucket Arn>-${kept}"),
        ({"Fn::Sub": ["${Own}/${Source}", {"Own": {"Ref": "AWS::Region"}}]}, "us-east-1/s3"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Source"}]]}, "a-s3"),
        ({"Fn::Select": ["1", {"Fn::Split": ["/", "a/b"]}]}, "b"),
        ({"Fn::If": ["FromS3", "yes", "no"]}, "yes"),
        ({"Fn::If": ["Both", "yes", "no"]}, "no"),
        ({"Fn::If": ["Either", "yes", "no"]}, "yes"),
        ({"kept": 1, "gone": {"Fn::If": ["Elsewhere", 1, {"Ref": "AWS::NoValue"}]}}, {"kept": 1}),
        ([{"Fn::If": ["Elsewhere", 1, {"Ref": "AWS::NoValue"}]}, 2], [2]),
    ],
)
def test_functions_have_the_values_of_cloudformation(value: object, expected: object) -> None:
    assert resolver(Source="s3")(value) == expected


def test_a_resource_exists_if_its_condition_holds() -> None:
    assert not resolver(Source="s3").exists("Key")
    assert resolver(Source="s3", Account="1").exists("Key")
    assert resolver(Source="s3").exists("Bucket")


@pytest.mark.parametrize(
    "value",
    [{"Ref": "Sources"}, {"Fn::GetAtt": ["Buckets", "Arn"]}, {"Fn::If": ["No", 1, 2]}, {"Fn::Cidr": []}],
)
def test_a_name_that_the_template_does_not_have_is_refused(value: object) -> None:
    with pytest.raises(UnknownExpression):
        resolver(Source="s3")(value)


def test_parameters_must_be_declared_and_have_values() -> None:
    with pytest.raises(UnknownExpression, match="parameter Source has no value"):
        resolver()
    with pytest.raises(UnknownExpression, match="no parameter Sauce"):
        resolver(Source="s3", Sauce="s3")


def test_a_part_of_a_template_has_stand_ins_for_what_is_gone() -> None:
    part = part_of(
        TEMPLATE,
        lambda _, kind: kind != "AWS::CodeBuild::Project",
        lambda name, attribute: f"arn:{name}" if attribute else name.lower(),
    )
    assert part["Resources"]["Bucket"]["DependsOn"] == ["Key"]
    assert part["Resources"]["Role"] == {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "Resource": [
                "arn:Project",
                {"Fn::Sub": "${Bucket.Arn}/project/${!literal}/${AWS::Region}"},
                "project",
            ]
        },
    }
    assert "Project" in TEMPLATE["Resources"]
