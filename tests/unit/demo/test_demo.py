"""The demo fails when what it shows is not so, and what it shows fits a terminal."""

from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from local.demo import model, watch
from local.demo.book import CONFIG, DRIFT_FROM, FIRST, HISTORY, LATER, NEXT, MotorBook
from local.demo.context import DemoFailed, Stage
from local.demo.watch import Week
from local.stack import LaptopStack

WIDTH = 100


class Told(Stage):
    """A stage on which no command runs."""

    def command(self, *arguments: str) -> dict[str, Any]:
        return {"command": arguments}


@pytest.fixture
def stage(tmp_path: Path) -> Told:
    return Told(LaptopStack(tmp_path / ".local"), Console(width=WIDTH, file=StringIO()))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> MotorBook:
    return MotorBook.below(tmp_path_factory.mktemp("demo"))


def week(number: int, **verdicts: str) -> Week:
    """A week in which the drift of features has these verdicts."""
    findings = [
        {"check": "feature_drift", "metric": "psi", "feature": feature, "verdict": verdict}
        for feature, verdict in verdicts.items()
    ]
    alarms = "alarm" in verdicts.values()
    checks = {"feature_drift": "alarm" if alarms else "ok", "bias": "ok"}
    return Week(
        number, f"week {number}", {"claims": 5_000, "findings": findings, "checks": checks, "look_at": []}
    )


def test_the_first_week_that_alarms_is_the_one_in_which_drift_was_caught(stage: Told) -> None:
    quiet = [week(NEXT), week(LATER.start, mileage="watch")]
    weeks = [*quiet, week(DRIFT_FROM, mileage="watch"), week(DRIFT_FROM + 1, mileage="alarm")]
    found = watch._caught(stage, weeks)
    assert found.caught is weeks[3]
    assert found.before == quiet
    watch._tell(stage, found)
    assert isinstance(stage.out.file, StringIO)
    told = stage.out.file.getvalue()
    assert f"Caught in week {DRIFT_FROM + 1}, the second week of the drift, by mileage." in told
    assert f"week {DRIFT_FROM} had it on watch" in told
    assert "No alarm at all in the 2 weeks before." in told


def test_a_drift_that_is_not_caught_fails_the_demo(stage: Told) -> None:
    with pytest.raises(DemoFailed, match="not caught"):
        watch._caught(stage, [week(NEXT), week(DRIFT_FROM, mileage="watch")])


def test_an_alarm_of_drift_before_there_is_any_fails_the_demo(stage: Told) -> None:
    with pytest.raises(DemoFailed, match="before there was any"):
        watch._caught(stage, [week(NEXT, mileage="alarm"), week(DRIFT_FROM, mileage="alarm")])


def test_the_book_is_told_once_and_its_truth_is_known(book: MotorBook) -> None:
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


def test_the_dirty_week_is_the_first_of_the_book(book: MotorBook) -> None:
    first, outcomes, again = book.dirty_week()
    assert first.name == f"{book.name(FIRST)}.csv"
    assert first.read_bytes() == again.read_bytes()
    assert outcomes.parent.parent.name == "outcomes"


def test_the_chart_fits_a_terminal() -> None:
    out = Console(width=WIDTH, file=StringIO(), record=True)
    lift = np.array([5.5, 1.8, 0.9, 0.6, 0.4, 0.3, 0.2, 0.2, 0.1, 0.0])
    out.print(model._chart(lift, lift * 1.02, 18_000))
    lines = out.export_text().splitlines()
    assert max(map(len, lines)) <= WIDTH
    bars = [line.count("█") for line in lines if "█" in line]
    assert bars == sorted(bars, reverse=True)
    assert bars[0] == pytest.approx(model.BAR / 1.02, abs=1)
