"""The training job on an instance: every end of the run is recorded and reported, its results are stored."""

import hashlib
import json
import sys
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from claimwatch.scoring.bundle import Part
from claimwatch.storage import models
from tests.integration.contracts.test_labels import LABELLED
from tests.integration.ingest.glass import GLASS, csv
from tests.integration.models.environment import LINE, ModelEnvironment
from training.job import JobDependencies, work

MAKES_A_MODEL = """
import argparse, hashlib, json, pathlib
from claimwatch.scoring.bundle import Manifest, Part
parser = argparse.ArgumentParser()
names = "line version snapshot contract out seed code-version champion champion-sha256"
for name in f"{names} bundle-uri budget-minutes".split():
    parser.add_argument("--" + name)
parser.add_argument("--as-of")
parser.add_argument("--trust", action="append", default=[])
options = parser.parse_args()
out = pathlib.Path(options.out)
out.mkdir()
(out / "model.onnx").write_bytes(b"a graph")
sha = hashlib.sha256(pathlib.Path(options.snapshot).read_bytes()).hexdigest()
champion = options.champion and (pathlib.Path(options.champion) / "model.onnx").read_text()
details = {"champion": champion, "pinned": options.champion_sha256}
%s
manifest = Manifest(
    options.line, options.version, "1.0.0", options.code_version, sha, int(options.seed), "2026-01-01", 0.05,
    0.5, 0.005, {"slope": 1.0, "offset": 0.0}, {"roc_auc": 0.9}, {"model.onnx": Part.of(b"a graph")}, details
)
(out / "manifest.json").write_bytes(manifest.to_bytes())
"""


@dataclass
class Job:
    """Runs trainings of line glass."""

    environment: ModelEnvironment

    def run(self, script: str, *, hours: float = 2, **given: Any) -> tuple[str, str | None]:
        """Train with this script in place of the run; return status and error."""
        site = self.environment.site
        number = len(site.query("SELECT FROM claimwatch.training"))
        with site.database.transaction() as cursor:
            training = models.begin_training(
                cursor,
                f"t{number}",
                LINE,
                why="w",
                asked_by="ann",
                caller="the test",
                seconds=timedelta(hours=hours).total_seconds(),
                **given,
            )
        command = (sys.executable, "-c", script)
        deps = JobDependencies(
            site.database.as_task("training"),
            site.objects,
            site,
            "artifacts",
            "code-1+abc",
            {},
            "0.5",
            command,
        )
        work(replace(deps, environment={"PYTHONPATH": ":".join(sys.path)}), training.training_id)
        [row] = site.query("SELECT * FROM claimwatch.training WHERE training_id = %s", training.training_id)
        return row["status"], row["error"]


@pytest.fixture
def job(environment: ModelEnvironment) -> Job:
    environment.drop(500, 4500, 4000)
    environment.site.drop(
        "outcomes/glass/o.csv", "claim_id,is_fraud,decided_at,source\nf2,true,2026-03-20T10:00:00,referral\n"
    )
    environment.site.alerts.clear()
    return Job(environment)


def test_a_model_is_stored_registered_and_reported(job: Job) -> None:
    assert job.run(MAKES_A_MODEL % "") == ("registered", None)

    [model] = job.environment.site.query("SELECT * FROM claimwatch.model_version")
    assert (model["version"], model["status"], model["metrics"]) == ("1", "registered", {"roc_auc": 0.9})
    assert model["bundle_uri"] == "s3://artifacts/models/glass/1/"
    assert model["code_version"] == "code-1+abc"
    assert job.environment.site.objects.newest("artifacts", "models/glass/1/model.onnx") == b"a graph"
    [alert] = job.environment.site.alerts
    assert "claimwatch promote glass 1" in alert.message


def test_the_warnings_of_a_run_are_registered_with_its_model(job: Job) -> None:
    warning = {"kind": "strong_feature", "column": "amount", "found": "it knows the outcome"}
    assert job.run(MAKES_A_MODEL % f'details["warnings"] = [{warning}]') == ("registered", None)

    [model] = job.environment.site.query("SELECT warnings FROM claimwatch.model_version")
    assert model["warnings"] == [warning]


