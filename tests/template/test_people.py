"""Identities outside of the stack: what its policies offer them, and what its bucket policies deny them."""

from typing import Any

import pytest

from tests.template.application import FUNCTIONS, RESOURCES, TEMPLATE, as_list, of_type, unconditional

POLICIES = of_type("AWS::IAM::ManagedPolicy")
SENDERS = {"claims": "SendClaimsPolicy", "outcomes": "SendOutcomesPolicy", "photos": "SendPhotosPolicy"}
PREFIXES = {"claims": "claims", "outcomes": "outcomes", "photos": "images"}
TAG = "aws:PrincipalTag/claimwatch-sender"


def bucket_statements(policy: str) -> dict[str, dict[str, Any]]:
    statements = RESOURCES[policy]["Properties"]["PolicyDocument"]["Statement"]
    return {statement["Sid"]: statement for statement in map(unconditional, statements)}


def paths(statement: dict[str, Any]) -> set[str]:
    return {resource["Fn::Sub"].partition("/")[2] for resource in as_list(statement["Resource"])}


@pytest.mark.parametrize("kind", SENDERS)
def test_a_sender_may_only_write_its_own_prefix_and_only_with_its_tag(kind: str) -> None:
    [statement] = POLICIES[SENDERS[kind]]["PolicyDocument"]["Statement"]
    line = "" if kind == "photos" else "${!aws:PrincipalTag/claimwatch-line}/"
    assert statement["Resource"] == {"Fn::Sub": f"${{LandingBucket.Arn}}/{PREFIXES[kind]}/{line}*"}
    assert set(statement["Action"]) == {"s3:PutObject", "s3:AbortMultipartUpload"}
    assert statement["Condition"] == {"StringEquals": {TAG: kind}}


