"""From claims and outcomes to referrals with reasons: trained on an instance, promoted by people."""

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.processes import wait_until
from samples import Book, BookConfig, write_week
from samples.delivery import Delivery, deliver
from tests.deployed import Deployed, eventually

WEEKS, CLAIMS = 30, 400
TRAINING_PATIENCE = 420.0
"""Seconds; the search of a model takes most of them on two cores."""


@dataclass(frozen=True)
class Model:
    """A model that was trained in the deployed application."""

    version: str
    row: dict[str, Any]


def call(deployed: Deployed, function: str, event: dict[str, Any]) -> dict[str, Any]:
    """What a function answers."""
    answer = deployed.client("lambda").invoke(
        FunctionName=deployed.outputs[function], Payload=json.dumps(event).encode()
    )
    told: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, told
    return told


def promote(deployed: Deployed, version: str | None, role: str = "champion") -> dict[str, Any]:
    event = {"line": "motor", "by": "ann", "why": "the test", "request_id": str(uuid.uuid4())}
    return call(
        deployed, "PromoteModelFunction", event | ({"version": version, "role": role} if version else {})
    )


@pytest.fixture(scope="module")
def model(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A book is dropped, and a model trained on it."""
    folder = tmp_path_factory.mktemp("book")
    config = BookConfig(seed=5, claims_per_week=CLAIMS, weeks=WEEKS)
    sent = deliver(config, folder, Delivery(settling_weeks=10), parts=("claims", "outcomes"))
    versions = [deployed.drop(file.key, (folder / file.key).read_bytes()) for file in sent]
    for version in versions:
        assert deployed.ended(version)["status"] == "committed"
    deployed.told("line motor has no model")

    asked = {"training_id": str(uuid.uuid4()), "line": "motor", "why": "the first", "asked_by": "ann"}
    started = call(deployed, "StartTrainingFunction", asked)
    assert started["status"] == "running", started
    again = call(deployed, "StartTrainingFunction", asked | {"training_id": str(uuid.uuid4())})
    assert "being trained already" in again["refused"]

    def ended() -> bool:
        return bool(
            deployed.query(
                "SELECT FROM claimwatch.training WHERE training_id = %s AND ended_at IS NOT NULL",
                asked["training_id"],
            )
        )

    assert wait_until(ended, TRAINING_PATIENCE, every=0.5), _output(deployed)
    [training] = deployed.query(
        "SELECT * FROM claimwatch.training WHERE training_id = %s", asked["training_id"]
    )
    assert training["status"] == "registered", (training["error"], _output(deployed))
    [row] = deployed.query("SELECT * FROM claimwatch.model_version WHERE version = %s", training["version"])
    return Model(training["version"], row)


def _output(deployed: Deployed) -> str:
    """What instances wrote."""
    logs = Path(deployed.stack.folder, "instances").glob("*/output.log")
    return "\n".join(path.read_text(errors="replace")[-3000:] for path in logs)


@pytest.mark.timeout(900)
def test_a_training_registers_a_model_with_its_evidence_and_its_instance_is_gone(
    deployed: Deployed, model: Model
) -> None:
    assert {"roc_auc", "pr_auc", "lift_top_decile", "recall_at_capacity", "brier"} <= set(
        model.row["metrics"]
    )
    assert model.row["metrics"]["roc_auc"] > 0.7
    prefix = f"models/motor/{model.version}/"
    listed = deployed.client("s3").list_objects_v2(Bucket=deployed.outputs["ArtifactBucket"], Prefix=prefix)
    names = {item["Key"].removeprefix(prefix) for item in listed["Contents"]}
    assert {"manifest.json", "model.onnx", "explainer.npz", "profiles.json", "card.html", "card.md"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".joblib"))]

    def gone() -> bool:
        reservations = deployed.client("ec2").describe_instances()["Reservations"]
        return all(
            instance["State"]["Name"] == "terminated"
            for reservation in reservations
            for instance in reservation["Instances"]
            if any(tag["Key"] == "claimwatch-training" for tag in instance.get("Tags", []))
        )

    eventually(gone, "the instance has ended itself")
    deployed.told(f"trained model {model.version} of line motor")


def test_a_promotion_scores_what_waits_and_the_next_file_at_once(
    deployed: Deployed, model: Model, tmp_path: Path
) -> None:
    promoted = promote(deployed, model.version)
    assert promoted["unscored_files"] >= WEEKS

    eventually(
        lambda: not deployed.query("SELECT FROM claimwatch.unscored_file WHERE line = 'motor'"),
        "what waited is scored",
    )
    path = tmp_path / "next.csv"
    write_week(path, Book(BookConfig(seed=6, claims_per_week=500)), 0)
    file = deployed.ended(deployed.drop("claims/motor/next.csv", path.read_bytes()))

    def scored() -> list[dict[str, Any]]:
        return deployed.query("SELECT * FROM claimwatch.score WHERE file_id = %s", file["file_id"])

    eventually(lambda: len(scored()) == file["rows_loaded"], "each claim has a score")
    referred = [row for row in scored() if row["referred"]]
    assert 0 < len(referred) < 100
    assert all(row["reasons"] and all(reason["text"] for reason in row["reasons"]) for row in referred)
    assert {row["model_version"] for row in scored()} == {model.version}


def test_a_roll_back_without_an_earlier_champion_says_so(deployed: Deployed, model: Model) -> None:
    promote(deployed, model.version)

    assert "no champion before" in promote(deployed, None)["refused"]


def test_mlflow_knows_the_champion_by_its_alias(deployed: Deployed, model: Model) -> None:
    promote(deployed, model.version)

    [alias] = deployed.query(
        "SELECT a.name, t.value FROM mlflow.registered_model_aliases AS a JOIN mlflow.model_version_tags AS t"
        " USING (name, version) WHERE a.alias = 'champion' AND t.key = 'version'"
    )
    assert alias == {"name": "motor", "value": model.version}


def test_a_bundle_that_was_changed_scores_nothing_and_people_are_told(
    deployed: Deployed, model: Model, tmp_path: Path
) -> None:
    promote(deployed, model.version)
    s3, bucket = deployed.client("s3"), deployed.outputs["ArtifactBucket"]
    key = f"models/motor/{model.version}/model.onnx"
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    path = tmp_path / "spoilt.csv"
    write_week(path, Book(BookConfig(seed=8, claims_per_week=50)), 0)
    # A worker that is warm holds the true bytes; one with another memory size is new.
    deployed.client("lambda").update_function_configuration(
        FunctionName=deployed.resource("ScoreChunk"), MemorySize=1800
    )
    s3.put_object(Bucket=bucket, Key=key, Body=content[:-1] + b"!")
    try:
        file = deployed.ended(deployed.drop("claims/motor/spoilt.csv", path.read_bytes()))
        assert file["status"] == "committed"
        told = deployed.told("could not score a file")
    finally:
        s3.put_object(Bucket=bucket, Key=key, Body=content)
    assert "BundleMismatch" in told["Message"]
    assert "claimwatch score motor --since" in told["Message"]
    assert not deployed.query("SELECT FROM claimwatch.score WHERE file_id = %s", file["file_id"])
