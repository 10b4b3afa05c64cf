"""The deployed weekly checks: drift becomes a metric, an alarm, a digest and an event."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from claimwatch.domain.evaluation.finding import CHECKS
from claimwatch.domain.evaluation.week import WEEK, last_complete, name_of
from claimwatch.evaluation.checks.registry import SPEC_OF
from claimwatch.storage import models
from samples import DRIFTING_FEATURES, Book, BookConfig, Drift
from samples.delivery import deliver
from tests.cluster import database_at
from tests.deployed import Deployed, eventually
from tests.motor_model import grow

WEEKS, LEARNT, CLAIMS = 8, 5, 600
NEVER = "rate(365 days)"


@dataclass
class Watched:
    """A separate stack with scored claims up to last week; the last two weeks drift."""

    deployed: Deployed
    book: Book
    advised: str
    """URL of a queue that receives RetrainingAdvised."""

    @property
    def last(self) -> date:
        """The Monday of the last week."""
        return self.book.config.start + (WEEKS - 1) * WEEK

    def closed(self, monday: date) -> dict[str, Any]:
        """Return the week's window once it is closed."""
        found: list[dict[str, Any]] = []

        def closed() -> bool:
            found[:] = self.deployed.query(
                "SELECT * FROM claimwatch.evaluation_window WHERE window_start = %s AND status <> 'planned'"
                " AND told_at IS NOT NULL",
                datetime(monday.year, monday.month, monday.day, tzinfo=UTC),
            )
            return bool(found)

        eventually(closed, f"week {name_of(monday)} is closed")
        return found[0]

    def alarms(self, monday: date) -> set[tuple[str, str]]:
        """Return check and feature of the week's alarms."""
        rows = self.deployed.query(
            "SELECT check_name, feature FROM claimwatch.evaluation"
            " WHERE verdict = 'alarm' AND window_start = %s",
            datetime(monday.year, monday.month, monday.day, tzinfo=UTC),
        )
        return {(row["check_name"], row["feature"]) for row in rows}

    def state(self, alarm: str) -> str:
        """Return the state of an alarm."""
        alarms = self.deployed.client("cloudwatch").describe_alarms(
            AlarmNames=[self.deployed.resource(alarm)]
        )
        [found] = alarms["MetricAlarms"]
        return str(found["StateValue"])

    def events(self) -> list[dict[str, Any]]:
        """Return the events received so far."""
        sqs = self.deployed.client("sqs")
        messages = sqs.receive_message(
            QueueUrl=self.advised, MaxNumberOfMessages=10, VisibilityTimeout=0, WaitTimeSeconds=0
        )
        return [json.loads(message["Body"]) for message in messages.get("Messages", [])]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    start = last_complete(datetime.now(UTC)) - (WEEKS - 1) * WEEK
    config = BookConfig(
        seed=11,
        start=start,
        weeks=WEEKS,
        claims_per_week=CLAIMS,
        drift=Drift(from_week=WEEKS - 2, shift=1.5),
    )
    folder = tmp_path_factory.mktemp("book")
    sent = deliver(config, folder)
    book = Book(config)
    model = grow(folder, [book.week_label(week) for week in range(LEARNT)])
    deployed = Deployed.below(tmp_path_factory.mktemp("stack"), EvaluationSchedule=NEVER)
    try:
        advised = deployed.events_queue("advised", **{"detail-type": ["RetrainingAdvised"]})
        bucket = deployed.outputs["ArtifactBucket"]
        for key, content in model.keys().items():
            deployed.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
        with database_at(deployed.stack.database_url).transaction() as cursor:
            models.add_version(cursor, model.registered(bucket))
        promoted = deployed.command(
            "promote", "motor", model.version, "--as", "champion", "--by", "ann", "--why", "a test"
        )
        assert promoted["changed"], promoted
        versions = [
            deployed.drop(file.key, (folder / file.key).read_bytes())
            for file in sent
            if file.part == "claims"
        ]
        loaded = sum(deployed.ended(version, "committed")["rows_loaded"] for version in versions)
        eventually(
            lambda: deployed.query("SELECT count(*) AS n FROM claimwatch.score")[0]["n"] == loaded,
            "all claims have a score",
        )
        yield Watched(deployed, book, advised)
    finally:
        deployed.stack.down()


