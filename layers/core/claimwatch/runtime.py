"""Dependencies of the functions, created on first use and kept while the execution environment lives."""

from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any

from claimwatch.aws.alerts import SnsAlerts
from claimwatch.aws.clients import client, scorer_client
from claimwatch.aws.desk_bucket import S3DeskStore
from claimwatch.aws.event_bus import EventBridgeBus
from claimwatch.aws.executions import ClaimsPipeline, ScoreClaims
from claimwatch.aws.function_versions import LambdaVersions
from claimwatch.aws.lambda_reports import LambdaReports
from claimwatch.aws.metrics import CloudWatchMetrics
from claimwatch.aws.objects import S3Objects
from claimwatch.aws.parameters import KeyParameter, LoginParameters, read_login
from claimwatch.aws.publication_requests import PublicationRequests
from claimwatch.aws.published import PointerParameters
from claimwatch.aws.queues import SqsQueues
from claimwatch.aws.schedules import SchedulerSchedules, Targets
from claimwatch.aws.seal_requests import SealRequests
from claimwatch.aws.seal_store import S3SealStore
from claimwatch.aws.secrets import secret_json, secret_text
from claimwatch.aws.sqs import SqsSender
from claimwatch.aws.training_instances import Ec2TrainingInstances
from claimwatch.cases.database import CONNECTION, STATEMENT_TIMEOUT, CaseDatabase
from claimwatch.cases.route import Services
from claimwatch.cases.what_if import Scorer
from claimwatch.malloc import disable_heap_trim
from claimwatch.models.trainings import Dependencies as TrainingDependencies
from claimwatch.settings import settings
from claimwatch.storage.connection import Database, parameters_of

disable_heap_trim()


@cache
def database() -> Database:
    """Return the database with the privileges of this function's task."""
    return Database(lambda: parameters_of(read_login(settings.database_parameter)))


def owner_secret() -> dict[str, Any]:
    """Return the credentials of the database's owner, for migrations only."""
    return secret_json(settings.database_secret_arn)


def owned_database() -> Database:
    """Return the database with the privileges of its owner, for migrations only."""
    return Database(parameters_of(owner_secret()))


def logins() -> LoginParameters:
    """Return the parameters that hold the login of each task."""
    return LoginParameters(settings.database_parameters)


def draw_key() -> KeyParameter:
    """Return the parameter with the key that draws claims of equal scores."""
    return KeyParameter(settings.draw_key_parameter)


@cache
def live_pointers() -> PointerParameters:
    """Return the parameters that say which model is the champion of each line."""
    return PointerParameters(settings.live_parameters)


@cache
def contract_pointers() -> PointerParameters:
    """Return the parameters that say which contract each line has."""
    return PointerParameters(settings.contract_parameters)


@cache
def objects() -> S3Objects:
    """Return the objects in S3."""
    return S3Objects(client("s3"))


@cache
def alerts() -> SnsAlerts:
    """Return the alert topic."""
    return SnsAlerts(client("sns"), settings.alert_topic_arn)


@cache
def pipeline() -> ClaimsPipeline:
    """Return the claims pipeline."""
    return ClaimsPipeline(client("stepfunctions"), settings.claims_pipeline_arn)


@cache
def backfill() -> ScoreClaims:
    """Return the state machine that scores the stored claims of a line."""
    return ScoreClaims(client("stepfunctions"), settings.score_claims_arn)


def training_dependencies() -> TrainingDependencies:
    """Return the dependencies of starting and watching trainings."""
    return TrainingDependencies(
        database=database(),
        instances=Ec2TrainingInstances(
            client("ec2"), settings.training_template_id, settings.training_subnets
        ),
        alerts=alerts(),
        longest=timedelta(hours=settings.training_max_hours),
    )


@cache
def schedules() -> SchedulerSchedules:
    """Return the schedules of sources."""
    targets = Targets(
        pull_source=settings.pull_source_arn,
        watch_source=settings.watch_source_arn,
        role=settings.schedule_role_arn,
        dead_letters=settings.schedule_dead_letters_arn,
    )
    return SchedulerSchedules(client("scheduler"), settings.schedule_group, targets)


@cache
def contracts_queue() -> SqsSender:
    """Return the queue of new contracts."""
    return SqsSender(client("sqs"), settings.contracts_queue_url)


@cache
def evaluation_queue() -> SqsSender:
    """Return the queue of evaluation tasks."""
    return SqsSender(client("sqs"), settings.evaluation_queue_url)


@cache
def seal_store() -> S3SealStore:
    """Return the seals of access events."""
    return S3SealStore(client("s3"), settings.audit_bucket)


@cache
def desk_store() -> S3DeskStore:
    """Return the bucket of the web application."""
    return S3DeskStore(client("s3"), settings.desk_bucket)


@cache
def seal_requests() -> SealRequests:
    """Return the requests of this process to seal access events."""
    return SealRequests(SqsSender(client("sqs"), settings.seal_queue_url))


@cache
def publication_requests() -> PublicationRequests:
    """Return the requests of this process to publish decisions."""
    queue = SqsSender(client("sqs"), settings.publication_queue_url)
    return PublicationRequests(queue, settings.publication_delay_seconds)


@cache
def metrics() -> CloudWatchMetrics:
    """Return the metrics in CloudWatch."""
    return CloudWatchMetrics(client("cloudwatch"), settings.stack_name)


@cache
def event_bus() -> EventBridgeBus:
    """Return the event buses."""
    return EventBridgeBus(client("events"), ("default", settings.request_bus), settings.stack_name)


@cache
def promotion_events() -> EventBridgeBus:
    """Return the bus whose events call PromoteModel."""
    return EventBridgeBus(client("events"), (settings.request_bus,), settings.stack_name)


def reports() -> LambdaReports:
    """Return Lambda's reports of every invocation."""
    return LambdaReports(client("logs"), settings.function_log_group)


def queues() -> SqsQueues:
    """Return the state of the stack's queues."""
    return SqsQueues(client("sqs"), client("cloudwatch"))


def personal_data_key() -> bytes:
    """Return the key of the hashes that replace personal data."""
    return secret_text(settings.personal_data_key_arn).encode()


@cache
def case_services() -> Services:
    """Return what answers of the API need besides the database."""
    versions = LambdaVersions(scorer_client())
    call = partial(versions.call, settings.what_if_function)
    return Services(
        Scorer(call, lambda: datetime.now(UTC)),
        artifacts=objects,
        seals=seal_store,
        promotions=promotion_events,
    )


@cache
def case_database() -> CaseDatabase:
    """Return the database of the API, which is not waited for while it sleeps."""
    database = Database(
        lambda: parameters_of(read_login(settings.database_parameter)) | CONNECTION,
        wake_up_time=0,
        statement_timeout=STATEMENT_TIMEOUT,
    )
    return CaseDatabase(database, seal_requests().request, publication_requests().request)
