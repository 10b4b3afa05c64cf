"""The middle acts: half a year comes in, a model learns from it, is promoted, and scores the next week."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.table import Table
from rich.text import Text

from claimwatch.domain.model.ranking_metrics import lift_by_decile, roc_auc
from local.demo import files
from local.demo.book import HISTORY, NEXT, MotorBook
from local.demo.context import DemoFailed, FileRow, Stage
from local.processes import say

LINE = "motor"
TRAINING_PATIENCE = 900.0
"""Seconds."""

METRICS = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "lift_top_decile": "lift in the top decile",
    "recall_at_capacity": "recall at capacity",
    "brier": "Brier score",
    "calibration_error": "calibration error",
}
SHOWN, REASONS = 5, 3
"""Referrals, and reasons of each."""
BAR = 36
"""Characters of the longest bar."""

WAITING = "SELECT count(*) FROM claimwatch.unscored_file WHERE line = %s"
SCORED = "SELECT count(*) FROM claimwatch.score WHERE file_id = %s AND role = 'champion'"
REFERRED = """
SELECT claim_id, probability, percentile, reasons FROM claimwatch.score
WHERE file_id = %s AND role = 'champion' AND referred ORDER BY probability DESC, claim_id
"""
NOT_LEARNT = """
SELECT s.claim_id, s.probability
FROM claimwatch.score AS s JOIN claimwatch.current_claim_motor AS c USING (claim_id, file_id)
WHERE s.role = 'champion' AND c.reported_at > %s ORDER BY s.claim_id
"""


@dataclass(frozen=True)
class Lesson:
    """What the act came to: the model, where its card is, and its lift beside that of the truth."""

    version: str
    card: Path
    lift: float
    best_lift: float


def play(stage: Stage, book: MotorBook) -> Lesson:
    """Drop the history, train on it, promote the model, and drop the next week."""
    stage.act(
        f"3. Half a year comes in: {book.name(HISTORY.start)} to {book.name(HISTORY.stop - 1)}, with outcomes"
    )
    stage.out.print(files.summary(stage.ended(stage.drop(book.history()))))

    stage.act("4. A model is trained, on an instance that ends itself")
    trained = _train(stage)
    version = trained["version"]
    stage.out.print(_metrics(trained))
    card, manifest = _fetch(stage, trained["bundle_uri"])

    stage.act(f"5. Model {version} is promoted, and scores what waited")
    told = stage.command(
        "promote", LINE, version, "--as", "champion", "--why", "the first model, its card was read"
    )
    _wait_for_scores(stage, told["unscored_files"])

    stage.act(f"6. The next week comes in: {book.name(NEXT)}")
    (claims, _) = stage.ended(stage.drop(book.week(NEXT)))
    wait_until_scored(stage, [claims])
    referred = stage.query(REFERRED, claims.file_id)
    if not referred or not all(reasons for *_, reasons in referred):
        raise DemoFailed(f"{len(referred)} claims were referred, and not each with its reasons")
    stage.out.print(
        f"{claims.rows_loaded:,} claims have a score; {len(referred)} are referred, about as many as the team"
        " can review."
    )
    stage.out.print(_referrals(referred))
    lift, best = _lift(stage, book, manifest)
    stage.out.print(
        f"The model's card opens in any browser, without a network: {card}", soft_wrap=True, highlight=False
    )
    return Lesson(version, card, lift, best)


def wait_until_scored(stage: Stage, files: list[FileRow]) -> None:
    """Wait until every claim of these files has the champion's score."""

    def missing() -> int:
        return sum(
            (row.rows_loaded or 0) - stage.query(SCORED, row.file_id)[0][0]
            for row in files
            if row.key.startswith("claims/")
        )

    stage.wait(lambda: missing() == 0, lambda: "Scoring")


def _train(stage: Stage) -> dict[str, Any]:
    heard: list[str] = []

    def doing() -> str:
        spoken = _words_of_the_run(stage)
        for line in spoken[len(heard) :]:
            say(f"  {line}")
        heard[:] = spoken
        return f"Training; {len(heard)} steps so far" if heard else "The instance starts"

    told = stage.watched(("train", LINE, "--why", "the first model", "--wait"), doing, TRAINING_PATIENCE)
    doing()
    return told


