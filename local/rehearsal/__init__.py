"""A rehearsal of releases: the stages of pipeline.yaml on this machine, against two stacks."""

import json
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local.processes import report_progress
from local.rehearsal.rehearsal import CHECKED, MINUTE, Rehearsal
from local.rehearsal.scenarios import Result, run_all

LIMITS = (
    "CodePipeline, CodeBuild and CodeDeploy are stand-ins, so nothing here shows how those services behave.",
    "Shown are the stages and their artifacts, roles and permissions, hooks, alarms, and shifts of traffic.",
    f"The check stage runs `make {CHECKED}` instead of all its targets.",
    f"A minute of CodeDeploy lasts {MINUTE} s.",
)


def rehearse(folder: Path, only: set[str]) -> int:
    """Run the scenarios, print a table, and write report.json; return 1 unless each ended as it must."""
    started = time.monotonic()
    results: list[Result] = []
    with Rehearsal(folder) as rehearsal:
        for result in run_all(rehearsal, only):
            results.append(result)
            report_progress(f"{'ok    ' if result.succeeded else 'FAILED'} {summary(result)}")
            for problem in result.problems:
                report_progress(f"       {problem}")
            rehearsal.show(json.dumps(result.document(), default=str))
        report = {
            "seconds": round(time.monotonic() - started, 1),
            "limits": LIMITS,
            "approvals": [
                {"pipeline": request.pipeline, "shown": request.text, "link": request.link, "by": decision.by}
                | {"comment": decision.comment}
                for request, decision in rehearsal.approvals
            ],
            "scenarios": [result.document() for result in results],
        }
    (folder / "report.json").write_text(json.dumps(report, indent=2, default=str) + "\n", "utf-8")
    show(results, time.monotonic() - started)
    report_progress(f"Report: {folder / 'report.json'}, log: {folder / 'rehearsal.log'}")
    return 0 if results and all(result.succeeded for result in results) else 1


def summary(result: Result) -> str:
    """Return a result in one line."""
    where = f"stopped at {result.arrived}" if "/" in result.arrived else f"arrived in {result.arrived}"
    return f"{result.name}: {where} after {result.seconds:.0f} s"


def show(results: list[Result], seconds: float) -> None:
    """Print the table of all scenarios."""
    table = Table(
        title=f"Rehearsal: {len(results)} releases in {seconds / 60:.1f} minutes", title_justify="left"
    )
    for title in (
        "scenario",
        "arrived at",
        "stages (s)",
        "versions",
        "requests (sent/lost/failed)",
        "result",
    ):
        table.add_column(title, overflow="fold")
    for result in results:
        stages = " ".join(f"{name} {taken:.0f}" for name, _, taken in result.stages)
        versions = ", ".join(
            f"{name} {result.before.get(name, '-')}→{version}" for name, version in result.after.items()
        )
        counts = result.requests
        requests = f"{counts.sent}/{counts.lost}/{counts.failed}" if counts else ""
        table.add_row(
            *(result.name, result.arrived, stages, versions, requests, "ok" if result.succeeded else "FAILED")
        )
    console = Console(width=max(Console().width, 110))
    console.print(table)
    for result in results:
        for line in [result.sentence, *result.notes, *(f"PROBLEM {problem}" for problem in result.problems)]:
            if line:
                console.print(f"{result.name}: {line}", soft_wrap=True, highlight=False, markup=False)
    for limit in LIMITS:
        console.print(limit, soft_wrap=True, highlight=False)