def test_the_bucket_denies_each_sender_the_other_prefixes() -> None:
    denied = {
        statement["Condition"]["StringEquals"][TAG]: paths(statement)
        for statement in bucket_statements("LandingBucketPolicy").values()
        if "StringEquals" in statement["Condition"]
        if (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    }
    assert denied == {
        kind: {f"{prefix}/*" for prefix in PREFIXES.values()} - {f"{PREFIXES[kind]}/*"} for kind in SENDERS
    }


def test_the_bucket_denies_everything_to_a_sender_with_a_misspelt_tag() -> None:
    statement = bucket_statements("LandingBucketPolicy")["NoUnknownSender"]
    assert (statement["Effect"], paths(statement)) == ("Deny", {"*"})
    assert statement["Condition"] == {"Null": {TAG: "false"}, "StringNotEquals": {TAG: list(SENDERS)}}


def test_models_data_and_code_are_written_once_by_everybody() -> None:
    statement = bucket_statements("ArtifactBucketPolicy")["WriteOnce"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert paths(statement) == {"models/*", "snapshots/*", "code/*", "compiled/*"}
    assert statement["Condition"] == {
        "Null": {"s3:if-none-match": "true"},
        "Bool": {"s3:ObjectCreationOperation": "true"},
    }


def test_models_code_and_contracts_are_written_by_named_identities_only() -> None:
    statements = bucket_statements("ArtifactBucketPolicy")
    writers = {
        path: as_list(statement["Condition"]["ArnNotEquals"]["aws:PrincipalArn"])
        for statement in statements.values()
        if "ArnNotEquals" in statement["Condition"]
        for path in paths(statement)
    }
    roles = {
        name: {"Fn::GetAtt": [f"{name}Role", "Arn"]}
        for name in ("Training", "PublishTraining", "ApplyContract")
    }
    assert writers == {
        "models/*": [roles["Training"]],
        "snapshots/*": [roles["Training"]],
        "mlflow/*": [roles["Training"]],
        "code/*": [roles["PublishTraining"]],
        "compiled/*": [roles["ApplyContract"]],
        "contracts/*": [
            {"Fn::GetAtt": ["InspectFileRole", "Arn"]},
            {"Fn::GetAtt": ["PublishContractRole", "Arn"]},
        ],
    }
    assert statements["OnlyNamedIdentitiesWriteContracts"]["Condition"]["StringNotEquals"] == {
        "aws:PrincipalTag/claimwatch-duty": "contracts"
    }


def test_trainings_start_only_from_events_on_the_bus_of_named_identities() -> None:
    bus = RESOURCES["RequestBus"]["Properties"]
    [statement] = bus["Policy"]["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Action"] == "events:PutEvents"
    assert statement["Resource"]["Fn::Sub"].endswith(f":event-bus/{bus['Name']['Fn::Sub']}")
    assert statement["Condition"] == {
        "ArnNotEquals": {
            "aws:PrincipalArn": [
                {"Fn::GetAtt": ["RunCheckRole", "Arn"]},
                {"Fn::GetAtt": ["CaseApiRole", "Arn"]},
            ]
        },
        "StringNotEquals": {"aws:PrincipalTag/claimwatch-duty": "trainings"},
    }
    rules = [
        event["Properties"]
        for event in FUNCTIONS["StartTraining"]["Events"].values()
        if event["Type"] == "EventBridgeRule"
    ]
    assert len(rules) == 2
    assert all(rule["EventBusName"] == {"Ref": "RequestBus"} for rule in rules)


def test_models_go_live_only_by_requests_and_by_events_that_the_desk_publishes() -> None:
    [event] = FUNCTIONS["PromoteModel"]["Events"].values()
    assert event["Properties"]["EventBusName"] == {"Ref": "RequestBus"}
    assert event["Properties"]["Pattern"] == {"source": ["claimwatch"], "detail-type": ["PromotionRequested"]}
    [publish] = [
        statement
        for policy in FUNCTIONS["CaseApi"]["Policies"]
        for statement in policy["Statement"]
        if "events:PutEvents" in statement["Action"]
    ]
    assert publish["Condition"]["StringEquals"]["events:detail-type"] == "PromotionRequested"
    assert publish["Resource"]["Fn::Sub"].endswith(":event-bus/${AWS::StackName}-requests")


def test_a_system_that_requests_trainings_needs_its_tag_and_may_publish_nothing_else() -> None:
    [statement] = POLICIES["RequestTrainingsPolicy"]["PolicyDocument"]["Statement"]
    assert statement["Resource"] == {"Fn::GetAtt": ["RequestBus", "Arn"]}
    assert statement["Condition"] == {
        "StringEquals": {
            "events:source": "claimwatch",
            "events:detail-type": "TrainingRequested",
            "aws:PrincipalTag/claimwatch-duty": "trainings",
        }
    }


def test_the_outputs_name_every_policy() -> None:
    outputs = {output["Value"].get("Ref") for output in TEMPLATE["Outputs"].values()}
    assert set(POLICIES) <= outputs


def test_descriptions_of_policies_are_never_reworded() -> None:
    """A description cannot change, so CloudFormation would replace the policy that identities have."""
    assert {name: body["Description"].removeprefix("Claimwatch - ") for name, body in POLICIES.items()} == {
        "SendClaimsPolicy": "send claims of the line in the tag claimwatch-line",
        "SendOutcomesPolicy": "send outcomes of the line in the tag claimwatch-line",
        "SendPhotosPolicy": "send photos",
        "SendStreamPolicy": "send claims of all lines to the stream",
        "RequestTrainingsPolicy": "request trainings by events",
        "PutContractsPolicy": "submit contracts",
        "OperatorPolicy": "promote and train models, check weeks",
        "ApproverPolicy": "approve exceptions to refusals of models",
        "CallScoresPolicy": "ask for scores of claims of the line in the tag claimwatch-line",
        "CallClaimsPolicy": "submit claims of the line in the tag claimwatch-line",
        "CallReadsPolicy": "ask for claims and models of the line in the tag claimwatch-line",
        "ManagePermissionsPolicy": "grant and revoke permissions of people",
        "ReadAuditPolicy": "read and verify access events",
        "ManageSourcesPolicy": "define, check and pull sources",
    }
