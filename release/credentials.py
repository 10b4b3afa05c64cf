"""Credentials of a role in the account of a stage, as lines for the shell of a build."""

import os
import re
import shlex

import boto3
from botocore.exceptions import ClientError

from release.errors import ReleaseRefused

VARIABLES = {
    "AWS_ACCESS_KEY_ID": "AccessKeyId",
    "AWS_SECRET_ACCESS_KEY": "SecretAccessKey",
    "AWS_SESSION_TOKEN": "SessionToken",
}
"""The variables that every AWS SDK reads, and the members of the answer of STS that they hold."""


def print_credentials() -> None:
    """Print `export AWS_...` lines of the role in TARGET_ROLE_ARN; nothing if that is empty.

    CloudTrail and the stack's own access events name the session: it is the build.
    """
    role = os.environ.get("TARGET_ROLE_ARN", "")
    if not role:
        return
    for line in export_lines(role, os.environ.get("CODEBUILD_BUILD_ID", "release")):
        print(line)


def export_lines(role: str, build: str) -> list[str]:
    """Assume a role and return the lines; raises `ReleaseRefused` if AWS refuses."""
    session = re.sub(r"[^\w+=,.@-]", "-", build)[:64]
    try:
        answer = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName=session)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise ReleaseRefused(f"the role {role} cannot be assumed ({code})") from None
    credentials: dict[str, object] = dict(answer["Credentials"])
    return [f"export {name}={shlex.quote(str(credentials[key]))}" for name, key in VARIABLES.items()]
