"""Each function may do what it is for, and nothing else: asked of IAM itself, as the function's own role."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from claimwatch.aws.training_instances import TEMPLATE_TAG
from local.stack import STACK_NAME
from tests.deployed import Deployed

FUNCTIONS = (
    "StartPipeline",
    "InspectFile",
    "LoadChunk",
    "CommitFile",
    "RecordFailure",
    "ProcessImage",
    "ApplyContract",
    "PublishContract",
    "MigrateSchema",
    "PlanScoring",
    "ScoreChunk",
    "RecordUnscored",
    "StartTraining",
    "WatchTrainings",
    "PromoteModel",
    "PublishTraining",
    "PlanEvaluation",
    "RunCheck",
)
ROLES = (*FUNCTIONS, "Training")
"""Those of the functions, and that of the instance that trains."""
READ_FILES = {"InspectFile", "LoadChunk", "CommitFile"}
DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "403",
    "UnauthorizedOperation",
    "Forbidden",
}

type Clients = Callable[[str], Any]


@dataclass(frozen=True)
class Stranger:
    """Things of the same account that are not the application's."""

    bucket: str
    secret: str
    queue: str
    topic: str
    instance: str
    template: str
    logs: str


@dataclass(frozen=True)
class Deed:
    """Something that only these may do."""

    name: str
    allowed: set[str]
    act: Callable[[Clients, Deployed, Stranger], object]


def _get(client: Clients, bucket: str, key: str) -> object:
    return client("s3").get_object(Bucket=bucket, Key=key)


def _put(client: Clients, bucket: str, key: str) -> object:
    return client("s3").put_object(Bucket=bucket, Key=key, Body=b"")


def _delete(client: Clients, bucket: str, key: str) -> object:
    return client("s3").delete_object(Bucket=bucket, Key=key)


def _landing(deployed: Deployed) -> str:
    return deployed.outputs["LandingBucket"]


def _artifacts(deployed: Deployed) -> str:
    return deployed.outputs["ArtifactBucket"]


def _secret(client: Clients, arn: str) -> object:
    return client("secretsmanager").get_secret_value(SecretId=arn)


def _receive(client: Clients, url: str) -> object:
    return client("sqs").receive_message(QueueUrl=url, VisibilityTimeout=0)


def _count(client: Clients, url: str) -> object:
    return client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])


def _measure(client: Clients, namespace: str) -> object:
    datum = {"MetricName": "Alarms", "Value": 0.0}
    return client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[datum])


def _announce(client: Clients, source: str) -> object:
    entry = {"Source": source, "DetailType": "a probe", "Detail": "{}"}
    return client("events").put_events(Entries=[entry])


def _run(client: Clients, template: str) -> object:
    return client("ec2").run_instances(
        LaunchTemplate={"LaunchTemplateId": template, "Version": "$Latest"}, MinCount=1, MaxCount=1
    )


def _idle_instance(deployed: Deployed) -> str:
    """An instance that carries the template's tag, as a training's does, and does nothing."""
    tags = [{"Key": TEMPLATE_TAG, "Value": deployed.resource("TrainingTemplate")}]
    started = deployed.client("ec2").run_instances(
        MinCount=1, MaxCount=1, TagSpecifications=[{"ResourceType": "instance", "Tags": tags}]
    )
    return str(started["Instances"][0]["InstanceId"])


