"""From claims and outcomes to referrals with reasons: training on an instance, promotion, rollback."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from samples import Book, BookConfig, write_week
from samples.delivery import Delivery, deliver
from tests.deployed import Deployed, eventually

pytestmark = pytest.mark.without_champion

WEEKS, CLAIMS = 24, 400
FILES = 3
"""Number of claim files; the weeks of the book are joined, because these tests are not about loading."""


@dataclass(frozen=True)
class Model:
    """A model that was trained in the deployed application."""

    version: str
    answer: dict[str, Any]
    """The output of the training command."""


def joined(paths: Sequence[Path]) -> bytes:
    """Join CSV files that have the same header."""
    header, _, _ = paths[0].read_bytes().partition(b"\n")
    return header + b"\n" + b"".join(path.read_bytes().partition(b"\n")[2] for path in paths)


def promote(deployed: Deployed, version: str, role: str = "champion") -> dict[str, Any]:
    return deployed.command("promote", "motor", version, "--as", role, "--why", "the test", "--by", "ann")


def register_again(deployed: Deployed, model: Model, version: str) -> None:
    """Register the same bundle under another version; a second training would take minutes."""
    deployed.query(
        "INSERT INTO claimwatch.model_version (line, version, status, metrics, data_sha256, code_version,"
        " contract_version, bundle_uri, bundle_sha256) SELECT line, %s, status, metrics, data_sha256,"
        " code_version, contract_version, bundle_uri, bundle_sha256 FROM claimwatch.model_version"
        " WHERE version = %s",
        version,
        model.version,
    )


def drop_week(deployed: Deployed, folder: Path, seed: int, claims: int = 50) -> dict[str, Any]:
    """Drop a week of claims and wait until it is committed."""
    path = folder / "week.csv"
    write_week(path, Book(BookConfig(seed=seed, claims_per_week=claims)), 0)
    return deployed.ended(deployed.drop(f"claims/motor/{seed}.csv", path.read_bytes()))


def scores(deployed: Deployed, file: dict[str, Any]) -> list[dict[str, Any]]:
    return deployed.query("SELECT * FROM claimwatch.score WHERE file_id = %s", file["file_id"])


@pytest.fixture(scope="module")
def model(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Load a book and train a model on it."""
    folder = tmp_path_factory.mktemp("book")
    config = BookConfig(seed=5, claims_per_week=CLAIMS, weeks=WEEKS)
    sent = deliver(config, folder, Delivery(settling_weeks=10), parts=("claims", "outcomes"))
    claims, outcomes = (
        [folder / file.key for file in sent if file.part == part] for part in ("claims", "outcomes")
    )
    parts = [(f"claims/motor/part-{n}.csv", joined(claims[n::FILES])) for n in range(FILES)]
    parts.append(("outcomes/motor/all.csv", joined(outcomes)))
    for version in [deployed.drop(key, content) for key, content in parts]:
        assert deployed.ended(version)["status"] == "committed"
    deployed.alert("line motor has no model")

    answer = deployed.command("train", "motor", "--why", "the first", "--wait")

    assert answer["status"] == "registered", (answer, deployed.instance_output())
    return Model(answer["version"], answer)


@pytest.mark.timeout(900)
def test_a_training_registers_a_model_with_its_files_and_terminates_its_instance(
    deployed: Deployed, model: Model
) -> None:
    metrics = model.answer["metrics"]
    assert {"roc_auc", "pr_auc", "lift_top_decile", "recall_at_capacity", "brier"} <= metrics.keys()
    assert metrics["roc_auc"] > 0.7
    [row] = deployed.query("SELECT * FROM claimwatch.model_version WHERE version = %s", model.version)
    assert (row["status"], row["metrics"]) == ("registered", metrics)
    prefix = f"models/motor/{model.version}/"
    listed = deployed.client("s3").list_objects_v2(Bucket=deployed.outputs["ArtifactBucket"], Prefix=prefix)
    names = {item["Key"].removeprefix(prefix) for item in listed["Contents"]}
    assert {"manifest.json", "model.onnx", "explainer.npz", "profiles.json", "card.html", "card.md"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".joblib"))]

    eventually(lambda: not deployed.running_instances(), "the instance has terminated")
    deployed.alert(f"trained model {model.version} of line motor")


