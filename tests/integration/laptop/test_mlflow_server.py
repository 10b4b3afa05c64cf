"""MLflow's interface shows the runs in PostgreSQL, and ends when it is closed."""

import contextlib
import json
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from claimwatch.storage import models
from local.emulator import laptop_environment
from local.mlflow_server import TrackingInterface, serve_until_interrupted
from tests.cluster import ClonedDatabase
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


def post(url: str, path: str, request: dict[str, Any]) -> dict[str, Any]:
    """Return the response of MLflow's API."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
    with contextlib.closing(connection):
        connection.request(
            "POST",
            f"/api/2.0/mlflow/{path}",
            json.dumps(request),
            {"content-type": "application/json"},
        )
        response = connection.getresponse()
        content: dict[str, Any] = json.load(response)
        assert response.status == 200, content
        return content


@pytest.mark.filterwarnings("ignore")  # MLflow and its libraries warn about each other
def test_the_interface_shows_the_schema_of_the_database_and_ends_when_it_is_closed(
    database: ClonedDatabase, tmp_path: Path
) -> None:
    import mlflow

    trained = tracking_in(secret_of(database.urls["training"]), "artifacts")["MLFLOW_TRACKING_URI"]
    mlflow.MlflowClient(trained, trained).create_experiment("motor", "s3://artifacts/mlflow/motor")
    with database.as_task("training").transaction() as cursor:
        models.grant_registry(cursor)
    environment = laptop_environment("http://127.0.0.1:9") | tracking_in(
        secret_of(database.urls["read"]), "artifacts"
    )

    with TrackingInterface(environment, log=tmp_path / "mlflow.log") as interface:
        shown = post(interface.url, "experiments/search", {"max_results": 10})["experiments"]
        assert "motor" in {experiment["name"] for experiment in shown}

    assert not interface.running()
    assert not interface.responds()


def test_without_a_stack_the_message_says_how_to_start_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert serve_until_interrupted(tmp_path) == 1
    assert "make up" in capsys.readouterr().err


def test_before_the_first_training_the_message_says_how_to_train(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "stack.json").write_text(json.dumps({"database_url": database_url}))
    assert serve_until_interrupted(tmp_path) == 1
    assert "claimwatch train motor" in capsys.readouterr().err
