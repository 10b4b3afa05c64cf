"""A build in the account of the pipeline works in the account of a stage under one role."""

import shlex
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError

from release import credentials
from release.errors import ReleaseRefused

ROLE = "arn:aws:iam::111122223333:role/claimwatch-production-verify"


class Sts:
    """AWS STS that answers or refuses."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.asked: dict[str, str] = {}

    def assume_role(self, **arguments: str) -> dict[str, object]:
        self.asked = arguments
        if self.refuses:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not for logs"}}, "AssumeRole")
        return {
            "Credentials": {
                "AccessKeyId": "key",
                "SecretAccessKey": "a secret/with 'quotes'",
                "SessionToken": "token==",
            }
        }


def test_the_lines_give_a_shell_the_credentials_of_the_role(monkeypatch: pytest.MonkeyPatch) -> None:
    sts = Sts()
    monkeypatch.setattr("boto3.client", {"sts": sts}.get)
    lines = credentials.export_lines(ROLE, "claimwatch-smoke:0a1b/2")
    script = "\n".join(
        [*lines, 'printf "%s|%s|%s" "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" "$AWS_SESSION_TOKEN"']
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "key|a secret/with 'quotes'|token=="
    assert sts.asked == {"RoleArn": ROLE, "RoleSessionName": "claimwatch-smoke-0a1b-2"}


def test_without_a_role_the_build_keeps_its_own_credentials(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TARGET_ROLE_ARN", "")
    credentials.print_credentials()
    assert capsys.readouterr().out == ""


def test_a_role_that_cannot_be_assumed_ends_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boto3.client", {"sts": Sts(refuses=True)}.get)
    with pytest.raises(ReleaseRefused, match=r"cannot be assumed \(AccessDenied\)$"):
        credentials.export_lines(ROLE, "build")


def test_a_refusal_fails_the_command_of_the_buildspec() -> None:
    """The assignment keeps the status of the command, which `eval "$(...)"` would lose."""
    refusal = f"{shlex.quote(sys.executable)} -c 'raise SystemExit(1)'"
    lost = subprocess.run(["bash", "-c", f'eval "$({refusal})"'], check=False).returncode
    kept = subprocess.run(
        ["bash", "-c", f'credentials="$({refusal})" && eval "$credentials"'], check=False
    ).returncode
    assert (lost, kept) == (0, 1)