def test_a_model_can_be_reproduced_byte_by_byte_from_the_bucket(
    deployed: Deployed, model: Model, tmp_path: Path
) -> None:
    s3, bucket = deployed.client("s3"), deployed.outputs["ArtifactBucket"]

    def content_of(key: str) -> bytes:
        content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    written = content_of(f"models/motor/{model.version}/manifest.json")
    manifest = json.loads(written)
    [archive] = s3.list_objects_v2(Bucket=bucket, Prefix=f"code/{manifest['code_version'].split('+')[1]}")[
        "Contents"
    ]
    with tarfile.open(fileobj=io.BytesIO(content_of(archive["Key"]))) as code:
        code.extractall(tmp_path, filter="data")
    (tmp_path / "snapshot.parquet").write_bytes(
        content_of(f"snapshots/motor/{manifest['data_sha256']}.parquet")
    )
    (tmp_path / "contract.yaml").write_bytes(content_of("contracts/motor.yaml"))
    options = {
        "--line": "motor",
        "--snapshot": "snapshot.parquet",
        "--contract": "contract.yaml",
        "--out": "again",
    }
    options |= {"--version": model.version, "--code-version": manifest["code_version"]}
    options |= {"--created-at": manifest["created_at"], "--seed": str(manifest["seed"])}
    options |= {"--budget-minutes": str(manifest["details"]["settings"]["budget_minutes"])}
    done = subprocess.run(
        [sys.executable, "-m", "training", *(word for pair in options.items() for word in pair)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "again" / "manifest.json").read_bytes() == written
    for name, part in manifest["parts"].items():
        content = (tmp_path / "again" / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == part["sha256"], name


def test_a_promotion_scores_waiting_claims_and_the_next_file_is_scored_at_once(
    deployed: Deployed, model: Model, tmp_path: Path
) -> None:
    promoted = promote(deployed, model.version)
    assert promoted["unscored_files"] >= FILES

    eventually(
        lambda: not deployed.query("SELECT FROM claimwatch.unscored_file WHERE line = 'motor'"),
        "waiting claims are scored",
    )
    file = drop_week(deployed, tmp_path, seed=6, claims=500)

    eventually(lambda: len(scores(deployed, file)) == file["rows_loaded"], "each claim has a score")
    found = scores(deployed, file)
    referred = [row for row in found if row["referred"]]
    assert 0 < len(referred) < 100
    assert all(row["reasons"] and all(reason["text"] for reason in row["reasons"]) for row in referred)
    assert {row["model_version"] for row in found} == {model.version}
    queue = deployed.command(
        "referrals", "motor", "--since", f"{file['received_at']:%Y-%m-%d}", "--limit", "9999"
    )
    to_review = {row["claim_id"] for row in found if row["referred"] or row["audit_sample"]}
    assert to_review <= {row["claim_id"] for row in queue["referrals"]}


def test_a_rollback_without_an_earlier_champion_is_refused(deployed: Deployed, model: Model) -> None:
    promote(deployed, model.version)

    assert "has no previous champion" in deployed.command("rollback", "motor", "--why", "the test")["error"]


def test_after_a_rollback_the_previous_model_scores_the_next_file_and_the_history_is_complete(
    deployed: Deployed, model: Model, tmp_path: Path
) -> None:
    promote(deployed, model.version)
    register_again(deployed, model, "again")
    assert promote(deployed, "again")["changed"]
    file = drop_week(deployed, tmp_path, seed=7)
    eventually(lambda: len(scores(deployed, file)) == file["rows_loaded"], "each claim has a score")
    assert {row["model_version"] for row in scores(deployed, file)} == {"again"}

    assert deployed.command("rollback", "motor", "--why", "it is worse")["version"] == model.version

    file = drop_week(deployed, tmp_path, seed=8)
    eventually(lambda: len(scores(deployed, file)) == file["rows_loaded"], "each claim has a score")
    assert {row["model_version"] for row in scores(deployed, file)} == {model.version}
    today = datetime.now(UTC)
    history = deployed.command("history", "motor", "--on", f"{today:%Y-%m-%d}")
    assert history["live"] == {"champion": model.version}
    entries = [(entry["action"], entry["version"], entry["why"]) for entry in history["promotions"]]
    assert entries == [
        ("rollback", model.version, "it is worse"),
        ("promote", "again", "the test"),
        ("promote", model.version, "the test"),
    ]
    assert {entry["caller"] for entry in history["promotions"]} == {"arn:aws:iam::000000000000:root"}
    yesterday = today - timedelta(days=1)
    assert deployed.command("history", "motor", "--on", f"{yesterday:%Y-%m-%d}")["live"] == {}


def test_mlflow_has_an_alias_for_the_champion(deployed: Deployed, model: Model) -> None:
    promote(deployed, model.version)

    [alias] = deployed.query(
        "SELECT a.name, t.value FROM mlflow.registered_model_aliases AS a JOIN mlflow.model_version_tags AS t"
        " USING (name, version) WHERE a.alias = 'champion' AND t.key = 'version'"
    )
    assert alias == {"name": "motor", "value": model.version}


def test_a_model_that_lacks_a_file_is_not_promoted(deployed: Deployed, model: Model) -> None:
    s3, bucket = deployed.client("s3"), deployed.outputs["ArtifactBucket"]
    key = f"models/motor/{model.version}/explainer.npz"
    marker = s3.delete_object(Bucket=bucket, Key=key)["VersionId"]
    register_again(deployed, model, "incomplete")
    try:
        refused = deployed.command("promote", "motor", "incomplete", "--as", "challenger", "--why", "x")
    finally:
        s3.delete_object(Bucket=bucket, Key=key, VersionId=marker)

    assert "has no explainer.npz" in refused["error"]


def test_a_modified_bundle_scores_nothing_sends_an_alert_and_can_be_repaired_by_a_command(
    deployed: Deployed, model: Model, tmp_path: Path
) -> None:
    promote(deployed, model.version)
    s3, bucket = deployed.client("s3"), deployed.outputs["ArtifactBucket"]
    key = f"models/motor/{model.version}/model.onnx"
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    # A warm worker has cached the original bytes; changing the memory size starts a new one.
    deployed.client("lambda").update_function_configuration(
        FunctionName=deployed.resource("ScoreChunk"), MemorySize=1800
    )
    s3.put_object(Bucket=bucket, Key=key, Body=content[:-1] + b"!")
    try:
        file = drop_week(deployed, tmp_path, seed=9)
        assert file["status"] == "committed"
        alert = deployed.alert("could not score a file")
    finally:
        s3.put_object(Bucket=bucket, Key=key, Body=content)
    assert "BundleMismatch" in alert["Message"]
    assert not scores(deployed, file)

    [command] = [line.strip() for line in alert["Message"].splitlines() if "claimwatch score" in line]
    deployed.command(*command.split()[1:])

    eventually(lambda: len(scores(deployed, file)) == file["rows_loaded"], "each claim has a score")
