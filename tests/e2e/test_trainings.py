"""Trainings that do not end well: whatever happens, the instance is gone, and people are told why, once."""

import base64
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.deployed import Deployed, eventually

RUN = "bash training/bootstrap.sh\n"
"""The line of the user data that is spoilt, in one way or another."""

HANGS = "echo 'import time; time.sleep(3600)' >> training/run.py\n"


@dataclass
class Ground:
    """Where trainings start from user data of the test's own, all else as deployed."""

    deployed: Deployed
    template: str

    def spoil(self, before: str = "", run: str = RUN) -> None:
        """Something else stands in front of the run, or in its place."""
        ec2 = self.deployed.client("ec2")
        (version,) = ec2.describe_launch_template_versions(LaunchTemplateId=self.template, Versions=["1"])[
            "LaunchTemplateVersions"
        ]
        script = base64.b64decode(version["LaunchTemplateData"]["UserData"]).decode()
        assert script.endswith(RUN)
        script = script.removesuffix(RUN) + before + run
        ec2.create_launch_template_version(
            LaunchTemplateId=self.template,
            SourceVersion="1",
            LaunchTemplateData={"UserData": base64.b64encode(script.encode()).decode()},
        )

    def start(self) -> str:
        """Ask for a training; its id."""
        asked = {"training_id": str(uuid.uuid4()), "line": "motor", "why": "the test", "asked_by": "ann"}
        started = self.deployed.invoke("StartTraining", asked)
        assert started["status"] == "running", started
        return asked["training_id"]

    def row(self, training_id: str) -> dict[str, Any]:
        [row] = self.deployed.query("SELECT * FROM claimwatch.training WHERE training_id = %s", training_id)
        return row

    def error(self, training_id: str) -> str:
        """Why it failed, once it has; its instance is gone then, and it was told of once."""
        eventually(lambda: self.row(training_id)["ended_at"] is not None, "the training has ended")
        row = self.row(training_id)
        assert row["status"] == "failed", row
        eventually(lambda: not self.deployed.running_instances(), "the instance is gone")
        eventually(lambda: self.row(training_id)["notified_at"] is not None, "people have been told")
        self.deployed.invoke("WatchTrainings", {})  # it finds nothing more to say
        told = [alert for alert in self.deployed.listen() if training_id in alert["Message"]]
        assert len(told) == 1
        assert "could not train a model of line motor" in told[0]["Subject"]
        assert row["error"] in told[0]["Message"]
        return str(row["error"])


@pytest.fixture
def ground(deployed: Deployed) -> Iterator[Ground]:
    made = Ground(deployed, deployed.resource("TrainingTemplate"))
    yield made
    made.spoil()  # with nothing: the newest version is as the stack made it


def test_a_run_that_crashes(ground: Ground) -> None:
    ground.spoil("echo 'raise MemoryError' >> training/run.py\n")

    assert "exit code 1: MemoryError" in ground.error(ground.start())


def test_a_run_that_is_killed_for_its_memory(ground: Ground) -> None:
    ground.spoil("echo 'import os; os.kill(os.getpid(), 9)' >> training/run.py\n")

    assert "SIGKILL" in ground.error(ground.start())


def test_a_run_that_finds_its_disk_full(ground: Ground) -> None:
    # No file may grow beyond 1 KiB: the snapshot, the first that is written, does not fit.
    ground.spoil("ulimit -f 1\n")

    assert "File too large" in ground.error(ground.start())


def test_a_run_that_hangs(ground: Ground) -> None:
    ground.spoil(HANGS)
    functions, name = ground.deployed.client("lambda"), ground.deployed.resource("StartTraining")
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    # All but a few seconds of it are kept for writing down how it ended.
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": variables | {"TRAINING_MAX_HOURS": str(306 / 3600)}}
    )
    try:
        training_id = ground.start()
    finally:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})

    assert "did not end in time" in ground.error(training_id)


def test_a_machine_that_hangs_is_ended_by_the_watchdog(ground: Ground) -> None:
    ground.spoil(run="sleep 3600\n")
    training_id = ground.start()
    ground.deployed.invoke("WatchTrainings", {})
    assert ground.row(training_id)["status"] == "running"  # it still has time

    ground.deployed.query(
        "UPDATE claimwatch.training SET deadline = now() WHERE training_id = %s",
        training_id,
    )
    ground.deployed.invoke("WatchTrainings", {})

    assert "took longer than" in ground.error(training_id)


def test_a_machine_that_breaks_before_the_training_begins(ground: Ground) -> None:
    ground.spoil("echo nonsense > training/requirements.txt\ndnf() { return 1; }\nexport -f dnf\n")

    assert "ended before the training had" in ground.error(ground.start())


def test_a_spot_instance_that_is_taken_away_from_a_training_that_an_event_asked_for(ground: Ground) -> None:
    ground.spoil(HANGS)
    who = f"event-{uuid.uuid4()}"
    detail = {"line": "motor", "why": "quality was lost", "asked_by": who}
    ground.deployed.client("events").put_events(
        Entries=[{"Source": "claimwatch", "DetailType": "TrainingRequested", "Detail": json.dumps(detail)}]
    )

    def begun() -> list[dict[str, Any]]:
        return ground.deployed.query(
            "SELECT training_id FROM claimwatch.training WHERE asked_by = %s AND status = 'running'", who
        )

    eventually(lambda: bool(begun()), "the training has begun")
    training_id = begun()[0]["training_id"]
    instance_id = ground.row(training_id)["instance_id"]
    eventually(lambda: ground.deployed.running_instances() == [instance_id], "the instance runs")

    ground.deployed.client("ec2").terminate_instances(InstanceIds=[instance_id])

    assert "ended before the training had" in ground.error(training_id)


def test_while_one_training_of_a_line_runs_there_is_no_other(ground: Ground) -> None:
    ground.spoil(run="sleep 3600\n")
    training_id = ground.start()

    told = ground.deployed.command("train", "motor", "--why", "impatience")

    assert "being trained already" in told["error"]
    ground.deployed.client("ec2").terminate_instances(InstanceIds=[ground.row(training_id)["instance_id"]])
    ground.error(training_id)
