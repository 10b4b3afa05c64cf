"""The commands of the weekly checks: check a week, list alarms, open the report."""

import json
import webbrowser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from claimwatch.domain.evaluation.finding import CHECKS, Check, Finding
from claimwatch.storage import evaluations as stored
from claimwatch.storage.evaluations import Key, Window
from cli.main import app
from cli.stack import Stack
from local.filesystem_object_store import FilesystemObjectStore
from tests.cluster import ClonedDatabase
from tests.integration.cli.conftest import answer
from tests.integration.ingest.environment import Site

ARTIFACTS = "artifacts"
MONDAY = datetime(2026, 7, 20, tzinfo=UTC)
DRIFT = Finding("psi", 0.4, 900, "alarm", "claim_amount", threshold=0.1)
PAGE = "<!doctype html><title>The week</title>"


@dataclass
class Desk:
    """The command line with a stack that checks a requested week at once."""

    database: ClonedDatabase
    objects: FilesystemObjectStore
    findings: dict[Check, Sequence[Finding]] = field(default_factory=dict)
    missing: dict[Check, str] = field(default_factory=dict)
    asked: list[Mapping[str, Any]] = field(default_factory=list)

    def run(self, *words: object) -> Result:
        stack = Stack(
            "the test's stack",
            self.database.as_task("read"),
            self.objects,
            Site(self.database, self.objects),
            "landing",
            ARTIFACTS,
            plan_evaluation=self._plan,
        )
        return CliRunner().invoke(
            app, [str(word) for word in words], obj=lambda _: stack, catch_exceptions=False
        )

    def close(self, start: datetime = MONDAY, model: str = "1") -> None:
        """Add a closed week."""
        window = Window("motor", start, start + timedelta(weeks=1), model, None, "planned")
        report = self.objects.write(
            ARTIFACTS, f"evaluations/motor/{start:%G-W%V}/{model}/report.html", [PAGE.encode()]
        )
        with self.database.transaction() as cursor:
            stored.add_window(cursor, window)
            for check in CHECKS:
                if check in self.missing:
                    stored.mark_failed(cursor, window.key, check, self.missing[check])
                else:
                    findings = self.findings.get(check, [Finding("psi", 0.01, 900)])
                    stored.mark_done(cursor, window, check, findings, 0.1)
            stored.close_window(
                cursor,
                window.key,
                closed_at=start + timedelta(weeks=1, hours=6),
                claims=900,
                report_uri=f"s3://{report.bucket}/{report.key}",
                missing=self.missing,
            )

    def _plan(self, event: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(event)
        start = datetime.strptime(event.get("window", "2026-W30") + "-1", "%G-W%V-%u").replace(tzinfo=UTC)
        self.close(start)
        return {"line": event["line"], "window": f"{start:%G-W%V}", "model_version": "1", "planned": True}


@pytest.fixture
def desk(database: ClonedDatabase, tmp_path: Path) -> Desk:
    return Desk(database, FilesystemObjectStore(tmp_path / "buckets"))


def test_waiting_returns_every_verdict_and_the_action_items(desk: Desk) -> None:
    desk.findings["feature_drift"] = [DRIFT]

    result = answer(desk.run("evaluate", "motor", "--window", "2026-W30", "--wait", "--json"))

    assert desk.asked == [{"line": "motor", "window": "2026-W30"}]
    assert (result["status"], result["model_version"], result["claims"]) == ("closed", "1", 900)
    assert result["checks"] == dict.fromkeys(CHECKS, "ok") | {"feature_drift": "alarm"}
    assert result["look_at"][0]["headline"] == "Feature drift: claim_amount"
    assert {finding["value"] for finding in result["findings"] if finding["verdict"] == "alarm"} == {0.4}


def test_without_json_the_results_are_sentences(desk: Desk) -> None:
    desk.findings["feature_drift"] = [DRIFT]

    result = desk.run("evaluate", "motor", "--wait")

    assert result.exit_code == 0
    assert "Week 2026-W30 of line motor: 900 claims scored by model 1." in result.stdout
    assert "claim_amount: PSI 0.400, bound 0.100." in result.stdout
    assert "claimwatch report motor --window 2026-W30" in result.stderr


def test_a_quiet_week_is_reported_as_quiet(desk: Desk) -> None:
    assert "Nothing needs your attention this week." in desk.run("evaluate", "motor", "--wait").stderr


def test_without_wait_the_command_returns_at_once(desk: Desk) -> None:
    assert answer(desk.run("evaluate", "motor", "--json"))["window"] == "2026-W30"
    assert desk.asked == [{"line": "motor"}]


def test_a_missing_check_exits_with_1_and_its_reason(desk: Desk) -> None:
    desk.missing["bias"] = "the database broke off"

    result = desk.run("evaluate", "motor", "--wait", "--json")

    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["status"], found["missing"]) == ("incomplete", {"bias": "the database broke off"})
    assert found["checks"]["bias"] == "missing"


