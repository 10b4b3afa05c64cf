"""A training is started once, its machine is gone afterwards, and how it ended is told."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from claimwatch.aws.training_instances import InstanceUnavailable, TrainingInstance
from claimwatch.errors import RefusedData
from claimwatch.models import trainings
from claimwatch.storage.models import Training
from tests.cluster import database_at
from tests.integration.models.environment import LINE, House


@dataclass
class Yard:
    """Machines of the test's own."""

    machines: dict[str, TrainingInstance] = field(default_factory=dict)
    empty: bool = False

    def start(self, training_id: str) -> str:
        """The same id, the same machine."""
        if self.empty:
            raise InstanceUnavailable("EC2 starts no instance: InsufficientInstanceCapacity")
        return self.machines.setdefault(
            training_id,
            TrainingInstance(f"i-{len(self.machines)}", training_id, ended=False, reason="running"),
        ).instance_id

    def all(self) -> list[TrainingInstance]:
        """All of them."""
        return list(self.machines.values())

    def end(self, instance_id: str) -> None:
        """One is ended."""
        self.vanish(instance_id, "User initiated")

    def vanish(self, instance_id: str, reason: str) -> None:
        """One ends by itself."""
        for training_id, machine in self.machines.items():
            if machine.instance_id == instance_id:
                self.machines[training_id] = replace(machine, ended=True, reason=reason)


@dataclass
class Office:
    """Where trainings are asked for."""

    house: House
    yard: Yard

    @property
    def place(self) -> trainings.Dependencies:
        """Of the use cases."""
        site = self.house.site
        return trainings.Dependencies(site.database, self.yard, site, timedelta(hours=2))

    def start(self, training_id: str = "t1", line: str = LINE) -> Training:
        """Ask for one."""
        return trainings.start_training(self.place, training_id, line, why="drift", asked_by="ann")

    def watch(self, later: timedelta = timedelta()) -> list[str]:
        """The watchdog looks."""
        return trainings.watch_trainings(self.place, datetime.now(UTC) + later)

    def end(self, end: trainings.End, error: str | None = None, training_id: str = "t1") -> None:
        """The training says how it went."""
        trainings.end_training(self.house.site.database, self.house.site, training_id, end, error)

    def status(self, training_id: str = "t1") -> tuple[str, str | None]:
        """Status and error."""
        [row] = self.house.site.query(
            "SELECT status, error FROM claimwatch.training WHERE training_id = %s", training_id
        )
        return row["status"], row["error"]

    @property
    def told(self) -> list[str]:
        """Subjects."""
        return [alert.subject for alert in self.house.site.alerts]


@pytest.fixture
def office(house: House) -> Office:
    house.site.alerts.clear()
    return Office(house, Yard())


def test_a_training_gets_a_machine_and_the_next_version(office: Office) -> None:
    started = office.start()

    assert (started.status, started.version, started.instance_id) == ("running", "1", "i-0")
    assert started.deadline - started.asked_at == timedelta(hours=2)
    office.end("registered")
    assert office.told == ["Claimwatch trained model 1 of line glass"]
    assert office.start("t2").version == "2"


def test_the_same_request_again_starts_one_machine(office: Office) -> None:
    assert office.start() == office.start()
    assert len(office.yard.machines) == 1


def test_of_one_line_there_is_one_training_at_a_time(office: Office) -> None:
    office.start()

    with pytest.raises(RefusedData, match="already being trained"):
        office.start("t2")

    assert len(office.yard.machines) == 1
    office.end("failed", "it broke")
    assert office.start("t2").status == "running"


def test_a_line_without_a_contract_is_not_trained(office: Office) -> None:
    with pytest.raises(RefusedData, match="no contract"):
        office.start(line="marine")


def test_where_there_is_no_machine_the_training_has_failed_and_people_are_told(office: Office) -> None:
    office.yard.empty = True

    assert office.start().status == "failed"

    assert "InsufficientInstanceCapacity" in str(office.status())
    assert office.told == ["Claimwatch could not train a model of line glass"]


