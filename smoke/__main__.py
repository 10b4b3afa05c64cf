"""``python -m smoke --stack NAME``: try a deployed stack from outside; the exit code is 1 unless it works."""

import argparse
import json
import os
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from smoke.checks import Smoke
from smoke.claims import ClaimFile
from smoke.steps import Clock, Report, Undo, run_steps
from smoke.verify import Verification
from smoke.web import Web

TIMEOUT = 600
"""Seconds for all steps. A paused database takes up to a minute to wake up."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the smoke test, and return the exit code."""
    given = _parser().parse_args(arguments)
    session = boto3.Session()
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    config = Config(retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=5)
    made: Any = session.client  # the stubs accept only literal names
    client = cache(lambda service: made(service, config=config))
    clock, undo = Clock(given.timeout), Undo()
    file = ClaimFile(secrets.token_hex(4), datetime.now(UTC).replace(microsecond=0))
    # An emulator serves the API and the sign-in page of a stack at its own address.
    smoke = Smoke(
        given.stack, file, session, client, Web(endpoint), clock, undo, with_sign_in=not given.without_sign_in
    )
    steps = smoke.steps()
    if given.verify:
        steps = Verification(given.stack, given.release, client, clock).around(steps)
    report = run_steps(steps, undo, Report(given.stack, file.run), clock)
    if given.json:
        given.json.write_text(json.dumps(report.document(), indent=2) + "\n", "utf-8")
    if report.passed:
        report.say(
            f"Stack {given.stack} works. The claims of run {file.run} stay in line smoke, and so do their"
            " access events, until the line's retention removes them."
        )
    return 0 if report.passed else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m smoke",
        description="Try a deployed stack from outside: drop a file, ask for scores, sign in, read the audit."
        " Credentials and region are those that boto3 finds.",
    )
    parser.add_argument("--stack", required=True, metavar="NAME", help="the CloudFormation stack")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write a report for programs")
    parser.add_argument("--timeout", type=float, default=TIMEOUT, metavar="SECONDS", help="for all steps")
    parser.add_argument(
        "--verify", action="store_true", help="also check aliases, release, alarms and dead-letter queues"
    )
    parser.add_argument(
        "--release",
        type=Path,
        default=Path("release.json"),
        metavar="FILE",
        help="with --verify: the release that must be deployed",
    )
    parser.add_argument(
        "--without-sign-in", action="store_true", help="create no person, and leave out the audit"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
