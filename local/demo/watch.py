"""Steps 11 and 12: later weeks arrive and are checked; from one week on, the claims drift."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from claimwatch.evaluation.checks.registry import SPEC_OF
from local.demo.book import DRIFT_FROM, LATER, NEXT, PULLED, MotorBook
from local.demo.context import DemoContext, DemoFailed
from local.demo.model import LINE, wait_until_scored
from samples import DRIFTING_FEATURES

DRIFT = ("feature_drift", "score_drift")
STYLES = {"alarm": "bold red", "watch": "yellow", "ok": "green"}


@dataclass(frozen=True)
class Week:
    """A checked week."""

    number: int
    """The number of the week in the book."""
    name: str
    evaluation: Mapping[str, Any]
    """The JSON output of `claimwatch evaluate`."""

    def flagged(self, verdict: str) -> list[str]:
        """Return the features whose drift has this verdict; the score is named `score`."""
        return [
            finding["feature"] or "score"
            for finding in self.evaluation["findings"]
            if finding["check"] in DRIFT and finding["metric"] == "psi" and finding["verdict"] == verdict
        ]

    @property
    def drifted(self) -> bool:
        """Whether the generator shifted features of this week."""
        return self.number >= DRIFT_FROM

    @property
    def alarms(self) -> list[str]:
        """The checks with an alarm."""
        return [check for check, outcome in self.evaluation["checks"].items() if outcome == "alarm"]


@dataclass(frozen=True)
class Detection:
    """All checked weeks, and the week in which the drift was detected."""

    detected: Week
    weeks: Sequence[Week]
    report: Path

    @property
    def before(self) -> list[Week]:
        """The weeks before the drift."""
        return [week for week in self.weeks if not week.drifted]


def run(demo: DemoContext, book: MotorBook) -> Detection:
    """Drop the weeks, check each of them, and print when the drift was detected."""
    numbers = [NEXT, PULLED, *LATER]
    demo.heading(
        f"11. {len(LATER)} more weeks arrive; from {book.name(DRIFT_FROM)} on, the generator shifts"
        f" {len(DRIFTING_FEATURES)} features"
    )
    files = demo.wait_for_files(demo.drop([path for week in LATER for path in book.week(week)], quiet=True))
    wait_until_scored(demo, files)
    demo.out.print(
        f"{sum(row.rows_loaded or 0 for row in files):,} rows of {len(files)} files are loaded and scored."
    )

    demo.heading("12. Each week is checked, as the schedule does every seven days")
    weeks = []
    for number in numbers:
        name = book.name(number)
        weeks.append(Week(number, name, demo.command("evaluate", LINE, "--window", name, "--wait")))
    demo.out.print(_table(weeks))
    detection = _detection(demo, weeks)
    _print_detection(demo, detection)
    return detection


def _detection(demo: DemoContext, weeks: Sequence[Week]) -> Detection:
    """Find the first week with a drift alarm; raises ``DemoFailed`` if there is none or it is too early."""
    early = [week.name for week in weeks if not week.drifted and week.flagged("alarm")]
    if early:
        raise DemoFailed(f"Drift was reported before it began: {', '.join(early)}")
    detected = next((week for week in weeks if week.flagged("alarm")), None)
    if detected is None:
        raise DemoFailed(f"The drift from week {DRIFT_FROM} of the book was not detected")
    report = demo.folder / f"report-{detected.name}.html"
    demo.command("report", LINE, "--window", detected.name, "--save", str(report))
    return Detection(detected, weeks, report)


def _print_detection(demo: DemoContext, detection: Detection) -> None:
    out, detected = demo.out, detection.detected
    week_of_drift = detected.number - DRIFT_FROM + 1
    watched_in = [week.name for week in detection.weeks if week.drifted and week.number < detected.number]
    out.print(
        f"Detected in {detected.name}, {_ordinal(week_of_drift)} week of the drift,"
        f" by {', '.join(detected.flagged('alarm'))}."
        + (
            f" {', '.join(watched_in)} had it on watch: an alarm needs two weeks in a row."
            if watched_in
            else ""
        ),
        highlight=False,
    )
    alarms_before = {week.name: week.alarms for week in detection.before if week.alarms}
    out.print(
        f"No alarms in the {len(detection.before)} weeks before."
        if not alarms_before
        else f"No drift in the {len(detection.before)} weeks before; other alarms: "
        + "; ".join(
            f"{name} {', '.join(SPEC_OF[check].title.lower() for check in checks)}"  # type: ignore[index]
            for name, checks in alarms_before.items()
        ),
        highlight=False,
    )
    for number, item in enumerate(detected.evaluation["look_at"], 1):
        out.print(f"{number}. {item['headline']}\n   [dim]{item['detail']}[/dim]", highlight=False)
    out.print(
        f"Report of the week (opens in any browser, offline): {detection.report}",
        soft_wrap=True,
        highlight=False,
    )


def _table(weeks: Sequence[Week]) -> Table:
    table = Table(
        title="Weekly checks, compared with the drift that the generator produced", title_justify="left"
    )
    table.add_column("week", no_wrap=True)
    table.add_column("claims", justify="right")
    table.add_column("drift")
    table.add_column("drift on watch", overflow="fold")
    table.add_column("drift alarms", overflow="fold")
    table.add_column("other alarms", overflow="fold")
    for week in weeks:
        others = [SPEC_OF[check].title for check in week.alarms if check not in DRIFT]  # type: ignore[index]
        table.add_row(
            week.name,
            f"{week.evaluation['claims']:,}",
            "yes" if week.drifted else "no",
            Text(", ".join(week.flagged("watch")), STYLES["watch"]),
            Text(", ".join(week.flagged("alarm")), STYLES["alarm"]),
            ", ".join(others),
        )
    return table


def _ordinal(number: int) -> str:
    return f"the {({1: 'first', 2: 'second', 3: 'third'}).get(number, f'{number}th')}"
