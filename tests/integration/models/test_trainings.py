"""A training starts once, its instance is terminated afterwards, and its end is reported."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from claimwatch.aws.training_instances import InstanceUnavailable, TrainingInstance
from claimwatch.errors import RefusedData
from claimwatch.models import trainings
from claimwatch.models.trainings import TrainingRequest
from claimwatch.storage.models import Training
from tests.integration.models.environment import CALLER, LINE, ModelEnvironment


@dataclass
class FakeInstances:
    """Instances in memory."""

    by_training: dict[str, TrainingInstance] = field(default_factory=dict)
    out_of_capacity: bool = False

    def start(self, training_id: str) -> str:
        """Start an instance, only one for each training."""
        if self.out_of_capacity:
            raise InstanceUnavailable("EC2 starts no instance: InsufficientInstanceCapacity")
        return self.by_training.setdefault(
            training_id,
            TrainingInstance(f"i-{len(self.by_training)}", training_id, ended=False, reason="running"),
        ).instance_id

    def all(self) -> list[TrainingInstance]:
        """Return all instances."""
        return list(self.by_training.values())

    def end(self, instance_id: str) -> None:
        """Terminate an instance."""
        self.vanish(instance_id, "User initiated")

    def vanish(self, instance_id: str, reason: str) -> None:
        """Let an instance end by itself."""
        for training_id, instance in self.by_training.items():
            if instance.instance_id == instance_id:
                self.by_training[training_id] = replace(instance, ended=True, reason=reason)


@dataclass
class Trainings:
    """Starts and watches trainings of line glass."""

    environment: ModelEnvironment
    instances: FakeInstances

    @property
    def deps(self) -> trainings.Dependencies:
        """The dependencies of the use cases."""
        site = self.environment.site
        return trainings.Dependencies(
            site.database.as_task("dispatch"), self.instances, site, timedelta(hours=2)
        )

    def start(self, training_id: str = "t1", line: str = LINE, **given: Any) -> Training:
        """Request a training."""
        request = TrainingRequest(line, **{"why": "drift", "asked_by": "ann"} | given)
        return trainings.start_training(self.deps, training_id, request, CALLER)

    def watch(self, later: timedelta = timedelta()) -> list[str]:
        """Run the watchdog."""
        return trainings.watch_trainings(self.deps, datetime.now(UTC) + later)

    def end(self, end: trainings.End, error: str | None = None, training_id: str = "t1") -> None:
        """Record how a training ended."""
        trainings.end_training(
            self.environment.site.database.as_task("training"), self.environment.site, training_id, end, error
        )

    def status(self, training_id: str = "t1") -> tuple[str, str | None]:
        """Return status and error."""
        [row] = self.environment.site.query(
            "SELECT status, error FROM claimwatch.training WHERE training_id = %s", training_id
        )
        return row["status"], row["error"]

    @property
    def alerts(self) -> list[str]:
        """The subjects of the alerts."""
        return [alert.subject for alert in self.environment.site.alerts]


@pytest.fixture
def trained(environment: ModelEnvironment) -> Trainings:
    environment.site.alerts.clear()
    return Trainings(environment, FakeInstances())


def test_a_training_gets_an_instance_and_the_next_version(trained: Trainings) -> None:
    started = trained.start()

    assert (started.status, started.version, started.instance_id) == ("running", "1", "i-0")
    assert started.deadline - started.asked_at == timedelta(hours=2)
    trained.end("registered")
    assert trained.alerts == ["Claimwatch trained model 1 of line glass"]
    assert trained.start("t2").version == "2"


def test_the_alert_says_how_many_warnings_the_model_has_and_quotes_none(trained: Trainings) -> None:
    answered = [
        {"kind": "strong_feature", "column": name, "found": "ROC-AUC 0.93 alone"} for name in ("panes", "age")
    ]
    proxy = {"kind": "proxy", "column": "region", "found": "it tells the region"}
    for version, warnings in enumerate(([], [proxy], answered[:1], [*answered, proxy]), 1):
        trained.start(f"t{version}")
        trained.environment.register(str(version), warnings=warnings)
        trained.end("registered", training_id=f"t{version}")

    texts = [alert.message for alert in trained.environment.site.alerts]
    assert [re.findall("It has .*", text) for text in texts] == [
        ["It has no warnings."],
        ["It has 1 warning."],
        ["It has 1 warning. Whoever promotes it has to look into them and name 1 column with --trust."],
        ["It has 3 warnings. Whoever promotes it has to look into them and name 2 columns with --trust."],
    ]
    assert all("Its metrics and warnings: claimwatch models glass" in text for text in texts)
    assert not any("0.93" in text or "the region" in text for text in texts)


def test_a_training_records_the_verified_caller_beside_the_written_name(trained: Trainings) -> None:
    started = trained.start()

    assert (started.asked_by, started.caller) == ("ann", CALLER)


@pytest.mark.parametrize(
    ("field", "text"),
    [("asked_by", "a\x1b[2J"), ("asked_by", ""), ("why", "a\nb"), ("why", " "), ("why", "x" * 2001)],
)
def test_a_training_is_refused_if_its_texts_cannot_be_stored(
    trained: Trainings, field: str, text: str
) -> None:
    with pytest.raises(RefusedData):
        trained.start(**{field: text})
    assert trained.environment.site.query("SELECT FROM claimwatch.training") == []


def test_a_back_test_and_trusted_columns_are_stored_with_the_training(trained: Trainings) -> None:
    started = trained.start(as_of=date(2026, 3, 31), trust=("amount",))

    assert (started.as_of, started.trusted) == (date(2026, 3, 31), ["amount"])
    [row] = trained.environment.site.query("SELECT as_of, trusted FROM claimwatch.training")
    assert row == {"as_of": date(2026, 3, 31), "trusted": ["amount"]}


def test_the_alert_about_a_back_test_has_the_command_that_promotes_its_model(trained: Trainings) -> None:
    trained.start(as_of=date(2026, 3, 31))

    trained.end("registered")

    [alert] = trained.environment.site.alerts
    assert "claimwatch promote glass 1 --as challenger --as-of 2026-03-31 --why" in alert.message
    assert "warnings" in alert.message


def test_a_back_test_needs_a_day_that_is_over(trained: Trainings) -> None:
    today = datetime.now(UTC).date()
    for day in (today, today + timedelta(days=1)):
        with pytest.raises(RefusedData, match=f"must be before {today}"):
            trained.start(as_of=day)
    assert trained.start(as_of=today - timedelta(days=1)).status == "running"


@pytest.mark.parametrize("column", ["amuont", "claim_id", "driver"])
def test_a_trusted_column_that_is_not_a_feature_is_refused_without_being_quoted(
    trained: Trainings, column: str
) -> None:
    with pytest.raises(RefusedData, match="1 of the columns to trust is not a feature") as refused:
        trained.start(trust=("amount", column))
    assert column not in str(refused.value)
    assert "amount" in str(refused.value)


def test_a_repeated_request_starts_only_one_instance(trained: Trainings) -> None:
    assert trained.start() == trained.start()
    assert len(trained.instances.by_training) == 1


def test_a_line_has_at_most_one_running_training(trained: Trainings) -> None:
    trained.start()

    with pytest.raises(RefusedData, match="already being trained"):
        trained.start("t2")

    assert len(trained.instances.by_training) == 1
    trained.end("failed", "it broke")
    assert trained.start("t2").status == "running"


def test_a_line_without_a_contract_is_not_trained(trained: Trainings) -> None:
    with pytest.raises(RefusedData, match="no contract"):
        trained.start(line="marine")


def test_a_training_without_an_available_instance_is_failed_and_reported(trained: Trainings) -> None:
    trained.instances.out_of_capacity = True

    assert trained.start().status == "failed"

    assert "InsufficientInstanceCapacity" in str(trained.status())
    assert trained.alerts == ["Claimwatch could not train a model of line glass"]


def test_a_repeated_request_finds_the_instance_that_a_dead_function_started(trained: Trainings) -> None:
    trained.instances.start("t1")  # EC2 started it, but the function died before it recorded that
    trained.environment.site.query(
        "INSERT INTO claimwatch.training (training_id, line, version, why, asked_by, deadline)"
        " VALUES ('t1', 'glass', '1', 'w', 'a', now() + interval '1 hour') RETURNING training_id"
    )

    assert trained.start().instance_id == "i-0"


def test_a_vanished_instance_fails_its_training_and_is_reported(trained: Trainings) -> None:
    trained.start()
    assert trained.watch() == []
    trained.instances.vanish("i-0", "Server.SpotInstanceTermination")

    assert trained.watch() == ["t1"]
    assert trained.watch() == []

    status, error = trained.status()
    assert status == "failed"
    assert "SpotInstanceTermination" in str(error)
    assert trained.alerts == ["Claimwatch could not train a model of line glass"]


def test_an_overdue_training_is_ended_with_its_instance(trained: Trainings) -> None:
    trained.start()

    trained.watch(timedelta(hours=3))

    assert "longer than 2 hours" in str(trained.status())
    assert trained.instances.by_training["t1"].ended
    assert len(trained.alerts) == 1


def test_a_training_that_never_got_an_instance_fails_after_a_while(trained: Trainings) -> None:
    trained.start()
    trained.instances.by_training.clear()

    assert trained.watch(timedelta(minutes=5)) == []
    assert trained.watch(timedelta(minutes=15)) == ["t1"]


def test_the_end_that_a_training_recorded_stays(trained: Trainings) -> None:
    trained.start()
    trained.end("refused", "worse than the champion")
    trained.instances.vanish("i-0", "Client.InstanceInitiatedShutdown")

    trained.watch()

    assert trained.status() == ("refused", "worse than the champion")
    assert trained.alerts == ["Claimwatch refused model 1 of line glass"]


def test_an_instance_that_did_not_end_itself_is_terminated(trained: Trainings) -> None:
    trained.start()
    trained.end("registered")
    trained.instances.start("unknown")

    trained.watch()

    assert all(instance.ended for instance in trained.instances.all())


@pytest.mark.parametrize(
    ("end", "error", "subject"),
    [
        ("registered", None, "Claimwatch trained model 1 of line glass"),
        ("failed", "it broke", "Claimwatch could not train a model of line glass"),
    ],
)
def test_an_alert_that_could_not_be_sent_is_sent_by_the_watchdog(
    trained: Trainings, monkeypatch: pytest.MonkeyPatch, end: trainings.End, error: str | None, subject: str
) -> None:
    trained.start()

    def unavailable(*_: str) -> None:
        raise ConnectionError

    with monkeypatch.context() as outage:
        outage.setattr(trained.environment.site, "publish", unavailable)
        with pytest.raises(ConnectionError):
            trained.end(end, error)
    trained.watch()
    trained.watch()

    assert trained.alerts == [subject]


def test_concurrent_reports_of_an_end_send_one_alert(
    trained: Trainings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained.start()
    trained.end("failed", "it broke")
    trained.environment.site.alerts.clear()
    trained.environment.site.query("UPDATE claimwatch.training SET notified_at = NULL RETURNING training_id")
    publish = trained.environment.site.publish

    def slowly(subject: str, message: str) -> None:
        time.sleep(0.2)
        publish(subject, message)

    monkeypatch.setattr(trained.environment.site, "publish", slowly)

    def one(_: int) -> None:
        with closing(trained.environment.site.database.separately("training")) as database:
            trainings.end_training(database, trained.environment.site, "t1", "failed", "it broke")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(4)))

    assert trained.alerts == ["Claimwatch could not train a model of line glass"]


def test_a_training_that_died_without_an_instance_does_not_block_the_line(
    trained: Trainings,
) -> None:
    trained.environment.site.query(
        "INSERT INTO claimwatch.training (training_id, line, version, why, asked_by, asked_at, deadline)"
        " VALUES ('t1', 'glass', '1', 'w', 'a', now() - interval '20 minutes', now() + interval '1 hour')"
        " RETURNING training_id"
    )

    assert trained.start("t2").status == "running"
    assert trained.status("t1")[0] == "failed"


def test_without_instances_the_watchdog_does_not_wake_the_database(
    trained: Trainings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unexpected(*_: object) -> None:
        raise AssertionError("the database was queried")

    with monkeypatch.context() as patches:
        patches.setattr(trained.environment.site.database.as_task("dispatch"), "transaction", unexpected)
        assert trainings.watch_instances(trained.deps) == []
    trained.start()
    trained.instances.vanish("i-0", "gone")
    assert trainings.watch_instances(trained.deps) == ["t1"]
