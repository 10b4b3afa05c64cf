"""MLflow's interface: it shows what PostgreSQL has, and is gone with whoever opened it."""

import contextlib
import json
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest

from local.emulator import laptop_environment
from local.mlflow_server import TrackingInterface, look
from training.job import tracking_in


def secret_of(database_url: str) -> dict[str, Any]:
    found = urlsplit(database_url)
    return {
        "host": found.hostname,
        "port": found.port,
        "dbname": found.path.lstrip("/"),
        "username": found.username,
        "password": found.password or "",
        "sslmode": "disable",
    }


def asked(url: str, path: str, question: dict[str, Any]) -> dict[str, Any]:
    """What MLflow's API answers."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
    with contextlib.closing(connection):
        connection.request(
            "POST",
            f"/api/2.0/mlflow/{path}",
            json.dumps(question),
            {"content-type": "application/json"},
        )
        answer = connection.getresponse()
        told: dict[str, Any] = json.load(answer)
        assert answer.status == 200, told
        return told


def test_it_shows_the_schema_of_the_database_and_is_gone_when_it_is_closed(
    database_url: str, tmp_path: Path
) -> None:
    with contextlib.closing(psycopg2.connect(database_url)) as connection:
        connection.cursor().execute("CREATE SCHEMA mlflow")
        connection.commit()
    environment = laptop_environment("http://127.0.0.1:9") | tracking_in(secret_of(database_url), "artifacts")

    with TrackingInterface(environment, log=tmp_path / "mlflow.log") as interface:
        asked(interface.url, "experiments/create", {"name": "motor"})
        shown = asked(interface.url, "experiments/search", {"max_results": 10})["experiments"]
        assert "motor" in {experiment["name"] for experiment in shown}
        with contextlib.closing(psycopg2.connect(database_url)) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT artifact_location FROM mlflow.experiments WHERE name = 'motor'")
            [(location,)] = cursor.fetchall()
        assert location.startswith("s3://artifacts/mlflow/")

    assert not interface.running()
    assert not interface.answers()


def test_without_a_stack_it_says_how_to_start_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert look(tmp_path) == 1
    assert "make up" in capsys.readouterr().err


def test_before_the_first_training_it_says_how_to_train(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "stack.json").write_text(json.dumps({"database_url": database_url}))
    assert look(tmp_path) == 1
    assert "claimwatch train motor" in capsys.readouterr().err
