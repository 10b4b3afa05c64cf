"""The last act: weeks come in and each is checked; from one on the claims are not what they were."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from claimwatch.evaluation.checks.registry import SPEC_OF
from local.demo.book import DRIFT_FROM, LATER, NEXT, MotorBook
from local.demo.context import DemoFailed, Stage
from local.demo.model import LINE, wait_until_scored
from samples import DRIFTING_FEATURES

DRIFT = ("feature_drift", "score_drift")
STYLES = {"alarm": "bold red", "watch": "yellow", "ok": "green"}


@dataclass(frozen=True)
class Week:
    """A week that was checked."""

    number: int
    """Of the book."""
    name: str
    told: Mapping[str, Any]

    def flagged(self, verdict: str) -> list[str]:
        """The features whose drift has this verdict; the score by that name."""
        return [
            finding["feature"] or "score"
            for finding in self.told["findings"]
            if finding["check"] in DRIFT and finding["metric"] == "psi" and finding["verdict"] == verdict
        ]

    @property
    def drifted(self) -> bool:
        """Whether the generator's claims of this week are not what they were."""
        return self.number >= DRIFT_FROM

    @property
    def alarms(self) -> list[str]:
        """The checks that alarm."""
        return [check for check, outcome in self.told["checks"].items() if outcome == "alarm"]


@dataclass(frozen=True)
class Found:
    """What the act came to: the week in which the drift was caught, and all of them."""

    caught: Week
    weeks: Sequence[Week]
    report: Path

    @property
    def before(self) -> list[Week]:
        """The weeks before the drift."""
        return [week for week in self.weeks if not week.drifted]


def play(stage: Stage, book: MotorBook) -> Found:
    """Drop the weeks, have each of them checked, and say when the drift was caught."""
    numbers = [NEXT, *LATER]
    stage.act(
        f"7. {len(LATER)} more weeks come in; from {book.name(DRIFT_FROM)} on the generator shifts"
        f" {len(DRIFTING_FEATURES)} features"
    )
    files = stage.ended(stage.drop([path for week in LATER for path in book.week(week)], quiet=True))
    wait_until_scored(stage, files)
    stage.out.print(
        f"{sum(row.rows_loaded or 0 for row in files):,} rows of {len(files)} files are loaded, and scored."
    )

    stage.act("8. Each week is checked, as it would be every seven days")
    weeks = []
    for number in numbers:
        name = book.name(number)
        weeks.append(Week(number, name, stage.command("evaluate", LINE, "--window", name, "--wait")))
    stage.out.print(_table(weeks))
    found = _caught(stage, weeks)
    _tell(stage, found)
    return found


def _caught(stage: Stage, weeks: Sequence[Week]) -> Found:
    """The first week that alarms for drift; raises ``DemoFailed`` where there is none, or it is too early."""
    early = [week.name for week in weeks if not week.drifted and week.flagged("alarm")]
    if early:
        raise DemoFailed(f"Drift was seen before there was any: {', '.join(early)}")
    caught = next((week for week in weeks if week.flagged("alarm")), None)
    if caught is None:
        raise DemoFailed(f"The drift from week {DRIFT_FROM} of the book on was not caught")
    report = stage.folder / f"report-{caught.name}.html"
    stage.command("report", LINE, "--window", caught.name, "--save", str(report))
    return Found(caught, weeks, report)


def _tell(stage: Stage, found: Found) -> None:
    out, caught = stage.out, found.caught
    since = caught.number - DRIFT_FROM + 1
    watched = [week.name for week in found.weeks if week.drifted and week.number < caught.number]
    out.print(
        f"Caught in {caught.name}, {_ordinal(since)} week of the drift,"
        f" by {', '.join(caught.flagged('alarm'))}."
        + (f" {', '.join(watched)} had it on watch: a change has to last." if watched else ""),
        highlight=False,
    )
    loud = {week.name: week.alarms for week in found.before if week.alarms}
    out.print(
        f"No alarm at all in the {len(found.before)} weeks before."
        if not loud
        else f"No drift in the {len(found.before)} weeks before; other alarms: "
        + "; ".join(
            f"{name} {', '.join(SPEC_OF[check].title.lower() for check in checks)}"  # type: ignore[index]
            for name, checks in loud.items()
        ),
        highlight=False,
    )
    for number, thing in enumerate(caught.told["look_at"], 1):
        out.print(f"{number}. {thing['headline']}\n   [dim]{thing['detail']}[/dim]", highlight=False)
    out.print(
        f"The week's report opens in any browser, without a network: {found.report}",
        soft_wrap=True,
        highlight=False,
    )


def _table(weeks: Sequence[Week]) -> Table:
    table = Table(title="What the checks found, beside what the generator knows", title_justify="left")
    table.add_column("week", no_wrap=True)
    table.add_column("claims", justify="right")
    table.add_column("drifts")
    table.add_column("drift on watch", overflow="fold")
    table.add_column("drift alarms", overflow="fold")
    table.add_column("other alarms", overflow="fold")
    for week in weeks:
        others = [SPEC_OF[check].title for check in week.alarms if check not in DRIFT]  # type: ignore[index]
        table.add_row(
            week.name,
            f"{week.told['claims']:,}",
            "yes" if week.drifted else "no",
            Text(", ".join(week.flagged("watch")), STYLES["watch"]),
            Text(", ".join(week.flagged("alarm")), STYLES["alarm"]),
            ", ".join(others),
        )
    return table


def _ordinal(number: int) -> str:
    return f"the {({1: 'first', 2: 'second', 3: 'third'}).get(number, f'{number}th')}"