def test_a_function_that_died_between_the_entry_and_the_machine_goes_on_when_it_is_called_again(
    office: Office,
) -> None:
    office.yard.start("t1")  # EC2 had started it, and nobody wrote that down
    office.house.site.query(
        "INSERT INTO claimwatch.training (training_id, line, version, why, asked_by, deadline)"
        " VALUES ('t1', 'glass', '1', 'w', 'a', now() + interval '1 hour') RETURNING training_id"
    )

    assert office.start().instance_id == "i-0"


def test_a_machine_that_vanishes_ends_its_training_and_people_are_told_why(office: Office) -> None:
    office.start()
    assert office.watch() == []
    office.yard.vanish("i-0", "Server.SpotInstanceTermination")

    assert office.watch() == ["t1"]
    assert office.watch() == []

    status, error = office.status()
    assert status == "failed"
    assert "SpotInstanceTermination" in str(error)
    assert office.told == ["Claimwatch could not train a model of line glass"]


def test_a_training_that_takes_too_long_is_ended_with_its_machine(office: Office) -> None:
    office.start()

    office.watch(timedelta(hours=3))

    assert "longer than 2 hours" in str(office.status())
    assert office.yard.machines["t1"].ended
    assert len(office.told) == 1


def test_a_training_that_never_got_a_machine_fails_after_a_while(office: Office) -> None:
    office.start()
    office.yard.machines.clear()

    assert office.watch(timedelta(minutes=5)) == []
    assert office.watch(timedelta(minutes=15)) == ["t1"]


def test_what_a_training_said_itself_stands(office: Office) -> None:
    office.start()
    office.end("refused", "worse than the champion")
    office.yard.vanish("i-0", "Client.InstanceInitiatedShutdown")

    office.watch()

    assert office.status() == ("refused", "worse than the champion")
    assert office.told == ["Claimwatch refused model 1 of line glass"]


def test_a_machine_that_did_not_end_itself_is_ended(office: Office) -> None:
    office.start()
    office.end("registered")
    office.yard.start("nobody knows")

    office.watch()

    assert all(machine.ended for machine in office.yard.all())


def test_a_notice_that_could_not_be_sent_is_sent_by_the_watchdog(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.start()

    def away(*_: str) -> None:
        raise ConnectionError

    with monkeypatch.context() as outage:
        outage.setattr(office.house.site, "publish", away)
        with pytest.raises(ConnectionError):
            office.end("failed", "it broke")
    office.watch()
    office.watch()

    assert office.told == ["Claimwatch could not train a model of line glass"]


def test_a_training_and_the_watchdog_that_tell_of_its_end_at_once_tell_it_once(
    office: Office, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.start()
    office.end("failed", "it broke")
    office.house.site.alerts.clear()
    office.house.site.query("UPDATE claimwatch.training SET notified_at = NULL RETURNING training_id")
    told = office.house.site.publish

    def slowly(subject: str, message: str) -> None:
        time.sleep(0.2)
        told(subject, message)

    monkeypatch.setattr(office.house.site, "publish", slowly)

    def one(_: int) -> None:
        with closing(database_at(database_url)) as database:
            trainings.end_training(database, office.house.site, "t1", "failed", "it broke")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(4)))

    assert office.told == ["Claimwatch could not train a model of line glass"]


def test_a_training_that_died_before_it_had_a_machine_does_not_stand_in_the_way_for_ever(
    office: Office,
) -> None:
    office.house.site.query(
        "INSERT INTO claimwatch.training (training_id, line, version, why, asked_by, asked_at, deadline)"
        " VALUES ('t1', 'glass', '1', 'w', 'a', now() - interval '20 minutes', now() + interval '1 hour')"
        " RETURNING training_id"
    )

    assert office.start("t2").status == "running"
    assert office.status("t1")[0] == "failed"


def test_while_there_are_no_machines_the_watchdog_leaves_the_database_asleep(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def awake(*_: object) -> None:
        raise AssertionError("the database was asked")

    with monkeypatch.context() as night:
        night.setattr(office.house.site.database, "transaction", awake)
        assert trainings.watch_instances(office.place) == []
    office.start()
    office.yard.vanish("i-0", "gone")
    assert trainings.watch_instances(office.place) == ["t1"]