def test_the_snapshot_is_stored_under_the_hash_in_the_model_version(job: Job, tmp_path: Path) -> None:
    job.run(MAKES_A_MODEL % "")

    [model] = job.environment.site.query("SELECT data_sha256 FROM claimwatch.model_version")
    content = job.environment.site.objects.newest(
        "artifacts", f"snapshots/glass/{model['data_sha256']}.parquet"
    )
    path = tmp_path / "snapshot.parquet"
    path.write_bytes(content)
    table = pq.read_table(path).to_pydict()
    assert table["claim_id"] == ["f0", "f1", "f2"]
    assert table["is_fraud"] == [None, None, True]
    assert table["amount"] == [500.0, 4500.0, 4000.0]
    assert not {"driver", "story"} & set(table)  # personal data that no model reads


@pytest.mark.parametrize("column", ["driver", "story"], ids=["hashed", "plain"])
def test_the_claimant_is_a_number_in_the_snapshot(job: Job, tmp_path: Path, column: str) -> None:
    site = job.environment.site
    text = GLASS.replace("version: 1.0.0", "version: 1.1.0").replace(
        "value: glass}", f"value: glass}}\n  - {{property: claimantColumn, value: {column}}}", 1
    )
    assert site.put_contract("glass", text).status == "applied"
    site.drop(
        "claims/glass/persons.csv",
        csv(
            "p0,2026-03-02,1,1,Jane Roe,Jane Roe",
            "p1,2026-03-02,1,1,John Doe,John Doe",
            "p2,2026-03-02,1,1,Jane Roe,Jane Roe",
            "p3,2026-03-02,1,1,,",
        ),
    )
    job.run(MAKES_A_MODEL % "")

    [model] = site.query("SELECT data_sha256 FROM claimwatch.model_version")
    path = tmp_path / "snapshot.parquet"
    path.write_bytes(site.objects.newest("artifacts", f"snapshots/glass/{model['data_sha256']}.parquet"))
    table = pq.read_table(path).to_pydict()
    claimant = dict(zip(table["claim_id"], table[column], strict=True))
    assert claimant["p0"] == claimant["p2"] != claimant["p1"]
    assert {claimant["p0"], claimant["p1"]} <= {"1", "2", "3", "4"}
    assert claimant["p3"] is None
    assert b"Jane" not in path.read_bytes()


def test_the_same_data_gives_the_same_snapshot(job: Job) -> None:
    for _ in range(2):
        job.run(MAKES_A_MODEL % "")

    models = job.environment.site.query("SELECT DISTINCT data_sha256 FROM claimwatch.model_version")
    assert len(models) == 1


AS_ASKED = 'details = {"as_of": options.as_of, "trust": options.trust, "champion": champion}'


def manifest_of(job: Job, version: str) -> dict[str, Any]:
    content = job.environment.site.objects.newest("artifacts", f"models/glass/{version}/manifest.json")
    read: dict[str, Any] = json.loads(content)
    return read


def test_the_run_receives_the_day_of_a_back_test_and_the_trusted_columns(job: Job) -> None:
    job.run(MAKES_A_MODEL % AS_ASKED, as_of=date(2026, 3, 31), trusted=["amount", "-panes"])

    details = manifest_of(job, "1")["details"]
    assert (details["as_of"], details["trust"]) == ("2026-03-31", ["amount", "-panes"])
    [model] = job.environment.site.query("SELECT as_of FROM claimwatch.model_version")
    assert model["as_of"] == date(2026, 3, 31)


@pytest.mark.parametrize(
    ("as_of", "known"),
    [
        (date(2026, 2, 9), [None, None, None]),
        (date(2026, 2, 10), [None, False, None]),
        (date(2026, 2, 20), [None, True, None]),
        (None, [None, True, True]),
    ],
)
def test_a_back_test_knows_the_last_decision_of_its_day(
    job: Job, tmp_path: Path, as_of: date | None, known: list[bool | None]
) -> None:
    for decided in ("false,2026-02-10", "true,2026-02-20"):
        job.environment.site.drop(
            f"outcomes/glass/{decided}.csv",
            f"claim_id,is_fraud,decided_at,source\nf1,{decided}T10:00:00,referral\n",
        )

    job.run(MAKES_A_MODEL % "", as_of=as_of)

    path = tmp_path / "snapshot.parquet"
    sha256 = manifest_of(job, "1")["data_sha256"]
    path.write_bytes(job.environment.site.objects.newest("artifacts", f"snapshots/glass/{sha256}.parquet"))
    assert pq.read_table(path).to_pydict()["is_fraud"] == known


