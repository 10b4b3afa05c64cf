"""`make deploy` with the real sam: it asks once, then uses the answers, and repairs or undoes what failed."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.emulator import PROJECT, Emulator, laptop_environment
from release.version import SOURCE_VERSION, code_version

TEMPLATE = """\
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  AlertEmail: { Type: String, Default: "" }
  CodeVersion: { Type: String, Default: unversioned }
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties:
      DisplayName: !Ref AlertEmail
      Tags: [{ Key: version, Value: !Ref CodeVersion }]
"""
FAILS = """\
  Failure:
    Type: Custom::Failure
    DependsOn: Topic
    Properties: { ServiceToken: "arn:aws:lambda:::none" }
"""
ANSWERS = (
    "claimwatch",  # name of the stack
    "us-east-1",
    "ann@example.com",
    "",  # CodeVersion: as make passes it
    "",  # confirm changes: as configured
    "",  # allow the creation of roles
    "",  # disable rollback: as configured
    "",  # save the answers
    "",  # in samconfig.toml
    "",  # as default
    "y",  # deploy this change set
)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


def make_deploy(emulator: Emulator, folder: Path, version: str, *answers: str) -> str:
    """Run `make deploy` without its build in a folder with a template and a samconfig.toml."""
    programs = Path(sys.executable).parent
    environment = laptop_environment(emulator.endpoint_url) | {"SAM_CLI_POLL_DELAY": "0.3"}
    environment[SOURCE_VERSION] = version
    environment["PATH"] = f"{programs}{os.pathsep}{environment['PATH']}"
    command = ["make", "-f", str(PROJECT / "Makefile"), "-C", str(folder), "-o", "build", "deploy"]
    done = subprocess.run(
        [*command, f"BIN={programs}"],
        input="".join(f"{answer}\n" for answer in answers),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout + done.stderr


def stack(emulator: Emulator) -> tuple[str, dict[str, str]]:
    """Return the status of the stack and its parameters."""
    [found] = emulator.client("cloudformation").describe_stacks(StackName="claimwatch")["Stacks"]
    parameters: list[dict[str, Any]] = found["Parameters"]
    return found["StackStatus"], {item["ParameterKey"]: item["ParameterValue"] for item in parameters}


def with_answers(mail: str, commit: str) -> dict[str, str]:
    """Return the parameters of a deployment of a commit."""
    return {"AlertEmail": mail, "CodeVersion": code_version(environment={SOURCE_VERSION: commit})}


def test_a_failed_first_deployment_is_repaired_without_questions_and_a_later_one_rolled_back(
    emulator: Emulator, tmp_path: Path
) -> None:
    shutil.copy(PROJECT / "samconfig.toml", tmp_path)
    (tmp_path / "template.yaml").write_text(TEMPLATE + FAILS)

    first = make_deploy(emulator, tmp_path, "v1", *ANSWERS)

    assert "Parameter AlertEmail" in first
    assert stack(emulator) == (
        "CREATE_FAILED",
        with_answers("ann@example.com", "v1"),
    )

    (tmp_path / "template.yaml").write_text(TEMPLATE)
    saved = tmp_path / "samconfig.toml"
    saved.write_text(saved.read_text().replace("ann@example.com", "bob@example.com"))
    second = make_deploy(emulator, tmp_path, "v2", "y")

    assert "Parameter AlertEmail" not in second
    assert re.search(r"Disable rollback +: True", second)
    assert stack(emulator) == (
        "UPDATE_COMPLETE",
        with_answers("bob@example.com", "v2"),
    )

    (tmp_path / "template.yaml").write_text(TEMPLATE + FAILS)
    third = make_deploy(emulator, tmp_path, "v3", "y")

    assert re.search(r"Disable rollback +: False", third)  # else AWS refuses to replace resources
    assert stack(emulator) == (
        "UPDATE_ROLLBACK_COMPLETE",
        with_answers("bob@example.com", "v2"),
    )
