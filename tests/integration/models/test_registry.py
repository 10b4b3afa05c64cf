"""MLflow's registry, in its own schema of the same database, follows promotions."""

from urllib.parse import urlsplit

import pytest

from claimwatch.storage import models
from tests.integration.models.environment import LINE, ModelEnvironment
from training.job import tracking_in


@pytest.mark.filterwarnings("ignore")  # MLflow and its libraries warn about each other
def test_mlflow_s_client_finds_the_champion_by_its_alias(
    environment: ModelEnvironment,
) -> None:
    import mlflow

    url = urlsplit(environment.site.database.urls["training"])
    secret = {
        "host": url.hostname,
        "port": url.port,
        "dbname": url.path.lstrip("/"),
        "username": url.username,
        "password": url.password,
        "sslmode": "disable",
    }
    uri = tracking_in(secret, "artifacts")["MLFLOW_TRACKING_URI"]
    client = mlflow.MlflowClient(uri, uri)
    client.create_registered_model(LINE)
    for version in ("7", "8"):  # the registry numbers them itself: 1 and 2
        client.create_model_version(LINE, "s3://artifacts/models", tags={"version": version})
        environment.register(version)
    with environment.site.database.as_task("training").transaction() as cursor:
        models.grant_registry(cursor)

    environment.promote("7")
    environment.promote("8", "challenger")
    before = [client.get_model_version_by_alias(LINE, role).version for role in ("champion", "challenger")]
    environment.promote("8")

    assert [int(version) for version in before] == [1, 2]
    assert int(client.get_model_version_by_alias(LINE, "champion").version) == 2
    assert list(client.get_registered_model(LINE).aliases) == ["champion"]
    tables = environment.site.query(
        "SELECT DISTINCT table_schema FROM information_schema.tables WHERE table_name = 'model_versions'"
    )
    assert tables == [{"table_schema": "mlflow"}]
