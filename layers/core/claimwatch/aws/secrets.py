"""Secrets, read on first use and kept for the life of the process."""

import json
from functools import cache
from typing import Any

from claimwatch.aws.clients import client
from claimwatch.aws.faults import aws_faults


@cache
def secret_text(arn: str) -> str:
    """Return the current value of the secret."""
    with aws_faults("Secrets Manager"):
        return client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]


def secret_json(arn: str) -> dict[str, Any]:
    """Return the current value of the secret, a JSON object."""
    value: dict[str, Any] = json.loads(secret_text(arn))
    return value
