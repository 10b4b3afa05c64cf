"""AWS clients, one per service and process."""

from functools import cache
from typing import TYPE_CHECKING, Any, Literal, overload

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_stepfunctions import SFNClient

_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 5},
    connect_timeout=5,
    read_timeout=30,
)

_REQUEST_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=1,
    read_timeout=3,
)
"""Of functions that somebody waits for: they fail before API Gateway or the caller gives up."""


@overload
def client(service: Literal["s3"]) -> "S3Client": ...
@overload
def client(service: Literal["secretsmanager"]) -> "SecretsManagerClient": ...
@overload
def client(service: Literal["sns"]) -> "SNSClient": ...
@overload
def client(service: Literal["stepfunctions"]) -> "SFNClient": ...
@overload
def client(service: Literal["ec2", "sqs", "cloudwatch", "events", "logs", "ssm"]) -> Any: ...
@cache
def client(service: Any) -> Any:
    """Return the client of a service; endpoint, region and credentials come only from the environment."""
    return boto3.client(service, config=_CONFIG)


@overload
def request_client(service: Literal["s3"]) -> "S3Client": ...
@overload
def request_client(service: Literal["sqs", "ssm"]) -> Any: ...
@cache
def request_client(service: Any) -> Any:
    """Return the client of a service, for a function that answers a request: it gives up sooner."""
    return boto3.client(service, config=_REQUEST_CONFIG)