@pytest.mark.timeout(900)
def test_a_normal_week_closes_without_an_alarm(watched: Watched) -> None:
    quiet = watched.last - 3 * WEEK
    asked = watched.deployed.invoke("PlanEvaluation", {"line": "motor", "window": name_of(quiet)})

    window = watched.closed(quiet)

    assert (asked["line"], asked["window"], asked["model_version"]) == ("motor", name_of(quiet), "1")
    assert (window["status"], window["missing"]) == ("closed", {})
    assert window["claims"] == CLAIMS
    assert not {alarm for alarm in watched.alarms(quiet) if alarm[0] in ("feature_drift", "score_drift")}
    standing = {check for check, _ in watched.alarms(quiet)}
    expected = "ALARM" if standing else "OK"
    eventually(
        lambda: watched.state("LineStandingAlarm") == expected, f"the alarm has its metric: {standing}"
    )
    assert watched.events() == []
    done = watched.deployed.query("SELECT check_name FROM claimwatch.evaluation_check WHERE status = 'done'")
    assert {row["check_name"] for row in done} == set(CHECKS)
    again = watched.deployed.invoke("PlanEvaluation", {"line": "motor", "window": name_of(quiet)})
    assert again["status"] == "closed"


@pytest.mark.timeout(900)
def test_the_scheduled_check_finds_the_drift_alerts_and_advises_training(watched: Watched) -> None:
    deployed = watched.deployed
    deployed.stack.up(build=False, EvaluationSchedule="rate(1 minute)")

    window = watched.closed(watched.last)

    assert window["status"] == "closed"
    drifting = {feature for check, feature in watched.alarms(watched.last) if check == "feature_drift"}
    assert set(DRIFTING_FEATURES) <= drifting
    eventually(lambda: watched.state("LineStandingAlarm") == "ALARM", "the metric alarms")
    digest = deployed.alert(f"Claimwatch motor {name_of(watched.last)}")
    assert "claimwatch report motor" in digest["Message"]
    assert SPEC_OF["feature_drift"].alarm in digest["Message"]
    alert = deployed.alert('ALARM: "claimwatch')
    assert "LineStandingAlarm" in alert["Subject"]
    eventually(lambda: bool(watched.events()), "training is advised")
    [event] = watched.events()
    assert event["source"] == "claimwatch"
    assert event["detail"]["line"] == "motor"
    assert event["detail"]["window"] == name_of(watched.last)
    assert {alarm["feature"] for alarm in event["detail"]["alarms"]} >= set(DRIFTING_FEATURES)
    key = window["report_uri"].removeprefix(f"s3://{deployed.outputs['ArtifactBucket']}/")
    page = deployed.client("s3").get_object(Bucket=deployed.outputs["ArtifactBucket"], Key=key)["Body"].read()
    assert name_of(watched.last).encode() in page


def test_the_command_line_shows_the_week_and_fetches_its_report(watched: Watched, tmp_path: Path) -> None:
    deployed, week = watched.deployed, name_of(watched.last)

    result = deployed.command("evaluate", "motor", "--window", week, "--wait")

    assert (result["status"], result["checks"]["feature_drift"]) == ("closed", "alarm")
    assert 1 <= len(result["look_at"]) <= 3
    figures = {
        finding["metric"]: finding["value"]
        for finding in result["findings"]
        if finding["check"] == "operations"
    }
    assert figures["cost"] > 0.0  # the calls are read from the functions' own log group
    assert figures["scoring_time"] > 0.0
    file = tmp_path / "week.html"
    saved = deployed.command("report", "motor", "--window", week, "--save", str(file))
    assert saved["report_uri"] == result["report_uri"]
    assert f"Line motor, week {week}" in file.read_text("utf-8")
    listed = deployed.command("evaluations", "motor")["windows"]
    assert listed[0]["window"] == week
    assert {alarm["feature"] for alarm in listed[0]["alarms"]} >= set(DRIFTING_FEATURES)


def test_advice_starts_no_training_by_default(watched: Watched) -> None:
    events = watched.deployed.client("events")
    rule = events.describe_rule(
        Name=watched.deployed.resource("StartTrainingAdvised").rpartition("|")[2],
        EventBusName=watched.deployed.outputs["RequestBusName"],
    )

    assert rule["State"] == "DISABLED"
    assert watched.deployed.query("SELECT FROM claimwatch.training") == []


def test_no_claim_appears_in_logs_or_messages_of_the_checks(watched: Watched, tmp_path: Path) -> None:
    claims = watched.deployed.query("SELECT claim_id FROM claimwatch.claim_motor LIMIT 2000")
    texts = "\n".join([*watched.deployed.logs(), *(alert["Message"] for alert in watched.deployed.alerts())])

    assert not [row["claim_id"] for row in claims if row["claim_id"] in texts]