@pytest.mark.parametrize("week", ["2026-30", "2026-W60", "W30", "last"])
def test_an_invalid_week_is_a_usage_error(desk: Desk, week: str) -> None:
    for command in ("evaluate", "report"):
        result = desk.run(command, "motor", "--window", week)
        assert result.exit_code == 2
    assert desk.asked == []


def test_the_report_is_fetched_and_opened(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def browser(uri: str) -> bool:
        opened.append(uri)
        return True

    monkeypatch.setattr(webbrowser, "open", browser)
    desk.close()
    desk.close(MONDAY + timedelta(weeks=1))

    result = desk.run("report", "motor")

    file = Path(result.stdout.strip())
    assert opened == [file.resolve().as_uri()]
    assert file.name == "motor-2026-W31.html"
    assert file.read_text() == PAGE


def test_without_a_browser_the_file_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    desk.close()
    assert "open the file in a browser" in desk.run("report", "motor").stderr


def test_a_saved_report_never_overwrites_a_file(desk: Desk, tmp_path: Path) -> None:
    desk.close()
    desk.close(MONDAY + timedelta(weeks=1))
    file = tmp_path / "week.html"

    result = answer(desk.run("report", "motor", "--window", "2026-W30", "--save", file, "--json"))

    assert (result["window"], result["file"]) == ("2026-W30", str(file))
    assert result["report_uri"] == "s3://artifacts/evaluations/motor/2026-W30/1/report.html"
    assert file.read_text() == PAGE
    assert desk.run("report", "motor", "--save", file).exit_code == 1


def test_the_report_closed_last_is_opened_if_two_models_were_checked(desk: Desk) -> None:
    desk.close(model="1")
    desk.close(model="2")
    with desk.database.transaction() as cursor:
        cursor.execute("UPDATE claimwatch.evaluation_window SET closed_at = now() WHERE model_version = '1'")
    result = answer(desk.run("report", "motor", "--json"))
    assert result["report_uri"].endswith("/1/report.html")


def test_a_missing_report_names_the_command_to_run(desk: Desk) -> None:
    result = desk.run("report", "motor")
    assert result.exit_code == 1
    assert "claimwatch evaluate motor --wait" in result.stderr
    desk.close()
    result = desk.run("report", "motor", "--window", "2026-W29")
    assert result.exit_code == 1
    assert "claimwatch evaluate motor --window 2026-W29 --wait" in result.stderr


def test_weeks_are_listed_newest_first_with_their_alarms(desk: Desk) -> None:
    desk.close()
    desk.findings["feature_drift"] = [DRIFT]
    desk.missing["bias"] = "the database broke off"
    desk.close(MONDAY + timedelta(weeks=1))

    windows = answer(desk.run("evaluations", "motor", "--json"))["windows"]

    assert [(window["window"], window["status"]) for window in windows] == [
        ("2026-W31", "incomplete"),
        ("2026-W30", "closed"),
    ]
    assert [(alarm["check"], alarm["feature"]) for alarm in windows[0]["alarms"]] == [
        ("feature_drift", "claim_amount")
    ]
    shown = desk.run("evaluations", "motor").stdout
    assert "Feature drift: claim_amount" in shown
    assert "Protected groups: not checked" in shown
    assert len(answer(desk.run("evaluations", "motor", "--limit", 1, "--json"))["windows"]) == 1


def test_a_line_without_checked_weeks_names_the_command_to_run(desk: Desk) -> None:
    assert "claimwatch evaluate motor --wait" in desk.run("evaluations", "motor").stderr


def test_an_open_week_is_listed_as_planned(desk: Desk) -> None:
    with desk.database.transaction() as cursor:
        window = Window("motor", MONDAY, MONDAY + timedelta(weeks=1), "1", None, "planned")
        stored.add_window(cursor, window)
        assert stored.find_window(cursor, Key("motor", MONDAY, "1")) is not None
    assert answer(desk.run("evaluations", "motor", "--json"))["windows"][0]["status"] == "planned"
