"""From claims and outcomes to referrals with reasons: trained on an instance, promoted by people."""

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

WEEKS, CLAIMS = 24, 400
FILES = 3
"""Of claims: a book's weeks are put together, for the path of a file is not what is tested here."""


@dataclass(frozen=True)
class Model:
    """A model that was trained in the deployed application."""

    version: str
    told: dict[str, Any]
    """What the command that trained it said."""


def joined(paths: Sequence[Path]) -> bytes:
    """CSV files with one header, in one."""
    header, _, _ = paths[0].read_bytes().partition(b"\n")
    return header + b"\n" + b"".join(path.read_bytes().partition(b"\n")[2] for path in paths)


def promote(deployed: Deployed, version: str, role: str = "champion") -> dict[str, Any]:
    return deployed.command("promote", "motor", version, "--as", role, "--why", "the test", "--by", "ann")


def drop_week(deployed: Deployed, folder: Path, seed: int, claims: int = 50) -> dict[str, Any]:
    """A week of claims, dropped and committed."""
    path = folder / "week.csv"
    write_week(path, Book(BookConfig(seed=seed, claims_per_week=claims)), 0)
    return deployed.ended(deployed.drop(f"claims/motor/{seed}.csv", path.read_bytes()))


def scores(deployed: Deployed, file: dict[str, Any]) -> list[dict[str, Any]]:
    return deployed.query("SELECT * FROM claimwatch.score WHERE file_id = %s", file["file_id"])


