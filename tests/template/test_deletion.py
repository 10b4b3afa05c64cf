"""A stack can be deleted, and a failed deployment can be rolled back."""

import pytest

from tests.template.application import RESOURCES, dependencies, deployed_resources

DEPLOYED = deployed_resources()
WAITS_FOR = dependencies(DEPLOYED)
CUSTOM = [name for name, body in DEPLOYED.items() if body["Type"].startswith("Custom::")]
NETWORK = {
    name
    for name, body in DEPLOYED.items()
    if body["Type"].startswith("AWS::EC2::") and body["Type"] != "AWS::EC2::LaunchTemplate"
}


def test_the_network_of_a_default_deployment_is_known() -> None:
    """Guards the tests below against looking at nothing."""
    assert {"S3Endpoint", "RoutesOfSubnetA", "RoutesOfSubnetB", "Ipv6Route", "FunctionsToDatabase"} <= NETWORK
    assert {"SampleContract", "TrainingCode", "SchemaMigration", "Champions", "Contracts", "Desk"} <= set(
        CUSTOM
    )


@pytest.mark.parametrize("name", CUSTOM)
def test_the_network_is_deleted_only_after_a_custom_resource_has_answered_through_it(name: str) -> None:
    """The function answers by a PUT to S3 from inside the network, also when it is deleted.

    CloudFormation deletes in the reverse order of creation: what the resource does not wait for may be gone
    before its function is even called.
    """
    may_be_deleted_before = DEPLOYED.keys() - WAITS_FOR[name]
    assert not NETWORK & may_be_deleted_before


@pytest.mark.parametrize("name", CUSTOM)
def test_the_function_of_a_custom_resource_keeps_its_role_and_log_until_it_has_answered(name: str) -> None:
    function, _ = DEPLOYED[name]["Properties"]["ServiceToken"]["Fn::GetAtt"]
    assert {function, f"{function}Role", "FunctionLogs"} <= WAITS_FOR[name]


def test_custom_resources_with_a_given_database_wait_for_no_network_of_ours() -> None:
    secret = "arn:aws:secretsmanager:us-east-1:000000000000:secret:mine"
    resources = deployed_resources(DatabaseSecretArn=secret, SubnetIds="subnet-1", SecurityGroupIds="sg-1")
    assert "Network" not in resources
    assert resources["SchemaMigration"]["Properties"]["Network"] == "given"


@pytest.mark.parametrize("name", ["LandingBucket", "ArtifactBucket", "AuditBucket", "PersonalDataKey"])
def test_data_outlives_the_stack_but_not_a_creation_that_is_rolled_back(name: str) -> None:
    assert RESOURCES[name]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("name", ["SampleContract", "TrainingCode", "Contracts", "Desk"])
def test_nothing_is_written_to_a_bucket_before_the_schema_is_migrated(name: str) -> None:
    """A bucket with objects cannot be deleted, so a rollback after a failed migration would fail too."""
    assert "SchemaMigration" in WAITS_FOR[name]
