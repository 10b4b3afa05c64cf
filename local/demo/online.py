"""Step 7: another system asks for the score of a claim, and the record says who asked and why."""

import csv
import json
from pathlib import Path
from typing import Any

from claimwatch.domain.contract.contract import Contract, LogicalType
from claimwatch.domain.contract.parse import parse_contract
from local.demo.book import NEXT, MotorBook
from local.demo.context import DemoContext, DemoFailed
from local.demo.model import LINE, REASONS
from local.emulator import PROJECT

STORED = """
SELECT s.claim_id, s.probability, s.percentile
FROM claimwatch.score AS s JOIN claimwatch.file AS f USING (file_id)
WHERE f.key = %s AND s.role = 'champion' AND s.referred ORDER BY s.probability DESC, s.claim_id LIMIT 1
"""
RECORDED = "SELECT count(*) FROM claimwatch.access_event WHERE object = %s AND action = 'score'"
PURPOSE = "claim_handling"
MISSING = ("", "?", "NA", "N/A")


def run(demo: DemoContext, book: MotorBook) -> None:
    """Score a claim by the API, compare it with the score of its file, and list who saw it."""
    demo.heading("7. Another system asks the API for the score of one claim")
    week, _ = book.week(NEXT)
    ((claim_id, probability, percentile),) = demo.query(STORED, f"claims/{LINE}/{week.name}")
    path = demo.folder / "claim.json"
    path.write_text(json.dumps(_claim(week, claim_id), indent=1), "utf-8")
    words = ("call", "scores", str(path), "--line", LINE, "--purpose", PURPOSE)
    demo.command(*words)  # the first request starts the function
    answer = demo.command(*words)
    [result] = answer["results"]
    if (result["probability"], result["percentile"]) != (probability, percentile):
        raise DemoFailed(f"the API scores {claim_id} otherwise than its file: {result}")
    milliseconds = answer["requests"][0]["seconds"] * 1000
    refer = "refer to a person" if result["refer"] else "no referral"
    demo.out.print(
        f"{claim_id}: {result['probability']:.3f}, above {result['percentile']:.1f} % of claims; {refer}."
        f" Model {result['model_version']} answered in {milliseconds:.0f} ms, of which the emulator takes"
        " most; the score is that of the file, bit by bit.",
        highlight=False,
    )
    for reason in result["reasons"][:REASONS]:
        demo.out.print(f"   {reason['text']}", highlight=False)
    demo.out.print(f"Again: .venv/bin/claimwatch {' '.join(words)}", soft_wrap=True, highlight=False)
    _show_record(demo, claim_id)


def _show_record(demo: DemoContext, claim_id: str) -> None:
    demo.wait(lambda: demo.query(RECORDED, claim_id)[0][0] >= 2, lambda: "Waiting for the record")
    listed = demo.command("audit", "list", "--claim", claim_id)
    demo.out.print(f"Who saw it: .venv/bin/claimwatch audit list --claim {claim_id}", highlight=False)
    for event in listed["events"][:REASONS]:
        demo.out.print(
            f"   {event['at'][:19]}  {event['actor']}  {event['action']}  {event['purpose']}"
            f"  {event['outcome']}, model {event['model_version']}",
            highlight=False,
            soft_wrap=True,
        )


def _claim(week: Path, claim_id: str) -> dict[str, Any]:
    """Return a claim of a week's file as a system would send it in JSON."""
    contract = parse_contract((PROJECT / "contracts" / f"{LINE}.yaml").read_text("utf-8"), LINE)
    with week.open(newline="", encoding="utf-8") as opened:
        [row] = [row for row in csv.DictReader(opened) if row["claim_id"] == claim_id]
    return _typed(contract, row)


def _typed(contract: Contract, row: dict[str, str]) -> dict[str, Any]:
    claim: dict[str, Any] = {}
    for column in contract.columns:
        cell = row[column.name]
        match column.logical_type:
            case _ if cell in MISSING:
                claim[column.name] = None
            case LogicalType.INTEGER:
                claim[column.name] = int(cell)
            case LogicalType.NUMBER:
                claim[column.name] = float(cell)
            case LogicalType.BOOLEAN:
                claim[column.name] = cell.lower() in ("true", "yes", "1")
            case _:
                claim[column.name] = cell
    return claim
