"""AWS clients, one per service and process."""

from functools import cache
from typing import TYPE_CHECKING, Any, Literal, overload

from botocore.config import Config
from botocore.session import Session, get_session

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

_ATTEMPTS, _CONNECT_TIMEOUT, _READ_TIMEOUT = 3, 1, 3

_REQUEST_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
    connect_timeout=_CONNECT_TIMEOUT,
    read_timeout=_READ_TIMEOUT,
)
"""Of functions that somebody waits for: they fail before API Gateway or the caller gives up."""

# Functions that check a release are in no network, and not every service has endpoints for IPv6.
_HOOK_CONFIG = _CONFIG.merge(Config(use_dualstack_endpoint=False))
_CALLING_CONFIG = _HOOK_CONFIG.merge(Config(retries={"total_max_attempts": 1}, read_timeout=35))
"""The longest of the functions that are called has 29 seconds."""

LONGEST_REQUEST = _ATTEMPTS * _READ_TIMEOUT + sum(2**attempt for attempt in range(_ATTEMPTS - 1))
"""Seconds until a service that accepts requests and does not answer is given up, pauses included."""

_SCORE_ATTEMPTS, _SCORE_TIMEOUT = 2, 7

LONGEST_SCORE = _SCORE_ATTEMPTS * (_CONNECT_TIMEOUT + _SCORE_TIMEOUT) + _SCORE_ATTEMPTS - 1
"""Seconds until a function that scores is given up, the pause between both attempts included."""


@overload
def client(service: Literal["s3"]) -> "S3Client": ...
@overload
def client(service: Literal["secretsmanager"]) -> "SecretsManagerClient": ...
@overload
def client(service: Literal["sns"]) -> "SNSClient": ...
@overload
def client(service: Literal["stepfunctions"]) -> "SFNClient": ...
@overload
def client(service: Literal["ec2", "sqs", "cloudwatch", "events", "logs", "scheduler", "ssm"]) -> Any: ...
@cache
def client(service: Any) -> Any:
    """Return the client of a service; endpoint, region and credentials come only from the environment."""
    import boto3  # noqa: PLC0415 - functions that answer requests start without it

    return boto3.client(service, config=_CONFIG)


@overload
def request_client(service: Literal["s3"]) -> "S3Client": ...
@overload
def request_client(service: Literal["sqs", "ssm"]) -> Any: ...
@cache
def request_client(service: Any) -> Any:
    """Return the client of a service, for a function that answers a request: it gives up sooner.

    It is botocore's own, because boto3 adds nothing that is used and takes a tenth of the time of a start.
    """
    return _session().create_client(service, config=_REQUEST_CONFIG)


@cache
def hook_client(service: Literal["codedeploy", "lambda", "sts"]) -> Any:
    """Return the client of a service, for a function that checks a release before it gets traffic.

    It calls other functions and waits for them; a call that was waited for in vain is not repeated here.
    """
    import boto3  # noqa: PLC0415 - functions that answer requests start without it

    return boto3.client(service, config=_CALLING_CONFIG if service == "lambda" else _HOOK_CONFIG)


@cache
def scorer_client() -> Any:
    """Return the client of Lambda, for a function that answers a request and asks another one for scores.

    That one may have to start first. A score is a pure function of the claim, so a call can be repeated.
    """
    config = _REQUEST_CONFIG.merge(
        Config(retries={"total_max_attempts": _SCORE_ATTEMPTS}, read_timeout=_SCORE_TIMEOUT)
    )
    return _session().create_client("lambda", config=config)


@cache
def _session() -> Session:
    return get_session()
