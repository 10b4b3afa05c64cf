"""What X-Ray receives: no message of PostgreSQL, which quotes rows, and no key of an object."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

NAME = "Erika-Mustermann"
"""A personal value: in a row that PostgreSQL refuses, and in the key of an object."""

INVOCATION = """
import contextlib, sys
from types import SimpleNamespace

import aws_lambda_powertools
if sys.argv[1] == "patched":
    whole = aws_lambda_powertools.Tracer
    aws_lambda_powertools.Tracer = lambda **_: whole()

import boto3
import psycopg2.extensions
from botocore.config import Config
from claimwatch.aws.objects import ObjectRef, S3Objects
from claimwatch.observability import tracer
from claimwatch.storage.connection import Database

url, name = sys.argv[2:]

@tracer.capture_lambda_handler(capture_response=False)
def handler(event, context):
    database = Database(psycopg2.extensions.parse_dsn(url))
    with contextlib.suppress(Exception), database.transaction() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE claim (id text PRIMARY KEY)")
        for _ in range(2):
            cursor.execute("INSERT INTO claim VALUES (%s)", (name,))
    once = Config(retries={"total_max_attempts": 1})
    s3 = boto3.client("s3", endpoint_url="http://127.0.0.1:1", config=once)
    with contextlib.suppress(Exception):
        S3Objects(s3).size(ObjectRef("bucket", f"images/{name}/1.jpg", "v1"))
    S3Objects(s3).newest("bucket", f"images/{name}/2.jpg")

with contextlib.suppress(Exception):
    handler({}, SimpleNamespace(function_name="f", aws_request_id="r"))
"""


@pytest.fixture
def daemon() -> Iterator[socket.socket]:
    """The socket on which X-Ray's daemon receives segments, which Lambda runs beside each function."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(0.5)
        yield listening


def segments(daemon: socket.socket, database_url: str, kind: str) -> list[str]:
    """Run a sampled invocation with a refused row and a silent S3; return its segments."""
    host, port = daemon.getsockname()
    environment = os.environ | {
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_XRAY_DAEMON_ADDRESS": f"{host}:{port}",
        "LAMBDA_TASK_ROOT": "/var/task",
        "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "POWERTOOLS_SERVICE_NAME": "claimwatch",
    }
    subprocess.run(
        [sys.executable, "-c", INVOCATION, kind, database_url, NAME], env=environment, check=True, timeout=60
    )
    found = []
    while True:
        try:
            found.append(daemon.recv(1 << 16).decode())
        except TimeoutError:
            return found


def test_a_trace_has_no_message_of_postgresql_and_no_key_of_an_object(
    daemon: socket.socket, database_url: str
) -> None:
    received = segments(daemon, database_url, "ours")

    [segment] = [json.loads(text.split("\n", 1)[1]) for text in received]
    assert segment["name"] == "## handler"
    assert segment["fault"] is True
    assert "did not answer" in json.dumps(segment["cause"])
    assert NAME not in "".join(received)


def test_a_patched_tracer_would_send_both(daemon: socket.socket, database_url: str) -> None:
    received = "".join(segments(daemon, database_url, "patched"))

    assert f"Key (id)=({NAME}) already exists" in received
    assert f"images/{NAME}/2.jpg" in received
