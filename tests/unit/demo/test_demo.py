"""The demo fails if a result is not as expected, and its output fits a terminal."""

from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from local.demo import model, watch
from local.demo.book import CONFIG, DRIFT_FROM, FIRST, HISTORY, LATER, NEXT, MotorBook
from local.demo.context import DemoContext, DemoFailed
from local.demo.watch import Week
from local.stack import LaptopStack

WIDTH = 100


class DemoWithoutCommands(DemoContext):
    """A demo context that runs no command."""

    def command(self, *arguments: str) -> dict[str, Any]:
        return {"command": arguments}


@pytest.fixture
def demo(tmp_path: Path) -> DemoWithoutCommands:
    return DemoWithoutCommands(LaptopStack(tmp_path / ".local"), Console(width=WIDTH, file=StringIO()))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> MotorBook:
    return MotorBook.below(tmp_path_factory.mktemp("demo"))


def week(number: int, **verdicts: str) -> Week:
    """Return a week with these verdicts for the drift of features."""
    findings = [
        {"check": "feature_drift", "metric": "psi", "feature": feature, "verdict": verdict}
        for feature, verdict in verdicts.items()
    ]
    alarms = "alarm" in verdicts.values()
    checks = {"feature_drift": "alarm" if alarms else "ok", "bias": "ok"}
    return Week(
        number, f"week {number}", {"claims": 5_000, "findings": findings, "checks": checks, "look_at": []}
    )


def test_drift_is_detected_in_the_first_week_with_an_alarm(demo: DemoWithoutCommands) -> None:
    quiet = [week(NEXT), week(LATER.start, mileage="watch")]
    weeks = [*quiet, week(DRIFT_FROM, mileage="watch"), week(DRIFT_FROM + 1, mileage="alarm")]
    detection = watch._detection(demo, weeks)
    assert detection.detected is weeks[3]
    assert detection.before == quiet
    watch._print_detection(demo, detection)
    assert isinstance(demo.out.file, StringIO)
    output = demo.out.file.getvalue()
    assert f"Detected in week {DRIFT_FROM + 1}, the second week of the drift, by mileage." in output
    assert f"week {DRIFT_FROM} had it on watch" in output
    assert "No alarms in the 2 weeks before." in output


def test_the_demo_fails_if_the_drift_is_not_detected(demo: DemoWithoutCommands) -> None:
    with pytest.raises(DemoFailed, match="not detected"):
        watch._detection(demo, [week(NEXT), week(DRIFT_FROM, mileage="watch")])


def test_the_demo_fails_if_drift_is_reported_before_it_begins(demo: DemoWithoutCommands) -> None:
    with pytest.raises(DemoFailed, match="before it began"):
        watch._detection(demo, [week(NEXT, mileage="alarm"), week(DRIFT_FROM, mileage="alarm")])


def test_history_has_each_claim_once_and_its_truth_is_known(book: MotorBook) -> None:
    claims, outcomes = book.history()
    header, *rows = claims.read_text("utf-8").splitlines()
    ids = [row.split(",", 1)[0] for row in rows]
    assert header.startswith("claim_id,")
    assert len(ids) == len(set(ids)) == len(HISTORY) * CONFIG.claims_per_week
    later = [path for number in (NEXT, *LATER) for path in book.week(number)]
    assert all(path.exists() for path in later)
    probability, is_fraud = book.truth().of(ids)
    assert is_fraud.mean() == pytest.approx(probability.mean(), abs=0.01)
    decided = {row.split(",", 1)[0] for row in outcomes.read_text("utf-8").splitlines()[1:]}
    assert len(decided & set(ids)) > 3_000


def test_the_first_week_arrives_twice_with_its_outcomes(book: MotorBook) -> None:
    first, outcomes, again = book.dirty_week()
    assert first.name == f"{book.name(FIRST)}.csv"
    assert first.read_bytes() == again.read_bytes()
    assert outcomes.parent.parent.name == "outcomes"


def test_the_lift_chart_fits_a_terminal() -> None:
    out = Console(width=WIDTH, file=StringIO(), record=True)
    lift = np.array([5.5, 1.8, 0.9, 0.6, 0.4, 0.3, 0.2, 0.2, 0.1, 0.0])
    out.print(model._chart(lift, lift * 1.02, 18_000))
    lines = out.export_text().splitlines()
    assert max(map(len, lines)) <= WIDTH
    bars = [line.count("█") for line in lines if "█" in line]
    assert bars == sorted(bars, reverse=True)
    assert bars[0] == pytest.approx(model.BAR / 1.02, abs=1)