DEEDS = (
    Deed("read a landed file", READ_FILES, lambda c, d, _: _get(c, _landing(d), "claims/iam/probe")),
    Deed(
        "read a landed photo",
        READ_FILES | {"ProcessImage"},
        lambda c, d, _: _get(c, _landing(d), "images/iam-probe"),
    ),
    Deed("write a landed photo", set(), lambda c, d, _: _put(c, _landing(d), "images/iam/written")),
    Deed("list what has landed", set(), lambda c, d, _: c("s3").list_objects_v2(Bucket=_landing(d))),
    Deed("write a landed file", set(), lambda c, d, _: _put(c, _landing(d), "claims/iam/written")),
    Deed(
        "delete a landed file",
        set(),
        lambda c, d, _: _delete(c, _landing(d), "claims/x"),
    ),
    Deed("read a staged copy", READ_FILES, lambda c, d, _: _get(c, _artifacts(d), "staging/probe")),
    Deed("write a staged copy", {"InspectFile"}, lambda c, d, _: _put(c, _artifacts(d), "staging/written")),
    Deed(
        "read a contract", {"ApplyContract"}, lambda c, d, _: _get(c, _artifacts(d), "contracts/motor.yaml")
    ),
    Deed(
        "write a contract",
        {"PublishContract"},
        lambda c, d, _: _put(c, _artifacts(d), "contracts/iam.yaml.no"),
    ),
    Deed(
        "write a draft",
        {"InspectFile", "PublishContract"},
        lambda c, d, _: _put(c, _artifacts(d), "contracts/iam.draft.yaml"),
    ),
    Deed(
        "read a model",
        {"ScoreChunk", "PromoteModel", "RunCheck", "Training"},
        lambda c, d, _: _get(c, _artifacts(d), "models/probe"),
    ),
    Deed("write a model", {"Training"}, lambda c, d, _: _put(c, _artifacts(d), "models/written")),
    Deed("delete a model", set(), lambda c, d, _: _delete(c, _artifacts(d), "models/written")),
    Deed("write a snapshot", {"Training"}, lambda c, d, _: _put(c, _artifacts(d), "snapshots/written")),
    Deed("read the code that trains", {"Training"}, lambda c, d, _: _get(c, _artifacts(d), "code/probe")),
    Deed(
        "write the code that trains",
        {"PublishTraining"},
        lambda c, d, _: _put(c, _artifacts(d), "code/written"),
    ),
    Deed("write a report", {"RunCheck"}, lambda c, d, _: _put(c, _artifacts(d), "reports/iam/written")),
    Deed("read a report", set(), lambda c, d, _: _get(c, _artifacts(d), "reports/probe")),
    Deed(
        "put a number of the application's",
        {"RunCheck"},
        lambda c, _d, _s: _measure(c, "Claimwatch"),
    ),
    Deed("put a number of others", set(), lambda c, _d, _s: _measure(c, "AWS/Lambda")),
    Deed(
        "change an alarm",
        set(),
        lambda c, _d, _s: c("cloudwatch").delete_alarms(AlarmNames=["of-somebody-else"]),
    ),
    Deed(
        "read what calls took",
        {"RunCheck"},
        lambda c, d, _: c("logs").filter_log_events(logGroupName=d.outputs["FunctionLogGroup"]),
    ),
    Deed(
        "read the logs of others",
        set(),
        lambda c, _d, s: c("logs").filter_log_events(logGroupName=s.logs),
    ),
    Deed("announce a fact", {"RunCheck"}, lambda c, _d, _s: _announce(c, "claimwatch")),
    Deed("announce in somebody's name", set(), lambda c, _d, _s: _announce(c, "somebody.else")),
    Deed(
        "ask for a check",
        {"PlanEvaluation"},
        lambda c, d, _: c("sqs").send_message(QueueUrl=d.outputs["EvaluationQueueUrl"], MessageBody="{}"),
    ),
    Deed(
        "receive from the queue of checks",
        {"RunCheck"},
        lambda c, d, _: _receive(c, d.outputs["EvaluationQueueUrl"]),
    ),
    Deed(
        "receive the dead letters of checks",
        set(),
        lambda c, d, _: _receive(c, d.outputs["EvaluationDeadLetterQueueUrl"]),
    ),
    Deed(
        "count dead letters",
        {"RunCheck"},
        lambda c, d, _: _count(c, d.outputs["ClaimsDeadLetterQueueUrl"]),
    ),
    Deed("count what waits in another queue", set(), lambda c, _d, s: _count(c, s.queue)),
    Deed("read another prefix", set(), lambda c, d, _: _get(c, _artifacts(d), "others/probe")),
    Deed("write another prefix", set(), lambda c, d, _: _put(c, _artifacts(d), "others/written")),
    Deed(
        "start an instance of the template",
        {"StartTraining"},
        lambda c, d, _: _run(c, d.resource("TrainingTemplate")),
    ),
    Deed("start an instance of another template", set(), lambda c, _, s: _run(c, s.template)),
    Deed(
        "end an instance of the template",
        {"WatchTrainings"},
        lambda c, d, _: c("ec2").terminate_instances(InstanceIds=[_idle_instance(d)]),
    ),
    Deed(
        "end another instance",
        set(),
        lambda c, _, s: c("ec2").terminate_instances(InstanceIds=[s.instance]),
    ),
    Deed("see the instances", {"WatchTrainings"}, lambda c, _d, _s: c("ec2").describe_instances()),
    Deed(
        "start a backfill of scores",
        {"PromoteModel"},
        lambda c, d, _: c("stepfunctions").start_execution(
            stateMachineArn=d.outputs["ScoreClaimsArn"], name="not a name", input="{}"
        ),
    ),
    Deed("read another bucket", set(), lambda c, _, s: _get(c, s.bucket, "probe")),
    Deed("write another bucket", set(), lambda c, _, s: _put(c, s.bucket, "written")),
    Deed(
        "read the database's secret",
        set(ROLES) - {"PublishContract", "PublishTraining"},
        lambda c, d, _: _secret(c, d.outputs["DatabaseSecretArn"]),
    ),
    Deed(
        "read the key of personal data",
        {"LoadChunk"},
        lambda c, d, _: _secret(c, d.outputs["PersonalDataKeyArn"]),
    ),
    Deed("read another secret", set(), lambda c, _, s: _secret(c, s.secret)),
    Deed(
        "receive from the queue of claims",
        {"StartPipeline"},
        lambda c, d, _: _receive(c, d.outputs["ClaimsQueueUrl"]),
    ),
    Deed(
        "receive from the queue of photos",
        {"ProcessImage"},
        lambda c, d, _: _receive(c, d.outputs["ImagesQueueUrl"]),
    ),
    Deed(
        "receive the dead letters of photos",
        set(),
        lambda c, d, _: _receive(c, d.outputs["ImagesDeadLetterQueueUrl"]),
    ),
    Deed(
        "receive from the queue of contracts",
        {"ApplyContract"},
        lambda c, d, _: _receive(c, d.outputs["ContractsQueueUrl"]),
    ),
    Deed(
        "send to the queue of photos",
        set(),
        lambda c, d, _: c("sqs").send_message(QueueUrl=d.outputs["ImagesQueueUrl"], MessageBody="{}"),
    ),
    Deed("receive dead letters", set(), lambda c, d, _: _receive(c, d.outputs["ClaimsDeadLetterQueueUrl"])),
    Deed("receive from another queue", set(), lambda c, _, s: _receive(c, s.queue)),
    Deed(
        "send to the queue of claims",
        set(),
        lambda c, d, _: c("sqs").send_message(QueueUrl=d.outputs["ClaimsQueueUrl"], MessageBody="{}"),
    ),
    Deed(
        "start the pipeline",
        {"StartPipeline", "ApplyContract"},
        lambda c, d, _: c("stepfunctions").start_execution(
            stateMachineArn=d.outputs["ClaimsPipelineArn"], name="not a name", input="{}"
        ),
    ),
    Deed(
        "alert people",
        {
            "StartPipeline",
            "InspectFile",
            "RecordFailure",
            "ApplyContract",
            "PlanScoring",
            "ScoreChunk",
            "RecordUnscored",
            "StartTraining",
            "WatchTrainings",
            "RunCheck",
            "Training",
        },
        lambda c, d, _: c("sns").publish(
            TopicArn=d.outputs["AlertTopicArn"], Subject="IAM", Message="a probe"
        ),
    ),
    Deed("publish elsewhere", set(), lambda c, _, s: c("sns").publish(TopicArn=s.topic, Message="a probe")),
    Deed(
        "call another function",
        set(),
        lambda c, d, _: c("lambda").invoke(FunctionName=d.resource("MigrateSchema"), Payload=b"{}"),
    ),
    Deed("change a role", set(), lambda c, _d, _s: c("iam").list_roles()),
)