def _words_of_the_run(stage: Stage) -> list[str]:
    """What the run has said on its instance, without what its libraries say."""
    logs = sorted((stage.stack.folder / "instances").glob("*/output.log"))
    said = logs[-1].read_text(errors="replace").splitlines() if logs else []
    return [
        line
        for line in said
        if re.match(r"[0-9,]+ claims, |[a-z_]+: log-loss |chosen: |refused column ", line)
    ]


def _metrics(trained: dict[str, Any]) -> Table:
    table = Table(
        title=f"Model {trained['version']}, on the latest fifth of its claims by time", title_justify="left"
    )
    for title in METRICS.values():
        table.add_column(title, justify="right")
    table.add_row(*(f"{trained['metrics'][name]:.3f}" for name in METRICS))
    return table


def _fetch(stage: Stage, bundle_uri: str) -> tuple[Path, dict[str, Any]]:
    """The model's card in a file, and its manifest."""
    bucket, _, folder = bundle_uri.removeprefix("s3://").partition("/")
    s3 = stage.stack.client("s3")

    def part(name: str) -> bytes:
        content: bytes = s3.get_object(Bucket=bucket, Key=f"{folder}{name}")["Body"].read()
        return content

    card = stage.folder / "card.html"
    card.write_bytes(part("card.html"))
    return card, json.loads(part("manifest.json"))


def _wait_for_scores(stage: Stage, files: int) -> None:
    def waiting() -> int:
        count: int = stage.query(WAITING, LINE)[0][0]
        return count

    stage.wait(lambda: waiting() == 0, lambda: f"{waiting()} of {files} files wait")
    ((scored,),) = stage.query("SELECT count(*) FROM claimwatch.score WHERE role = 'champion'")
    stage.out.print(f"{scored:,} claims of {files} files that had come before have a score now.")


def _referrals(referred: list[tuple[Any, ...]]) -> Table:
    table = Table(title=f"The {SHOWN} most suspicious of them", title_justify="left")
    table.add_column("claim", no_wrap=True)
    table.add_column("probability", justify="right")
    table.add_column("why", overflow="fold")
    for claim_id, probability, _, reasons in referred[:SHOWN]:
        table.add_row(
            claim_id, f"{probability:.2f}", "\n".join(reason["text"] for reason in reasons[:REASONS])
        )
    return table


def _lift(stage: Stage, book: MotorBook, manifest: dict[str, Any]) -> tuple[float, float]:
    """Show the lift by decile beside what the truth reaches; that of the top decile, of both.

    Over all claims that are too young for their outcomes to have been learnt from: nobody knows
    what became of them, but for the generator.
    """
    details = manifest["details"]
    day = np.datetime64(details["as_of"]) - np.timedelta64(details["settings"]["maturity_days"], "D")
    scored = stage.query(NOT_LEARNT, str(day))
    probability, is_fraud = book.truth().of(claim_id for claim_id, _ in scored)
    own = np.array([float(stated) for _, stated in scored])
    lift, best = lift_by_decile(is_fraud, own), lift_by_decile(is_fraud, probability)
    stage.out.print(_chart(lift, best, len(own)))
    stage.out.print(
        f"The top decile holds {lift[0]:.2f} times as many frauds as the average one. By the true"
        f" probabilities, which only luck can beat, it would be {best[0]:.2f}: {lift[0] / best[0]:.0%} of"
        f" that lift is reached. ROC-AUC {roc_auc(is_fraud, own):.3f}, of the truth"
        f" {roc_auc(is_fraud, probability):.3f}.",
        highlight=False,
    )
    return float(lift[0]), float(best[0])


def _chart(lift: npt.NDArray[np.float64], best: npt.NDArray[np.float64], claims: int) -> Table:
    """Bars of text."""
    table = Table(
        title=f"Lift by decile, over {claims:,} claims that nobody has learnt from", title_justify="left"
    )
    table.add_column("decile", justify="right")
    table.add_column("the model", width=BAR + 1)
    table.add_column("lift", justify="right")
    table.add_column("of the truth", justify="right")
    for decile, (reached, possible) in enumerate(zip(lift, best, strict=True), 1):
        bar = "█" * round(BAR * reached / max(*lift, *best)) or "▏"
        table.add_row(
            str(decile), Text(bar, "red" if decile == 1 else "blue"), f"{reached:.2f}", f"{possible:.2f}"
        )
    return table
