"""Failing trainings: the instance is always terminated, and exactly one alert says why."""

import base64
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.deployed import Deployed, eventually

RUN = "bash training/bootstrap.sh\n"
"""The last line of the user data, which these tests modify."""

HANGS = "echo 'import time; time.sleep(3600)' >> training/run.py\n"


@dataclass
class Trainings:
    """Starts trainings with modified user data; everything else is as deployed."""

    deployed: Deployed
    template: str

    def sabotage(self, before: str = "", run: str = RUN) -> None:
        """Add commands before the run, or replace the run."""
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
        """Start a training and return its id."""
        request = {"training_id": str(uuid.uuid4()), "line": "motor", "why": "the test", "asked_by": "ann"}
        started = self.deployed.invoke("StartTraining", request)
        assert started["status"] == "running", started
        return request["training_id"]

    def row(self, training_id: str) -> dict[str, Any]:
        [row] = self.deployed.query("SELECT * FROM claimwatch.training WHERE training_id = %s", training_id)
        return row

    def error(self, training_id: str) -> str:
        """Wait until a training has failed and return its error; check its instance and its alert."""
        eventually(lambda: self.row(training_id)["ended_at"] is not None, "the training has ended")
        row = self.row(training_id)
        assert row["status"] == "failed", row
        eventually(lambda: not self.deployed.running_instances(), "the instance is terminated")
        eventually(lambda: self.row(training_id)["notified_at"] is not None, "the alert is sent")
        self.deployed.invoke("WatchTrainings", {})  # it sends no second alert
        alerts = [alert for alert in self.deployed.alerts() if training_id in alert["Message"]]
        assert len(alerts) == 1
        assert "could not train a model of line motor" in alerts[0]["Subject"]
        assert row["error"] in alerts[0]["Message"]
        return str(row["error"])


@pytest.fixture
def trainings(deployed: Deployed) -> Iterator[Trainings]:
    started = Trainings(deployed, deployed.resource("TrainingTemplate"))
    yield started
    started.sabotage()  # restores the original as the newest version


def test_a_crash_is_reported(trainings: Trainings) -> None:
    trainings.sabotage("echo 'raise MemoryError' >> training/run.py\n")

    assert "exit code 2: MemoryError in run" in trainings.error(trainings.start())


def test_a_process_killed_for_its_memory_is_reported(trainings: Trainings) -> None:
    trainings.sabotage("echo 'import os; os.kill(os.getpid(), 9)' >> training/run.py\n")

    assert "SIGKILL" in trainings.error(trainings.start())


def test_a_full_disk_is_reported(trainings: Trainings) -> None:
    # Files are limited to 1 KiB, so the first file, the snapshot, does not fit.
    trainings.sabotage("ulimit -f 1\n")

    assert "File too large" in trainings.error(trainings.start())


def test_a_hanging_training_is_ended_and_reported(trainings: Trainings) -> None:
    trainings.sabotage(HANGS)
    functions, name = trainings.deployed.client("lambda"), trainings.deployed.resource("StartTraining")
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    # The training reserves all but a few seconds of this time for recording its end.
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": variables | {"TRAINING_MAX_HOURS": str(306 / 3600)}}
    )
    try:
        training_id = trainings.start()
    finally:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})

    assert "did not end in time" in trainings.error(training_id)


def test_the_watchdog_terminates_a_hanging_instance(trainings: Trainings) -> None:
    trainings.sabotage(run="sleep 3600\n")
    training_id = trainings.start()
    trainings.deployed.invoke("WatchTrainings", {})
    assert trainings.row(training_id)["status"] == "running"  # it still has time

    trainings.deployed.query(
        "UPDATE claimwatch.training SET deadline = now() WHERE training_id = %s",
        training_id,
    )
    trainings.deployed.invoke("WatchTrainings", {})

    assert "took longer than" in trainings.error(training_id)


def test_an_instance_that_fails_before_the_training_is_reported(trainings: Trainings) -> None:
    trainings.sabotage("echo nonsense > training/requirements.txt\ndnf() { return 1; }\nexport -f dnf\n")

    assert "ended before the training did" in trainings.error(trainings.start())


def test_a_reclaimed_spot_instance_of_a_training_requested_by_event_is_reported(trainings: Trainings) -> None:
    trainings.sabotage(HANGS)
    who = f"event-{uuid.uuid4()}"
    detail = {"line": "motor", "why": "quality was lost", "asked_by": who}
    request = {"Source": "claimwatch", "DetailType": "TrainingRequested", "Detail": json.dumps(detail)}
    bus = trainings.deployed.outputs["RequestBusName"]
    trainings.deployed.client("events").put_events(Entries=[request | {"EventBusName": bus}])

    def running() -> list[dict[str, Any]]:
        return trainings.deployed.query(
            "SELECT training_id FROM claimwatch.training WHERE asked_by = %s AND status = 'running'", who
        )

    eventually(lambda: bool(running()), "the training is running")
    training_id = running()[0]["training_id"]
    instance_id = trainings.row(training_id)["instance_id"]
    eventually(lambda: trainings.deployed.running_instances() == [instance_id], "the instance runs")

    trainings.deployed.client("ec2").terminate_instances(InstanceIds=[instance_id])

    assert "ended before the training did" in trainings.error(training_id)


def test_a_line_has_at_most_one_running_training(trainings: Trainings) -> None:
    trainings.sabotage(run="sleep 3600\n")
    training_id = trainings.start()

    answer = trainings.deployed.command("train", "motor", "--why", "impatience")

    assert "already being trained" in answer["error"]
    trainings.deployed.client("ec2").terminate_instances(
        InstanceIds=[trainings.row(training_id)["instance_id"]]
    )
    trainings.error(training_id)