def test_a_back_test_of_the_last_day_has_the_snapshot_of_a_training_on_all_that_is_known(job: Job) -> None:
    site = job.environment.site
    assert site.put_contract("glass", LABELLED).status == "applied"
    for label, name in (("Fraud", "a"), ("Legit", "b")):
        site.drop(f"claims/glass/{name}.csv", f"claim_id,broken_on,amount,class\nf3,2026-02-01,10,{label}\n")
    for decided in ("true,2026-02-10", "false,2026-02-20", "true,2026-02-15"):
        site.drop(
            f"outcomes/glass/{decided}.csv",
            f"claim_id,is_fraud,decided_at,source\nf1,{decided}T10:00:00,referral\n",
        )

    for as_of in (None, date(2100, 1, 1)):
        job.run(MAKES_A_MODEL % "", as_of=as_of)

    [one] = site.query("SELECT DISTINCT data_sha256 FROM claimwatch.model_version")
    assert site.query("SELECT is_fraud FROM claimwatch.current_outcome WHERE claim_id = 'f3'") == [
        {"is_fraud": False}
    ]
    assert one


def test_a_back_test_is_compared_with_the_champion_of_its_day(job: Job) -> None:
    job.run(MAKES_A_MODEL % "")
    with job.environment.site.database.transaction() as cursor:
        version = models.find_version(cursor, LINE, "1")
        models.add_promotion(
            cursor, "r", LINE, "champion", "promote", version, by="ann", why="first", caller="the test"
        )
    today = datetime.now(UTC).date()

    job.run(MAKES_A_MODEL % AS_ASKED, as_of=today - timedelta(days=1))
    job.run(MAKES_A_MODEL % AS_ASKED, as_of=today)

    found = [manifest_of(job, version)["details"]["champion"] for version in "23"]
    assert found == [None, "a graph"]


def test_the_run_receives_the_champion_for_comparison(job: Job) -> None:
    job.run(MAKES_A_MODEL % "")
    [model] = job.environment.site.query("SELECT * FROM claimwatch.model_version")
    with job.environment.site.database.transaction() as cursor:
        version = models.find_version(cursor, LINE, "1")
        models.add_promotion(
            cursor, "r", LINE, "champion", "promote", version, by="ann", why="first", caller="the test"
        )

    job.run(MAKES_A_MODEL % "")

    manifest = json.loads(job.environment.site.objects.newest("artifacts", "models/glass/2/manifest.json"))
    assert model["version"] == "1"
    assert manifest["details"] == {"champion": "a graph", "pinned": model["bundle_sha256"]}


def test_a_champion_that_differs_from_the_promoted_one_is_not_used(job: Job) -> None:
    job.run(MAKES_A_MODEL % "")
    with job.environment.site.database.transaction() as cursor:
        version = models.find_version(cursor, LINE, "1")
        models.add_promotion(
            cursor, "r", LINE, "champion", "promote", version, by="ann", why="first", caller="the test"
        )
    objects = job.environment.site.objects
    changed = json.loads(objects.newest("artifacts", "models/glass/1/manifest.json"))
    changed["threshold"] = 0.0
    objects.write("artifacts", "models/glass/1/manifest.json", [json.dumps(changed).encode()])

    status, error = job.run("raise SystemExit('the run must not start')")

    assert status == "failed"
    assert "manifest.json has the hash" in str(error)


def test_a_champion_never_writes_a_file_outside_of_its_folder(job: Job, tmp_path: Path) -> None:
    job.run(MAKES_A_MODEL % "")
    objects = job.environment.site.objects
    manifest = json.loads(objects.newest("artifacts", "models/glass/1/manifest.json"))
    hostile = str(tmp_path / "authorized_keys")
    manifest["parts"] = {hostile: vars(Part.of(b"a key"))}
    content = json.dumps(manifest).encode()
    objects.write("artifacts", "models/glass/1/manifest.json", [content])
    objects.write("artifacts", f"models/glass/1/{hostile}", [b"a key"])
    with job.environment.site.database.transaction() as cursor:
        version = models.find_version(cursor, LINE, "1")
        assert version is not None
        pinned = replace(version, bundle_sha256=hashlib.sha256(content).hexdigest())
        models.add_promotion(
            cursor, "r", LINE, "champion", "promote", pinned, by="ann", why="first", caller="the test"
        )

    status, error = job.run("raise SystemExit('the run must not start')")

    assert status == "failed"
    assert "name is not allowed" in str(error)
    assert not (tmp_path / "authorized_keys").exists()


