"""The sample contract reaches the ledger, whatever EventBridge does."""

from claimwatch.ingest.contract_keys import contract_key
from tests.deployed import Deployed, eventually


def test_the_sample_contract_is_applied_if_eventbridge_delivers_nothing(deployed: Deployed) -> None:
    """S3 sends no events in the first minutes after EventBridge was enabled for a bucket."""
    bucket, key = deployed.outputs["ArtifactBucket"], contract_key("motor")
    events, s3 = deployed.client("events"), deployed.client("s3")
    rule = deployed.resource("ContractsRule").rsplit("/", 1)[-1]
    events.disable_rule(Name=rule)
    try:
        s3.delete_object(Bucket=bucket, Key=key)
        for request in ("Create", "Update"):
            deployed.invoke("PublishContract", custom_resource(deployed, request, Line="motor"))
        version = s3.head_object(Bucket=bucket, Key=key)["VersionId"]
        query = "SELECT status FROM claimwatch.contract WHERE version_id = %s"
        eventually(lambda: bool(deployed.query(query, version)), "the contract is in the ledger")
        assert deployed.query(query, version) == [{"status": "applied"}]
    finally:
        events.enable_rule(Name=rule)


def custom_resource(deployed: Deployed, request: str, **properties: str) -> dict[str, object]:
    """Return a request of CloudFormation whose answer goes to a new object."""
    place = {"Bucket": deployed.outputs["ArtifactBucket"], "Key": "staging/answer"}
    return {
        "RequestType": request,
        "ResponseURL": deployed.client("s3").generate_presigned_url("put_object", Params=place),
        "StackId": "a stack",
        "RequestId": "a request",
        "LogicalResourceId": "SampleContract",
        "ResourceProperties": properties,
    }
