"""Each function may do only what it needs; every action is tried with the function's own role."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from claimwatch.aws.objects import ObjectMissing, ObjectRef, S3Objects
from claimwatch.aws.training_instances import TEMPLATE_TAG
from claimwatch.storage.logins import TASKS
from local.servers import STACK_NAME
from tests.deployed import Deployed
from tests.template.test_database_access import TASK_OF

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
    "ApproveException",
    "PublishTraining",
    "PlanEvaluation",
    "RunCheck",
    "CaseApi",
    "SealAudit",
    "PublishDecisions",
    "ScoreClaim",
    "ReceiveClaims",
    "RecordScores",
    "PublishDesk",
    "ApplySource",
    "PlanPull",
    "ExtractWindow",
    "CommitWindow",
    "RecordPullFailure",
    "WatchSource",
    "CheckSource",
)
ROLES = (*FUNCTIONS, "Training")
"""The roles of the functions, and the role of the instance that trains."""
CARDS = {"ScoreChunk", "ScoreClaim", "PromoteModel", "RunCheck", "Training", "CaseApi"}
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
class Foreign:
    """Resources of the same account that do not belong to the application."""

    bucket: str
    secret: str
    queue: str
    topic: str
    instance: str
    template: str
    logs: str


@dataclass(frozen=True)
class Action:
    """An action that only these roles may perform."""

    name: str
    allowed: set[str]
    perform: Callable[[Clients, Deployed, Foreign], object]


def _get(client: Clients, bucket: str, key: str) -> object:
    return client("s3").get_object(Bucket=bucket, Key=key)


def _put(client: Clients, bucket: str, key: str) -> object:
    return client("s3").put_object(Bucket=bucket, Key=key, Body=b"")


def _create(client: Clients, bucket: str, key: str) -> object:
    """Write an object unless the key has one: where it has one, S3 refuses after IAM has allowed it."""
    return client("s3").put_object(Bucket=bucket, Key=key, Body=b"", IfNoneMatch="*")


def _begin(client: Clients, bucket: str, key: str) -> object:
    """Begin an upload, which needs the permission to write and writes nothing."""
    return client("s3").create_multipart_upload(Bucket=bucket, Key=key)


def _delete(client: Clients, bucket: str, key: str) -> object:
    return client("s3").delete_object(Bucket=bucket, Key=key)


def _landing(deployed: Deployed) -> str:
    return deployed.outputs["LandingBucket"]


def _artifacts(deployed: Deployed) -> str:
    return deployed.outputs["ArtifactBucket"]


def _audit(deployed: Deployed) -> str:
    return deployed.outputs["AuditBucket"]


def _desk(deployed: Deployed) -> str:
    return deployed.outputs["DeskBucket"]


def _secret(client: Clients, arn: str) -> object:
    return client("secretsmanager").get_secret_value(SecretId=arn)


def _login(client: Clients, deployed: Deployed, task: str) -> object:
    return client("ssm").get_parameter(
        Name=f"{deployed.outputs['DatabaseParameters']}/{task}", WithDecryption=True
    )


def _published(deployed: Deployed, name: str) -> str:
    """Return the name of a parameter beside the logins."""
    return f"{deployed.outputs['DatabaseParameters'].removesuffix('database')}{name}"


def _store(client: Clients, name: str) -> object:
    return client("ssm").put_parameter(Name=name, Value="probe", Type="SecureString", Overwrite=True)


def _secret_of_sources(name: str) -> str:
    return f"claimwatch/{STACK_NAME}/sources/{name}"


def _schedule(client: Clients, deployed: Deployed, group: str, role: str) -> object:
    """Make a schedule that never runs; where it exists, Scheduler refuses after IAM has allowed it."""
    found = deployed.client("iam").get_role(RoleName=deployed.resource(role))["Role"]["Arn"]
    return client("scheduler").create_schedule(
        Name="iam-probe",
        GroupName=group,
        ScheduleExpression="rate(365 days)",
        FlexibleTimeWindow={"Mode": "OFF"},
        State="DISABLED",
        Target={"Arn": deployed.outputs["PullSourceArn"], "RoleArn": found, "Input": "{}"},
    )


def _receive(client: Clients, url: str) -> object:
    return client("sqs").receive_message(QueueUrl=url, VisibilityTimeout=0)


def _count(client: Clients, url: str) -> object:
    return client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])


def _put_metric(client: Clients, namespace: str) -> object:
    datum = {"MetricName": "Alarms", "Value": 0.0}
    return client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[datum])


def _publish_event(client: Clients, source: str, kind: str, *, bus: str = "default") -> object:
    entry = {"Source": source, "DetailType": kind, "Detail": "{}", "EventBusName": bus}
    return client("events").put_events(Entries=[entry])


def _run(client: Clients, template: str) -> object:
    return client("ec2").run_instances(
        LaunchTemplate={"LaunchTemplateId": template, "Version": "$Latest"}, MinCount=1, MaxCount=1
    )


def _idle_instance(deployed: Deployed) -> str:
    """Start an idle instance with the template's tag, like the instance of a training."""
    tags = [{"Key": TEMPLATE_TAG, "Value": deployed.resource("TrainingTemplate")}]
    started = deployed.client("ec2").run_instances(
        MinCount=1, MaxCount=1, TagSpecifications=[{"ResourceType": "instance", "Tags": tags}]
    )
    return str(started["Instances"][0]["InstanceId"])


