"""What a function works with, made on first use and kept while its execution environment lives."""

from datetime import timedelta
from functools import cache

from claimwatch.aws.alerts import SnsAlerts
from claimwatch.aws.clients import client
from claimwatch.aws.event_bus import EventBridgeBus
from claimwatch.aws.executions import ClaimsPipeline, ScoreClaims
from claimwatch.aws.lambda_reports import LambdaReports
from claimwatch.aws.metrics import CloudWatchMetrics
from claimwatch.aws.objects import S3Objects
from claimwatch.aws.queues import SqsQueues
from claimwatch.aws.secrets import secret_json, secret_text
from claimwatch.aws.sqs import SqsSender
from claimwatch.aws.training_instances import Ec2TrainingInstances
from claimwatch.malloc import disable_heap_trim
from claimwatch.models.trainings import Dependencies as TrainingDependencies
from claimwatch.settings import settings
from claimwatch.storage.connection import Database

disable_heap_trim()


@cache
def database() -> Database:
    """The database that the settings name."""
    return Database.from_secret(secret_json(settings().database_secret_arn))


@cache
def objects() -> S3Objects:
    """S3."""
    return S3Objects(client("s3"))


@cache
def alerts() -> SnsAlerts:
    """The alert topic."""
    return SnsAlerts(client("sns"), settings().alert_topic_arn)


@cache
def pipeline() -> ClaimsPipeline:
    """The claims pipeline."""
    return ClaimsPipeline(client("stepfunctions"), settings().claims_pipeline_arn)


@cache
def backfill() -> ScoreClaims:
    """What scores the claims that a line has stored."""
    return ScoreClaims(client("stepfunctions"), settings().score_claims_arn)


def training_dependencies() -> TrainingDependencies:
    """What trainings are started and watched with."""
    return TrainingDependencies(
        database=database(),
        machines=Ec2TrainingInstances(client("ec2"), settings().training_template_id),
        alerts=alerts(),
        longest=timedelta(hours=float(settings().training_max_hours)),
    )


@cache
def evaluation_queue() -> SqsSender:
    """Where the checks of a week are asked for."""
    return SqsSender(client("sqs"), settings().evaluation_queue_url)


@cache
def metrics() -> CloudWatchMetrics:
    """CloudWatch's metrics."""
    return CloudWatchMetrics(client("cloudwatch"))


@cache
def event_bus() -> EventBridgeBus:
    """The account's event bus."""
    return EventBridgeBus(client("events"))


def reports() -> LambdaReports:
    """What Lambda says of every call."""
    return LambdaReports(client("logs"), settings().function_log_group)


def queues() -> SqsQueues:
    """The stack's queues, looked at from outside."""
    return SqsQueues(client("sqs"), client("cloudwatch"))


def personal_data_key() -> bytes:
    """The key of the hashes that stand in for personal data."""
    return secret_text(settings().personal_data_key_arn).encode()