@pytest.fixture(scope="module")
def stranger(deployed: Deployed) -> Stranger:
    deployed.client("s3").create_bucket(Bucket="of-somebody-else")
    for bucket, key in (
        (deployed.outputs["LandingBucket"], "images/iam-probe"),
        (deployed.outputs["ArtifactBucket"], "staging/probe"),
        (deployed.outputs["ArtifactBucket"], "models/probe"),
        (deployed.outputs["ArtifactBucket"], "code/probe"),
        (deployed.outputs["ArtifactBucket"], "reports/probe"),
        (deployed.outputs["ArtifactBucket"], "others/probe"),
        ("of-somebody-else", "probe"),
    ):
        deployed.client("s3").put_object(Bucket=bucket, Key=key, Body=b"probe")
    return Stranger(
        "of-somebody-else",
        deployed.client("secretsmanager").create_secret(Name="of-somebody-else", SecretString="x")["ARN"],
        deployed.client("sqs").create_queue(QueueName="of-somebody-else")["QueueUrl"],
        deployed.client("sns").create_topic(Name="of-somebody-else")["TopicArn"],
        deployed.client("ec2").run_instances(MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"],
        deployed.client("ec2").create_launch_template(
            LaunchTemplateName="of-somebody-else", LaunchTemplateData={"InstanceType": "m7i.large"}
        )["LaunchTemplate"]["LaunchTemplateId"],
        _log_group(deployed, "/of/somebody/else"),
    )


def _log_group(deployed: Deployed, name: str) -> str:
    deployed.client("logs").create_log_group(logGroupName=name)
    return name


@pytest.fixture(scope="module")
def as_function(deployed: Deployed) -> Callable[[str], Clients]:
    """Clients with the credentials that a function's own role gives it."""
    sessions: dict[str, dict[str, str]] = {}

    def session(function: str) -> Clients:
        if function not in sessions:
            role = deployed.resource(f"{function}Role")
            arn = deployed.client("iam").get_role(RoleName=role)["Role"]["Arn"]
            given = deployed.client("sts").assume_role(RoleArn=arn, RoleSessionName="iam-test")["Credentials"]
            sessions[function] = {
                "aws_access_key_id": given["AccessKeyId"],
                "aws_secret_access_key": given["SecretAccessKey"],
                "aws_session_token": given["SessionToken"],
            }
        return lambda service: deployed.client(service, **sessions[function])

    return session


def is_refused(act: Callable[[], object]) -> bool:
    """Whether IAM says no; that the thing is not there, or the request senseless, comes after its yes."""
    try:
        act()
    except ClientError as error:
        return error.response["Error"]["Code"] in DENIED
    return False


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name)
def test_a_deed_is_for_the_functions_that_need_it(
    deed: Deed, deployed: Deployed, stranger: Stranger, as_function: Callable[[str], Clients]
) -> None:
    assert deed.allowed <= set(ROLES)

    def may(function: str) -> bool:
        clients = as_function(function)
        return not is_refused(lambda: deed.act(clients, deployed, stranger))

    allowed = {role for role in ROLES if may(role)}

    assert allowed == deed.allowed


def test_every_function_is_asked(deployed: Deployed) -> None:
    resources = deployed.client("cloudformation").describe_stack_resources(StackName=STACK_NAME)

    found = {
        item["LogicalResourceId"]
        for item in resources["StackResources"]
        if item["ResourceType"] == "AWS::Lambda::Function"
    }
    assert found == set(FUNCTIONS)