ACTIONS = (
    Action("read a landed file", READ_FILES, lambda c, d, _: _get(c, _landing(d), "claims/iam/probe")),
    Action(
        "read a landed photo",
        {"ProcessImage"},
        lambda c, d, _: _get(c, _landing(d), "images/iam-probe"),
    ),
    Action("write a landed photo", set(), lambda c, d, _: _put(c, _landing(d), "images/iam/written")),
    Action("list landed files", set(), lambda c, d, _: c("s3").list_objects_v2(Bucket=_landing(d))),
    Action(
        "list the versions of landed files",
        READ_FILES,
        lambda c, d, _: c("s3").list_object_versions(Bucket=_landing(d), Prefix="claims/iam/"),
    ),
    Action(
        "list the versions of landed photos",
        set(),
        lambda c, d, _: c("s3").list_object_versions(Bucket=_landing(d), Prefix="images/"),
    ),
    Action("write a landed file", set(), lambda c, d, _: _put(c, _landing(d), "claims/iam/written")),
    Action(
        "add a file that a request sent",
        {"ReceiveClaims"},
        lambda c, d, _: _create(c, _landing(d), "claims/iam/api/written"),
    ),
    Action(
        "replace a file that a request sent",
        set(),
        lambda c, d, _: _put(c, _landing(d), "claims/iam/api/written"),
    ),
    Action(
        "list the files that requests sent",
        READ_FILES | {"ReceiveClaims"},
        lambda c, d, _: c("s3").list_object_versions(Bucket=_landing(d), Prefix="claims/iam/api/"),
    ),
    Action(
        "delete a landed file",
        set(),
        lambda c, d, _: _delete(c, _landing(d), "claims/x"),
    ),
    Action(
        "write a window of a source",
        {"ExtractWindow"},
        lambda c, d, _: _begin(c, _landing(d), "claims/iam/pull/iam/written"),
    ),
    Action(
        "write a window of outcomes of a source",
        {"ExtractWindow"},
        lambda c, d, _: _begin(c, _landing(d), "outcomes/iam/pull/iam/written"),
    ),
    Action(
        "read a window of a source",
        READ_FILES | {"ExtractWindow"},
        lambda c, d, _: _get(c, _landing(d), "claims/iam/pull/iam/probe"),
    ),
    Action(
        "list the windows of a source",
        READ_FILES | {"ExtractWindow", "CommitWindow"},
        lambda c, d, _: c("s3").list_object_versions(Bucket=_landing(d), Prefix="claims/iam/pull/iam/"),
    ),
    Action("read a source", {"ApplySource"}, lambda c, d, _: _get(c, _artifacts(d), "sources/probe")),
    Action("write a source", set(), lambda c, d, _: _begin(c, _artifacts(d), "sources/iam.yaml")),
    Action("delete a source", set(), lambda c, d, _: _delete(c, _artifacts(d), "sources/iam.yaml")),
    Action(
        "read the secret of a source",
        {"PlanPull", "ExtractWindow", "CheckSource"},
        lambda c, _d, _s: _secret(c, _secret_of_sources("iam")),
    ),
    Action(
        "make a schedule of a source",
        {"ApplySource"},
        lambda c, d, _: _schedule(c, d, d.resource("SourceSchedules"), "ScheduleRole"),
    ),
    Action(
        "make a schedule of another application",
        set(),
        lambda c, d, _: _schedule(c, d, "default", "ScheduleRole"),
    ),
    Action(
        "make a schedule with another role",
        set(),
        lambda c, d, _: _schedule(c, d, d.resource("SourceSchedules"), "MigrateSchemaRole"),
    ),
    Action(
        "pull a source",
        set(),
        lambda c, d, _: c("stepfunctions").start_execution(
            stateMachineArn=d.outputs["PullSourceArn"], name="not a name", input="{}"
        ),
    ),
    Action(
        "receive from the sources queue",
        {"ApplySource"},
        lambda c, d, _: _receive(c, d.outputs["SourcesQueueUrl"]),
    ),
    Action(
        "receive dead letters of schedules",
        set(),
        lambda c, d, _: _receive(c, d.outputs["SchedulesDeadLetterQueueUrl"]),
    ),
    Action("read a staged copy", READ_FILES, lambda c, d, _: _get(c, _artifacts(d), "staging/probe")),
    Action("write a staged copy", {"InspectFile"}, lambda c, d, _: _put(c, _artifacts(d), "staging/written")),
    Action(
        "read a contract", {"ApplyContract"}, lambda c, d, _: _get(c, _artifacts(d), "contracts/motor.yaml")
    ),
    Action(
        "write the contract of the sample line",
        {"PublishContract"},
        lambda c, d, _: _begin(c, _artifacts(d), "contracts/motor.yaml"),
    ),
    Action(
        "write another contract",
        set(),
        lambda c, d, _: _put(c, _artifacts(d), "contracts/iam.yaml.no"),
    ),
    Action(
        "write a draft",
        {"InspectFile"},
        lambda c, d, _: _put(c, _artifacts(d), "contracts/iam.draft.yaml"),
    ),
    Action(
        "read a model",
        {"ScoreChunk", "ScoreClaim", "PromoteModel", "RunCheck", "Training"},
        lambda c, d, _: _get(c, _artifacts(d), "models/probe"),
    ),
    Action("write a model", {"Training"}, lambda c, d, _: _create(c, _artifacts(d), "models/written")),
    Action("replace a model", set(), lambda c, d, _: _put(c, _artifacts(d), "models/written")),
    Action("delete a model", set(), lambda c, d, _: _delete(c, _artifacts(d), "models/written")),
    Action("write a snapshot", {"Training"}, lambda c, d, _: _create(c, _artifacts(d), "snapshots/written")),
    Action("replace a snapshot", set(), lambda c, d, _: _put(c, _artifacts(d), "snapshots/written")),
    Action(
        "read the training code",
        {"Training", "PublishTraining"},
        lambda c, d, _: _get(c, _artifacts(d), "code/probe"),
    ),
    Action(
        "write the training code",
        {"PublishTraining"},
        lambda c, d, _: _create(c, _artifacts(d), "code/written"),
    ),
    Action("replace the training code", set(), lambda c, d, _: _put(c, _artifacts(d), "code/written")),
    Action(
        "read a compiled contract",
        {"ApplyContract", "ScoreClaim", "ReceiveClaims"},
        lambda c, d, _: _get(c, _artifacts(d), "compiled/probe"),
    ),
    Action(
        "write a compiled contract",
        {"ApplyContract"},
        lambda c, d, _: _create(c, _artifacts(d), "compiled/written"),
    ),
    Action("replace a compiled contract", set(), lambda c, d, _: _put(c, _artifacts(d), "compiled/written")),
    Action("write a report", {"RunCheck"}, lambda c, d, _: _put(c, _artifacts(d), "reports/iam/written")),
    Action("read a report", set(), lambda c, d, _: _get(c, _artifacts(d), "reports/probe")),
    Action("read a report's page", {"CaseApi"}, lambda c, d, _: _get(c, _artifacts(d), "reports/probe.html")),
    Action("read a card", CARDS, lambda c, d, _: _get(c, _artifacts(d), "models/iam/card.html")),
    Action("write a seal", {"SealAudit"}, lambda c, d, _: _create(c, _audit(d), "seals/iam-written")),
    Action("replace a seal", set(), lambda c, d, _: _put(c, _audit(d), "seals/iam-written")),
    Action("write next to the seals", set(), lambda c, d, _: _create(c, _audit(d), "others/written")),
    Action("delete a seal", set(), lambda c, d, _: _delete(c, _audit(d), "seals/iam-written")),
    Action(
        "list the seals",
        {"SealAudit", "CaseApi"},
        lambda c, d, _: c("s3").list_object_versions(Bucket=_audit(d), Prefix="seals/"),
    ),
    Action(
        "receive requests for seals",
        {"SealAudit"},
        lambda c, d, _: _receive(c, d.outputs["SealQueueUrl"]),
    ),
    Action(
        "store decisions",
        {"PublishDecisions"},
        lambda c, d, _: _create(c, _landing(d), "outcomes/iam/decisions/iam-written"),
    ),
    Action(
        "replace decisions", set(), lambda c, d, _: _put(c, _landing(d), "outcomes/iam/decisions/iam-written")
    ),
    Action(
        "list decisions",
        {"PublishDecisions", *READ_FILES},
        lambda c, d, _: c("s3").list_object_versions(Bucket=_landing(d), Prefix="outcomes/iam/decisions/"),
    ),
    Action(
        "receive requests for publications",
        {"PublishDecisions"},
        lambda c, d, _: _receive(c, d.outputs["PublicationQueueUrl"]),
    ),
    Action(
        "write a file of the desk", {"PublishDesk"}, lambda c, d, _: _put(c, _desk(d), "site/iam-written")
    ),
    Action(
        "delete a file of the desk", {"PublishDesk"}, lambda c, d, _: _delete(c, _desk(d), "site/iam-written")
    ),
    Action(
        "list the desk's files", {"PublishDesk"}, lambda c, d, _: c("s3").list_objects_v2(Bucket=_desk(d))
    ),
    Action("read a file of the desk", set(), lambda c, d, _: _get(c, _desk(d), "site/index.html")),
    Action(
        "read which files of the desk are published",
        {"PublishDesk"},
        lambda c, d, _: _get(c, _desk(d), "published.json"),
    ),
    Action(
        "put a metric of the application",
        {"RunCheck"},
        lambda c, _d, _s: _put_metric(c, "Claimwatch"),
    ),
    Action("put a metric in another namespace", set(), lambda c, _d, _s: _put_metric(c, "AWS/Lambda")),
    Action(
        "change an alarm",
        set(),
        lambda c, _d, _s: c("cloudwatch").delete_alarms(AlarmNames=["another-application"]),
    ),
    Action(
        "read the reports of invocations",
        {"RunCheck"},
        lambda c, d, _: c("logs").filter_log_events(logGroupName=d.outputs["FunctionLogGroup"]),
    ),
    Action(
        "read the logs of another application",
        set(),
        lambda c, _d, s: c("logs").filter_log_events(logGroupName=s.logs),
    ),
    Action(
        "advise a training",
        {"RunCheck"},
        lambda c, _d, _s: _publish_event(c, "claimwatch", "RetrainingAdvised"),
    ),
    Action(
        "request a promotion",
        {"CaseApi"},
        lambda c, d, _: _publish_event(
            c, "claimwatch", "PromotionRequested", bus=d.outputs["RequestBusName"]
        ),
    ),
    Action(
        "request a training",
        set(),
        lambda c, d, _: _publish_event(c, "claimwatch", "TrainingRequested", bus=d.outputs["RequestBusName"]),
    ),
    Action(
        "advise a training on the bus that starts it",
        {"RunCheck"},
        lambda c, d, _: _publish_event(c, "claimwatch", "RetrainingAdvised", bus=d.outputs["RequestBusName"]),
    ),
    Action(
        "publish an event of another source",
        set(),
        lambda c, _d, _s: _publish_event(c, "another.source", "RetrainingAdvised"),
    ),
    Action(
        "announce a contract",
        {"PublishContract"},
        lambda c, d, _: c("sqs").send_message(QueueUrl=d.outputs["ContractsQueueUrl"], MessageBody="{}"),
    ),
    Action(
        "request a check",
        {"PlanEvaluation"},
        lambda c, d, _: c("sqs").send_message(QueueUrl=d.outputs["EvaluationQueueUrl"], MessageBody="{}"),
    ),
    Action(
        "receive from the evaluation queue",
        {"RunCheck"},
        lambda c, d, _: _receive(c, d.outputs["EvaluationQueueUrl"]),
    ),
    Action(
        "receive evaluation dead letters",
        set(),
        lambda c, d, _: _receive(c, d.outputs["EvaluationDeadLetterQueueUrl"]),
    ),
    Action(
        "count dead letters",
        {"RunCheck"},
        lambda c, d, _: _count(c, d.outputs["ClaimsDeadLetterQueueUrl"]),
    ),
    Action("count the messages of another queue", set(), lambda c, _d, s: _count(c, s.queue)),
    Action("read another prefix", set(), lambda c, d, _: _get(c, _artifacts(d), "others/probe")),
    Action("write another prefix", set(), lambda c, d, _: _put(c, _artifacts(d), "others/written")),
    Action(
        "start an instance of the template",
        {"StartTraining"},
        lambda c, d, _: _run(c, d.resource("TrainingTemplate")),
    ),
    Action("start an instance of another template", set(), lambda c, _, s: _run(c, s.template)),
    Action(
        "terminate an instance of the template",
        {"WatchTrainings"},
        lambda c, d, _: c("ec2").terminate_instances(InstanceIds=[_idle_instance(d)]),
    ),
    Action(
        "terminate another instance",
        set(),
        lambda c, _, s: c("ec2").terminate_instances(InstanceIds=[s.instance]),
    ),
    Action(
        "describe the instances",
        {"StartTraining", "WatchTrainings"},
        lambda c, _d, _s: c("ec2").describe_instances(),
    ),
    Action(
        "start a backfill of scores",
        {"PromoteModel"},
        lambda c, d, _: c("stepfunctions").start_execution(
            stateMachineArn=d.outputs["ScoreClaimsArn"], name="not a name", input="{}"
        ),
    ),
    Action("read another bucket", set(), lambda c, _, s: _get(c, s.bucket, "probe")),
    Action("write another bucket", set(), lambda c, _, s: _put(c, s.bucket, "written")),
    Action(
        "read the database's secret",
        {"MigrateSchema"},
        lambda c, d, _: _secret(c, d.outputs["DatabaseSecretArn"]),
    ),
    *(
        Action(
            f"read the login of {task}",
            {name for name, own in TASK_OF.items() if own == task}
            | ({"Training"} if task == "training" else set()),
            lambda c, d, _, task=task: _login(c, d, task),  # type: ignore[misc]
        )
        for task in TASKS
    ),
    Action(
        "store a login",
        {"MigrateSchema"},
        lambda c, d, _: _store(c, f"{d.outputs['DatabaseParameters']}/iam"),
    ),
    Action(
        "store the key that draws claims of equal scores",
        {"MigrateSchema"},
        # Parameter Store refuses to replace it after IAM has allowed to store it.
        lambda c, d, _: c("ssm").put_parameter(Name=_published(d, "draw-key"), Value="0", Type="String"),
    ),
    Action(
        "say which model is live",
        {"PromoteModel"},
        lambda c, d, _: _store(c, _published(d, "live/iam")),
    ),
    Action(
        "say which contract is running",
        {"ApplyContract"},
        lambda c, d, _: _store(c, _published(d, "contracts/iam")),
    ),
    Action(
        "ask which contract is running",
        {"ScoreClaim", "ReceiveClaims"},
        lambda c, d, _: c("ssm").get_parameters(Names=[_published(d, "contracts/motor")]),
    ),
    Action(
        "ask which model is live",
        {"ScoreClaim"},
        lambda c, d, _: c("ssm").get_parameters(Names=[_published(d, "live/motor")]),
    ),
    Action(
        "ask for the key that draws claims of equal scores",
        {"ScoreClaim"},
        lambda c, d, _: c("ssm").get_parameters(Names=[_published(d, "draw-key")], WithDecryption=True),
    ),
    Action(
        "send the record of a request",
        {"ScoreClaim", "ReceiveClaims"},
        lambda c, d, _: c("sqs").send_message(QueueUrl=d.outputs["ScoreRecordsQueueUrl"], MessageBody="{}"),
    ),
    Action(
        "receive records of requests",
        {"RecordScores"},
        lambda c, d, _: _receive(c, d.outputs["ScoreRecordsQueueUrl"]),
    ),
    Action(
        "receive dead records of requests",
        set(),
        lambda c, d, _: _receive(c, d.outputs["ScoreRecordsDeadLetterQueueUrl"]),
    ),
    Action(
        "list the published contracts",
        {"ApplyContract", "ScoreClaim"},
        lambda c, d, _: c("ssm").get_parameters_by_path(Path=_published(d, "contracts")),
    ),
    Action(
        "list the live models",
        {"PromoteModel"},
        lambda c, d, _: c("ssm").get_parameters_by_path(Path=_published(d, "live")),
    ),
    Action("store another parameter", set(), lambda c, _d, _s: _store(c, "/another/application")),
    Action(
        "read another parameter",
        set(),
        lambda c, _d, _s: c("ssm").get_parameter(Name="/another/application", WithDecryption=True),
    ),
    Action(
        "read the key of the personal data",
        {"LoadChunk", "ExtractWindow"},
        lambda c, d, _: _secret(c, d.outputs["PersonalDataKeyArn"]),
    ),
    Action("read another secret", set(), lambda c, _, s: _secret(c, s.secret)),
    Action(
        "receive from the claims queue",
        {"StartPipeline"},
        lambda c, d, _: _receive(c, d.outputs["ClaimsQueueUrl"]),
    ),
    Action(
        "receive from the images queue",
        {"ProcessImage"},
        lambda c, d, _: _receive(c, d.outputs["ImagesQueueUrl"]),
    ),
    Action(
        "receive image dead letters",
        set(),
        lambda c, d, _: _receive(c, d.outputs["ImagesDeadLetterQueueUrl"]),
    ),
    Action(
        "receive from the contracts queue",
        {"ApplyContract"},
        lambda c, d, _: _receive(c, d.outputs["ContractsQueueUrl"]),
    ),
    Action(
        "send to the images queue",
        set(),
        lambda c, d, _: c("sqs").send_message(QueueUrl=d.outputs["ImagesQueueUrl"], MessageBody="{}"),
    ),
    Action(
        "receive claims dead letters",
        set(),
        lambda c, d, _: _receive(c, d.outputs["ClaimsDeadLetterQueueUrl"]),
    ),
    Action("receive from another queue", set(), lambda c, _, s: _receive(c, s.queue)),
    Action(
        "send to the claims queue",
        set(),
        lambda c, d, _: c("sqs").send_message(QueueUrl=d.outputs["ClaimsQueueUrl"], MessageBody="{}"),
    ),
    Action(
        "start the pipeline",
        {"StartPipeline", "ApplyContract"},
        lambda c, d, _: c("stepfunctions").start_execution(
            stateMachineArn=d.outputs["ClaimsPipelineArn"], name="not a name", input="{}"
        ),
    ),
    Action(
        "send an alert",
        {
            "StartPipeline",
            "InspectFile",
            "CommitFile",
            "RecordFailure",
            "ApplyContract",
            "PlanScoring",
            "ScoreChunk",
            "RecordUnscored",
            "StartTraining",
            "WatchTrainings",
            "RunCheck",
            "SealAudit",
            "Training",
            "ApplySource",
            "PlanPull",
            "CommitWindow",
            "RecordPullFailure",
            "WatchSource",
        },
        lambda c, d, _: c("sns").publish(
            TopicArn=d.outputs["AlertTopicArn"], Subject="IAM", Message="a probe"
        ),
    ),
    Action(
        "publish to another topic",
        set(),
        lambda c, _, s: c("sns").publish(TopicArn=s.topic, Message="a probe"),
    ),
    Action(
        "call another function",
        set(),
        lambda c, d, _: c("lambda").invoke(FunctionName=d.resource("MigrateSchema"), Payload=b"{}"),
    ),
    Action("change a role", set(), lambda c, _d, _s: c("iam").list_roles()),
)


