"""Secrets, read when they are first needed and kept for the life of the process."""

import json
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from claimwatch.aws.clients import client
from claimwatch.errors import TransientFault


@cache
def secret_text(arn: str) -> str:
    """The secret's current value."""
    try:
        return client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    except BotoCoreError as error:
        raise TransientFault(f"Secrets Manager did not answer: {error}") from error
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
            raise TransientFault(f"Secrets Manager did not answer: {error}") from error
        raise


def secret_json(arn: str) -> dict[str, Any]:
    """The secret's current value, a JSON object."""
    value: dict[str, Any] = json.loads(secret_text(arn))
    return value


def forget_secrets() -> None:
    """Read secrets again when they are next needed, as after a rotation."""
    secret_text.cache_clear()
