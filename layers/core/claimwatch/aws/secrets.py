"""Secrets, read on first use and kept for the life of the process, except those of sources."""

import json
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from claimwatch.aws.clients import client
from claimwatch.aws.faults import aws_faults, error_code
from claimwatch.errors import RefusedData, sentence

_MISSING = {"ResourceNotFoundException", "InvalidRequestException"}
_DENIED = {"AccessDenied", "AccessDeniedException"}


class UnusableSecret(RefusedData):
    """The secret of a source is missing, may not be read or has no credentials; the message says which."""

    def __init__(self, reason: str) -> None:
        super().__init__(sentence(reason))


@cache
def secret_text(arn: str) -> str:
    """Return the current value of the secret."""
    with aws_faults("Secrets Manager"):
        return client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]


def secret_json(arn: str) -> dict[str, Any]:
    """Return the current value of the secret, a JSON object."""
    value: dict[str, Any] = json.loads(secret_text(arn))
    return value


def source_secret(name: str) -> dict[str, Any]:
    """Return the current value of the secret of a source, a JSON object.

    It is read anew for every connection, because the company changes its passwords when it likes. Raises
    ``UnusableSecret``, whose message has no part of the value.
    """
    try:
        with aws_faults("Secrets Manager"):
            answer = client("secretsmanager").get_secret_value(SecretId=name)
    except ClientError as error:
        if error_code(error) in _MISSING:
            raise UnusableSecret(f"the secret {name} does not exist; create it in Secrets Manager") from None
        if error_code(error) in _DENIED:
            raise UnusableSecret(
                f"the secret {name} may not be read; name it claimwatch/<stack>/sources/…, with the name of "
                "this stack, and encrypt it with the key of Secrets Manager"
            ) from None
        raise
    try:
        value = json.loads(answer["SecretString"])
    except (KeyError, ValueError):
        value = None
    if not isinstance(value, dict):
        raise UnusableSecret(f"the secret {name} is not a JSON object with host, username and password")
    return value
