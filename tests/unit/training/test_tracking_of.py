"""Where a training is recorded in MLflow."""

from argparse import Namespace

import pytest

from training.__main__ import tracking_of

GIVEN = Namespace(tracking_uri="sqlite:///runs.db", artifacts="file:///artifacts")


def test_a_training_on_files_is_recorded_where_its_options_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_PARAMETER", raising=False)
    assert tracking_of(GIVEN) == ("sqlite:///runs.db", "file:///artifacts")


def test_an_instance_records_with_the_login_of_that_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment in the meantime has replaced the password that the training began with."""
    stored = {"/claimwatch/a/database/training": "old"}
    monkeypatch.setattr(
        "training.job.read_login",
        lambda name: {"host": "db", "username": "u", "password": stored[name], "sslmode": "disable"},
    )
    monkeypatch.setenv("DATABASE_PARAMETER", "/claimwatch/a/database/training")
    monkeypatch.setenv("ARTIFACT_BUCKET", "artifacts")
    stored["/claimwatch/a/database/training"] = "new"
    uri, artifacts = tracking_of(GIVEN)
    assert uri is not None
    assert uri.startswith("postgresql+psycopg2://u:new@db:5432/claimwatch?")
    assert artifacts == "s3://artifacts/mlflow"
