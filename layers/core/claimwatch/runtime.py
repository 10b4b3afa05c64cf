"""What a function works with, made on first use and kept while its execution environment lives."""

from datetime import timedelta
from functools import cache

from claimwatch.allocation import keep_freed_memory
from claimwatch.aws.alerts import SnsAlerts
from claimwatch.aws.announcements import BusAnnouncements
from claimwatch.aws.clients import client
from claimwatch.aws.executions import ClaimsPipeline, ScoreClaims
from claimwatch.aws.invocations import LambdaReports
from claimwatch.aws.machines import Ec2Machines
from claimwatch.aws.metrics import CloudWatchMetrics
from claimwatch.aws.objects import S3Objects
from claimwatch.aws.post import SqsPost
from claimwatch.aws.queues import SqsQueues
from claimwatch.aws.secrets import secret_json, secret_text
from claimwatch.models.trainings import Workplace as TrainingGround
from claimwatch.settings import settings
from claimwatch.storage.connection import Database

keep_freed_memory()


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


def training_ground() -> TrainingGround:
    """What trainings are started and watched with."""
    return TrainingGround(
        database=database(),
        machines=Ec2Machines(client("ec2"), settings().training_template_id),
        alerts=alerts(),
        longest=timedelta(hours=float(settings().training_max_hours)),
    )


@cache
def evaluation_post() -> SqsPost:
    """Where the checks of a week are asked for."""
    return SqsPost(client("sqs"), settings().evaluation_queue_url)


@cache
def metrics() -> CloudWatchMetrics:
    """CloudWatch's metrics."""
    return CloudWatchMetrics(client("cloudwatch"))


@cache
def announcements() -> BusAnnouncements:
    """The account's event bus."""
    return BusAnnouncements(client("events"))


def reports() -> LambdaReports:
    """What Lambda says of every call."""
    return LambdaReports(client("logs"), settings().function_log_group)


def queues() -> SqsQueues:
    """The stack's queues, looked at from outside."""
    return SqsQueues(client("sqs"), client("cloudwatch"))


def personal_data_key() -> bytes:
    """The key of the hashes that stand in for personal data."""
    return secret_text(settings().personal_data_key_arn).encode()