@pytest.fixture(scope="module")
def model(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A book is dropped, and a model trained on it."""
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
    deployed.told("line motor has no model")

    told = deployed.command("train", "motor", "--why", "the first", "--wait")

    assert told["status"] == "registered", (told, deployed.instance_output())
    return Model(told["version"], told)


@pytest.mark.timeout(900)
def test_a_training_registers_a_model_with_its_evidence_and_its_instance_is_gone(
    deployed: Deployed, model: Model
) -> None:
    metrics = model.told["metrics"]
    assert {"roc_auc", "pr_auc", "lift_top_decile", "recall_at_capacity", "brier"} <= metrics.keys()
    assert metrics["roc_auc"] > 0.7
    [row] = deployed.query("SELECT * FROM claimwatch.model_version WHERE version = %s", model.version)
    assert (row["status"], row["metrics"]) == ("registered", metrics)
    prefix = f"models/motor/{model.version}/"
    listed = deployed.client("s3").list_objects_v2(Bucket=deployed.outputs["ArtifactBucket"], Prefix=prefix)
    names = {item["Key"].removeprefix(prefix) for item in listed["Contents"]}
    assert {"manifest.json", "model.onnx", "explainer.npz", "profiles.json", "card.html", "card.md"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".joblib"))]

    eventually(lambda: not deployed.running_instances(), "the instance has ended itself")
    deployed.told(f"trained model {model.version} of line motor")


def test_a_model_is_made_again_byte_by_byte_from_what_the_bucket_keeps(
    deployed: Deployed, model: Model, tmp_path: Path
) -> None:
    s3, bucket = deployed.client("s3"), deployed.outputs["ArtifactBucket"]

    def kept(key: str) -> bytes:
        content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    written = kept(f"models/motor/{model.version}/manifest.json")
    manifest = json.loads(written)
    [archive] = s3.list_objects_v2(Bucket=bucket, Prefix=f"code/{manifest['code_version'].split('+')[1]}")[
        "Contents"
    ]
    with tarfile.open(fileobj=io.BytesIO(kept(archive["Key"]))) as code:
        code.extractall(tmp_path, filter="data")
    (tmp_path / "snapshot.parquet").write_bytes(kept(f"snapshots/motor/{manifest['data_sha256']}.parquet"))
    (tmp_path / "contract.yaml").write_bytes(kept("contracts/motor.yaml"))
    told = {
        "--line": "motor",
        "--snapshot": "snapshot.parquet",
        "--contract": "contract.yaml",
        "--out": "again",
    }
    told |= {"--version": model.version, "--code-version": manifest["code_version"]}
    told |= {"--created-at": manifest["created_at"], "--seed": str(manifest["seed"])}
    told |= {"--budget-minutes": str(manifest["details"]["settings"]["budget_minutes"])}
    done = subprocess.run(
        [sys.executable, "-m", "training", *(word for pair in told.items() for word in pair)],
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


def test_a_promotion_scores_what_waits_and_the_next_file_at_once(
    deployed: Deployed, model: Model, tmp_path: Path
) -> None:
    promoted = promote(deployed, model.version)
    assert promoted["unscored_files"] >= FILES

    eventually(
        lambda: not deployed.query("SELECT FROM claimwatch.unscored_file WHERE line = 'motor'"),
        "what waited is scored",
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
    assert {row["claim_id"] for row in referred} <= {row["claim_id"] for row in queue["referrals"]}


def test_a_roll_back_without_an_earlier_champion_says_so(deployed: Deployed, model: Model) -> None:
    promote(deployed, model.version)

    assert "no champion before" in deployed.command("rollback", "motor", "--why", "the test")["error"]


def test_after_a_roll_back_the_next_file_is_scored_by_the_model_before_and_the_history_has_it_all(
    deployed: Deployed, model: Model, tmp_path: Path
) -> None:
    promote(deployed, model.version)
    # Of a second training the bundle would be another; whose it is, is what counts here.
    deployed.query(
        "INSERT INTO claimwatch.model_version (line, version, status, metrics, data_sha256, code_version,"
        " contract_version, bundle_uri, bundle_sha256) SELECT line, 'again', status, metrics, data_sha256,"
        " code_version, contract_version, bundle_uri, bundle_sha256 FROM claimwatch.model_version"
        " WHERE version = %s",
        model.version,
    )
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
    told = [(entry["action"], entry["version"], entry["why"]) for entry in history["promotions"]]
    assert told == [
        ("rollback", model.version, "it is worse"),
        ("promote", "again", "the test"),
        ("promote", model.version, "the test"),
    ]
    yesterday = today - timedelta(days=1)
    assert deployed.command("history", "motor", "--on", f"{yesterday:%Y-%m-%d}")["live"] == {}


def test_mlflow_knows_the_champion_by_its_alias(deployed: Deployed, model: Model) -> None:
    promote(deployed, model.version)

    [alias] = deployed.query(
        "SELECT a.name, t.value FROM mlflow.registered_model_aliases AS a JOIN mlflow.model_version_tags AS t"
        " USING (name, version) WHERE a.alias = 'champion' AND t.key = 'version'"
    )
    assert alias == {"name": "motor", "value": model.version}


def test_a_bundle_that_was_changed_scores_nothing_people_are_told_and_a_command_puts_it_right(
    deployed: Deployed, model: Model, tmp_path: Path
) -> None:
    promote(deployed, model.version)
    s3, bucket = deployed.client("s3"), deployed.outputs["ArtifactBucket"]
    key = f"models/motor/{model.version}/model.onnx"
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    # A worker that is warm holds the true bytes; one with another memory size is new.
    deployed.client("lambda").update_function_configuration(
        FunctionName=deployed.resource("ScoreChunk"), MemorySize=1800
    )
    s3.put_object(Bucket=bucket, Key=key, Body=content[:-1] + b"!")
    try:
        file = drop_week(deployed, tmp_path, seed=9)
        assert file["status"] == "committed"
        told = deployed.told("could not score a file")
    finally:
        s3.put_object(Bucket=bucket, Key=key, Body=content)
    assert "BundleMismatch" in told["Message"]
    assert not scores(deployed, file)

    [command] = [line.strip() for line in told["Message"].splitlines() if "claimwatch score" in line]
    deployed.command(*command.split()[1:])

    eventually(lambda: len(scores(deployed, file)) == file["rows_loaded"], "each claim has a score")
