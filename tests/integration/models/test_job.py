"""The job on the training's machine: whatever the run does is written down and told, what it made is kept."""

import json
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from claimwatch.storage import models
from tests.integration.models.environment import LINE, House
from training.job import JobDependencies, work

MAKES_A_MODEL = """
import argparse, hashlib, json, pathlib
from claimwatch.scoring.bundle import Manifest, Part
parser = argparse.ArgumentParser()
for name in "line version snapshot contract out seed code-version champion bundle-uri budget-minutes".split():
    parser.add_argument("--" + name)
told = parser.parse_args()
out = pathlib.Path(told.out)
out.mkdir()
(out / "model.onnx").write_bytes(b"a graph")
sha = hashlib.sha256(pathlib.Path(told.snapshot).read_bytes()).hexdigest()
champion = told.champion and (pathlib.Path(told.champion) / "model.onnx").read_text()
details = {"champion": champion}
%s
manifest = Manifest(
    told.line, told.version, "1.0.0", told.code_version, sha, int(told.seed), "2026-01-01", 0.05, 0.5, 0.005,
    {"slope": 1.0, "offset": 0.0}, {"roc_auc": 0.9}, {"model.onnx": Part.of(b"a graph")}, details
)
(out / "manifest.json").write_bytes(manifest.to_bytes())
"""


@dataclass
class Job:
    """A training of line glass that is asked for."""

    house: House

    def run(self, script: str, *, hours: float = 2) -> tuple[str, str | None]:
        """Train with this script in place of the run; status and error."""
        site = self.house.site
        number = len(site.query("SELECT FROM claimwatch.training"))
        with site.database.transaction() as cursor:
            training = models.begin_training(
                cursor,
                f"t{number}",
                LINE,
                why="w",
                asked_by="ann",
                seconds=timedelta(hours=hours).total_seconds(),
            )
        command = (sys.executable, "-c", script)
        place = JobDependencies(
            site.database, site.objects, site, "artifacts", "code-1+abc", {}, "0.5", command
        )
        work(replace(place, environment={"PYTHONPATH": ":".join(sys.path)}), training.training_id)
        [row] = site.query("SELECT * FROM claimwatch.training WHERE training_id = %s", training.training_id)
        return row["status"], row["error"]


@pytest.fixture
def job(house: House) -> Job:
    house.drop(500, 4500, 4000)
    house.site.drop(
        "outcomes/glass/o.csv", "claim_id,is_fraud,decided_at,source\nf2,true,2026-03-20T10:00:00,referral\n"
    )
    house.site.alerts.clear()
    return Job(house)


def test_a_model_is_kept_registered_and_told(job: Job) -> None:
    assert job.run(MAKES_A_MODEL % "") == ("registered", None)

    [model] = job.house.site.query("SELECT * FROM claimwatch.model_version")
    assert (model["version"], model["status"], model["metrics"]) == ("1", "registered", {"roc_auc": 0.9})
    assert model["bundle_uri"] == "s3://artifacts/models/glass/1/"
    assert model["code_version"] == "code-1+abc"
    assert job.house.site.objects.newest("artifacts", "models/glass/1/model.onnx") == b"a graph"
    [alert] = job.house.site.alerts
    assert "claimwatch promote glass 1" in alert.message


def test_the_snapshot_is_kept_under_the_hash_that_the_model_names(job: Job, tmp_path: Path) -> None:
    job.run(MAKES_A_MODEL % "")

    [model] = job.house.site.query("SELECT data_sha256 FROM claimwatch.model_version")
    content = job.house.site.objects.newest("artifacts", f"snapshots/glass/{model['data_sha256']}.parquet")
    path = tmp_path / "snapshot.parquet"
    path.write_bytes(content)
    table = pq.read_table(path).to_pydict()
    assert table["claim_id"] == ["f0", "f1", "f2"]
    assert table["is_fraud"] == [None, None, True]
    assert table["amount"] == [500.0, 4500.0, 4000.0]
    assert not {"driver", "story"} & set(table)  # personal, and read by no model


def test_the_same_data_gives_the_same_snapshot(job: Job) -> None:
    for _ in range(2):
        job.run(MAKES_A_MODEL % "")

    models = job.house.site.query("SELECT DISTINCT data_sha256 FROM claimwatch.model_version")
    assert len(models) == 1


def test_a_candidate_is_given_the_champion_to_be_compared_with(job: Job) -> None:
    job.run(MAKES_A_MODEL % "")
    [model] = job.house.site.query("SELECT * FROM claimwatch.model_version")
    with job.house.site.database.transaction() as cursor:
        version = models.find_version(cursor, LINE, "1")
        models.add_promotion(cursor, "r", LINE, "champion", "promote", version, by="ann", why="first")

    job.run(MAKES_A_MODEL % "")

    manifest = json.loads(job.house.site.objects.newest("artifacts", "models/glass/2/manifest.json"))
    assert model["version"] == "1"
    assert manifest["details"]["champion"] == "a graph"


def test_a_model_that_breaks_a_gate_is_registered_as_refused_with_the_reason(job: Job) -> None:
    ended = job.run(MAKES_A_MODEL % 'details["refused_because"] = "worse than the champion"')

    assert ended == ("refused", "worse than the champion")
    [model] = job.house.site.query("SELECT status, refused_because FROM claimwatch.model_version")
    assert model == {"status": "refused", "refused_because": "worse than the champion"}


def test_data_that_no_model_can_be_made_of_is_refused_with_the_reason(job: Job) -> None:
    ended = job.run("import sys; sys.exit('Refused: no claim has an outcome')")

    assert ended == ("refused", "no claim has an outcome")


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("raise MemoryError", "exit code 1: MemoryError"),
        ("import os; os.kill(os.getpid(), 9)", "ended by SIGKILL"),
        ("import time; time.sleep(60)", "did not end in time"),
        ("raise OSError(28, 'No space left on device')", "No space left"),
        ("print('done')", "manifest.json"),
    ],
    ids=["crash", "kill", "hang", "full disk", "nothing made"],
)
def test_a_run_that_does_not_end_well_has_failed_and_people_are_told(
    job: Job, script: str, told: str
) -> None:
    status, error = job.run(script, hours=301.5 / 3600)  # five minutes are kept for the end

    assert status == "failed"
    assert told in str(error)
    assert [alert.subject for alert in job.house.site.alerts] == [
        "Claimwatch could not train a model of line glass"
    ]
    assert job.house.site.query("SELECT * FROM claimwatch.model_version") == []