@pytest.fixture(scope="module")
def foreign(deployed: Deployed) -> Foreign:
    deployed.client("s3").create_bucket(Bucket="another-application")
    deployed.client("secretsmanager").create_secret(Name=_secret_of_sources("iam"), SecretString="{}")
    for bucket, key in (
        (deployed.outputs["LandingBucket"], "claims/iam/probe"),
        (deployed.outputs["LandingBucket"], "images/iam-probe"),
        (deployed.outputs["LandingBucket"], "claims/iam/pull/iam/probe"),
        (deployed.outputs["ArtifactBucket"], "sources/probe"),
        (deployed.outputs["ArtifactBucket"], "staging/probe"),
        (deployed.outputs["ArtifactBucket"], "models/probe"),
        (deployed.outputs["ArtifactBucket"], "code/probe"),
        (deployed.outputs["ArtifactBucket"], "compiled/probe"),
        (deployed.outputs["ArtifactBucket"], "reports/probe"),
        (deployed.outputs["ArtifactBucket"], "reports/probe.html"),
        (deployed.outputs["ArtifactBucket"], "models/iam/card.html"),
        (deployed.outputs["ArtifactBucket"], "others/probe"),
        ("another-application", "probe"),
    ):
        deployed.client("s3").put_object(Bucket=bucket, Key=key, Body=b"probe")
    return Foreign(
        "another-application",
        deployed.client("secretsmanager").create_secret(Name="another-application", SecretString="x")["ARN"],
        deployed.client("sqs").create_queue(QueueName="another-application")["QueueUrl"],
        deployed.client("sns").create_topic(Name="another-application")["TopicArn"],
        deployed.client("ec2").run_instances(MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"],
        deployed.client("ec2").create_launch_template(
            LaunchTemplateName="another-application", LaunchTemplateData={"InstanceType": "m7i.large"}
        )["LaunchTemplate"]["LaunchTemplateId"],
        _log_group(deployed, "/another/application"),
    )


def _log_group(deployed: Deployed, name: str) -> str:
    deployed.client("logs").create_log_group(logGroupName=name)
    return name


@pytest.fixture(scope="module")
def as_function(deployed: Deployed) -> Callable[[str], Clients]:
    """Return clients with the credentials of a function's own role."""
    sessions: dict[str, dict[str, str]] = {}

    def session(function: str) -> Clients:
        if function not in sessions:
            role = deployed.resource(f"{function}Role")
            arn = deployed.client("iam").get_role(RoleName=role)["Role"]["Arn"]
            credentials = deployed.client("sts").assume_role(RoleArn=arn, RoleSessionName="iam-test")[
                "Credentials"
            ]
            sessions[function] = {
                "aws_access_key_id": credentials["AccessKeyId"],
                "aws_secret_access_key": credentials["SecretAccessKey"],
                "aws_session_token": credentials["SessionToken"],
            }
        return lambda service: deployed.client(service, **sessions[function])

    return session


def is_denied(perform: Callable[[], object]) -> bool:
    """Return whether IAM denies a call; errors such as a missing resource come only after IAM allows it."""
    try:
        perform()
    except ClientError as error:
        return error.response["Error"]["Code"] in DENIED
    return False


@pytest.fixture(autouse=True, scope="module")
def _nothing_is_left_in_force(deployed: Deployed) -> Iterator[None]:
    """Remove the pointers and the schedule of the probes, which no function could follow."""
    yield
    with contextlib.suppress(ClientError):
        deployed.client("scheduler").delete_schedule(
            Name="iam-probe", GroupName=deployed.resource("SourceSchedules")
        )
    names = [_published(deployed, f"{kind}/iam") for kind in ("live", "contracts")]
    deployed.client("ssm").delete_parameters(Names=names)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_only_the_roles_that_need_an_action_may_perform_it(
    action: Action, deployed: Deployed, foreign: Foreign, as_function: Callable[[str], Clients]
) -> None:
    assert action.allowed <= set(ROLES)

    def may(function: str) -> bool:
        clients = as_function(function)
        return not is_denied(lambda: action.perform(clients, deployed, foreign))

    allowed = {role for role in ROLES if may(role)}

    assert allowed == action.allowed


READERS: tuple[tuple[str, str, str], ...] = (
    *((role, "LandingBucket", "claims/iam/gone") for role in sorted(READ_FILES)),
    *((role, "LandingBucket", "outcomes/iam/gone") for role in sorted(READ_FILES)),
    *((role, "ArtifactBucket", "staging/gone") for role in sorted(READ_FILES)),
    ("ApplyContract", "ArtifactBucket", "contracts/gone.yaml"),
    ("ApplySource", "ArtifactBucket", "sources/gone.yaml"),
)
NEWEST_READERS = ("ScoreChunk", "PromoteModel", "RunCheck", "Training")


@pytest.mark.parametrize(("role", "bucket", "key"), READERS)
def test_a_reader_finds_out_that_a_version_is_gone(
    role: str, bucket: str, key: str, deployed: Deployed, as_function: Callable[[str], Clients]
) -> None:
    name, s3 = deployed.outputs[bucket], deployed.client("s3")
    version = s3.put_object(Bucket=name, Key=f"{key}/never-read", Body=b"")["VersionId"]
    objects = S3Objects(as_function(role)("s3"))
    for read in (objects.size, lambda ref: list(objects.read(ref))):
        with pytest.raises(ObjectMissing):
            read(ObjectRef(name, key, version))


@pytest.mark.parametrize("role", NEWEST_READERS)
def test_a_reader_of_models_finds_out_that_a_file_is_gone(
    role: str, deployed: Deployed, as_function: Callable[[str], Clients]
) -> None:
    with pytest.raises(ObjectMissing):
        S3Objects(as_function(role)("s3")).newest(deployed.outputs["ArtifactBucket"], "models/gone")


def test_every_function_is_tested(deployed: Deployed) -> None:
    resources = deployed.client("cloudformation").describe_stack_resources(StackName=STACK_NAME)

    found = {
        item["LogicalResourceId"]
        for item in resources["StackResources"]
        if item["ResourceType"] == "AWS::Lambda::Function"
    }
    assert found == set(FUNCTIONS)