def test_a_stored_model_is_never_replaced(job: Job) -> None:
    objects = job.environment.site.objects
    objects.write("artifacts", "models/glass/1/model.onnx", [b"another graph"])

    status, error = job.run(MAKES_A_MODEL % "")

    assert (status, "other bytes" in str(error)) == ("failed", True)
    assert objects.newest("artifacts", "models/glass/1/model.onnx") == b"another graph"


def test_a_model_that_fails_a_gate_is_registered_as_refused_with_the_reason(job: Job) -> None:
    details = (
        'details["refused_because"] = "worse than the champion"; details["refused_columns"] = {"paid": "no"}'
    )
    ended = job.run(MAKES_A_MODEL % details)

    assert ended == ("refused", "worse than the champion")
    [model] = job.environment.site.query(
        "SELECT status, refused_because, refused_columns FROM claimwatch.model_version"
    )
    assert model == {
        "status": "refused",
        "refused_because": "worse than the champion",
        "refused_columns": {"paid": "no"},
    }


def test_the_failed_gates_and_the_hash_of_what_is_served_are_registered(job: Job) -> None:
    for gates in (["bias"], ["bias"], []):
        refusal = "bias: women" if gates else None
        job.run(MAKES_A_MODEL % f"details = {{'refused_because': {refusal!r}, 'failed_gates': {gates}}}")

    found = job.environment.site.query(
        "SELECT failed_gates, served_sha256, bundle_sha256 FROM claimwatch.model_version ORDER BY version"
    )
    assert [model["failed_gates"] for model in found] == [["bias"], ["bias"], []]
    assert len({model["served_sha256"] for model in found}) == 1
    assert len({model["bundle_sha256"] for model in found}) == 3


def test_unusable_data_is_refused_with_the_reason(job: Job) -> None:
    ended = job.run("print('Refused: no claim has an outcome'); raise SystemExit(1)")

    assert ended == ("refused", "no claim has an outcome")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("raise MemoryError", "exit code 1"),
        ("print('Failed: MemoryError'); raise SystemExit(2)", "exit code 2: MemoryError"),
        ("import os; os.kill(os.getpid(), 9)", "ended by SIGKILL"),
        ("import time; time.sleep(60)", "did not end in time"),
        ("print('done')", "manifest.json"),
    ],
    ids=["broken", "crash", "kill", "hang", "no result"],
)
def test_an_unsuccessful_run_is_failed_and_reported(job: Job, script: str, message: str) -> None:
    status, error = job.run(script, hours=301.5 / 3600)  # five minutes are reserved for recording the end

    assert status == "failed"
    assert message in str(error)
    assert [alert.subject for alert in job.environment.site.alerts] == [
        "Claimwatch could not train a model of line glass"
    ]
    assert job.environment.site.query("SELECT * FROM claimwatch.model_version") == []


def test_what_a_crash_says_about_claims_is_neither_recorded_nor_mailed_nor_printed(
    job: Job, capfd: pytest.CaptureFixture[str]
) -> None:
    crash = "could not convert string to float: 'Jane Roe 1980-02-03'"
    stray = f"import os; print('1 claim', flush=True); os.write(2, b'Jane Roe'); raise ValueError({crash!r})"
    own = f"""
import sys
import training.run
from training.__main__ import _own_output, main
def broken(*_):
    raise ValueError({crash!r})
training.run.train = broken
sys.exit(main(report=_own_output()))
"""
    for script in (stray, own):
        status, error = job.run(script)
        assert status == "failed"
        assert "Jane" not in str(error)
    assert "exit code 2: ValueError in __main__._train, line " in str(error)
    alerts = job.environment.site.alerts
    assert len(alerts) == 2
    assert "Jane" not in " ".join(alert.message for alert in alerts)
    printed = capfd.readouterr()
    assert "1 claim" in printed.out
    assert "Jane" not in printed.out + printed.err


def test_an_unexpected_error_of_the_job_itself_is_told_without_its_message(
    job: Job, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> str:
        raise ValueError("Jane Roe")

    monkeypatch.setattr("training.job.take_snapshot", broken)
    status, error = job.run("")
    assert status == "failed"
    assert str(error).startswith("unexpected error: ValueError in job._train, line ")
    assert "Jane" not in "".join(capfd.readouterr())
