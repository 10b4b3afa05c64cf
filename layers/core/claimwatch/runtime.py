"""What a function works with, made on first use and kept while its execution environment lives."""

from functools import cache

from claimwatch.allocation import keep_freed_memory
from claimwatch.aws.alerts import SnsAlerts
from claimwatch.aws.clients import client
from claimwatch.aws.executions import ClaimsPipeline
from claimwatch.aws.objects import S3Objects
from claimwatch.aws.secrets import secret_json, secret_text
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


def personal_data_key() -> bytes:
    """The key of the hashes that stand in for personal data."""
    return secret_text(settings().personal_data_key_arn).encode()
