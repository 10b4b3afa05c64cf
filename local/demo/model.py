"""Steps 3 to 6: half a year arrives, a model is trained on it, promoted, and scores the next week."""

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
from claimwatch.domain.model.reasons import shown
from local.demo import files
from local.demo.book import HISTORY, NEXT, MotorBook
from local.demo.context import DemoContext, DemoFailed, FileRow
from local.processes import report_progress

LINE = "motor"
TRAINING_TIMEOUT = 900.0
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
"""Number of referrals in the table, and of reasons for each."""
BAR = 36
"""Length of the longest bar, in characters."""

WAITING = "SELECT count(*) FROM claimwatch.unscored_file WHERE line = %s"
SCORED = "SELECT count(*) FROM claimwatch.score WHERE file_id = %s AND role = 'champion'"
REFERRED = """
SELECT claim_id, probability, percentile, reasons FROM claimwatch.score
WHERE file_id = %s AND role = 'champion' AND referred ORDER BY probability DESC, claim_id
"""
AUDITED = """
SELECT count(*) FROM claimwatch.score
WHERE file_id = %s AND role = 'champion' AND audit_sample AND NOT referred
"""
NOT_TRAINED_ON = """
SELECT s.claim_id, s.probability
FROM claimwatch.score AS s JOIN claimwatch.current_claim_motor AS c USING (claim_id, file_id)
WHERE s.role = 'champion' AND c.reported_at > %s ORDER BY s.claim_id
"""


@dataclass(frozen=True)
class TrainedModel:
    """The model, its card, its lift in the top decile, and the lift of the true probabilities."""

    version: str
    card: Path
    lift: float
    best_lift: float


def run(demo: DemoContext, book: MotorBook) -> TrainedModel:
    """Drop the history, train on it, promote the model, and drop the next week."""
    demo.heading(
        f"3. Half a year arrives: {book.name(HISTORY.start)} to {book.name(HISTORY.stop - 1)}, with outcomes"
    )
    demo.out.print(files.summary(demo.wait_for_files(demo.drop(book.history()))))

    demo.heading("4. A model is trained on an instance that terminates itself")
    trained = _train(demo)
    version = trained["version"]
    demo.out.print(_metrics(trained))
    card, manifest = _fetch(demo, trained["bundle_uri"])

    demo.heading(f"5. Model {version} is promoted, and scores the waiting claims")
    promoted = demo.command(
        "promote", LINE, version, "--as", "champion", "--why", "the first model, I read its card"
    )
    _wait_for_scores(demo, promoted["unscored_files"])

    demo.heading(f"6. The next week arrives: {book.name(NEXT)}")
    (claims, _) = demo.wait_for_files(demo.drop(book.week(NEXT)))
    wait_until_scored(demo, [claims])
    referred = demo.query(REFERRED, claims.file_id)
    if not referred or not all(reasons for *_, reasons in referred):
        raise DemoFailed(f"{len(referred)} claims were referred, but not all have reasons")
    ((audited,),) = demo.query(AUDITED, claims.file_id)
    demo.out.print(
        f"{claims.rows_loaded:,} claims are scored; {len(referred)} of them are referred, about as many as"
        f" the team can review, and {audited} others are in the random audit."
    )
    demo.out.print(_referrals(referred))
    lift, best = _lift(demo, book, manifest)
    demo.out.print(f"Model card (opens in any browser, offline): {card}", soft_wrap=True, highlight=False)
    return TrainedModel(version, card, lift, best)


def wait_until_scored(demo: DemoContext, files: list[FileRow]) -> None:
    """Wait until every claim of these files has the champion's score."""

    def missing() -> int:
        return sum(
            (row.rows_loaded or 0) - demo.query(SCORED, row.file_id)[0][0]
            for row in files
            if row.key.startswith("claims/")
        )

    demo.wait(lambda: missing() == 0, lambda: "Scoring")


def _train(demo: DemoContext) -> dict[str, Any]:
    shown: list[str] = []

    def activity() -> str:
        lines = _progress_lines(demo)
        for line in lines[len(shown) :]:
            report_progress(f"  {line}")
        shown[:] = lines
        return f"Training; {len(shown)} steps so far" if shown else "Starting the instance"

    trained = demo.command_with_progress(
        ("train", LINE, "--why", "the first model", "--wait"), activity, TRAINING_TIMEOUT
    )
    activity()
    return trained


def _progress_lines(demo: DemoContext) -> list[str]:
    """Return the progress that the training job has logged, without the output of libraries."""
    logs = sorted((demo.stack.folder / "instances").glob("*/output.log"))
    output = logs[-1].read_text(errors="replace").splitlines() if logs else []
    return [
        line
        for line in output
        if re.match(r"[0-9,]+ claims, |[a-z_]+: log-loss |chosen: |refused column ", line)
    ]


def _metrics(trained: dict[str, Any]) -> Table:
    table = Table(
        title=f"Model {trained['version']}, tested on the latest fifth of its claims", title_justify="left"
    )
    for title in METRICS.values():
        table.add_column(title, justify="right")
    table.add_row(*(f"{trained['metrics'][name]:.3f}" for name in METRICS))
    return table


def _fetch(demo: DemoContext, bundle_uri: str) -> tuple[Path, dict[str, Any]]:
    """Save the model's card to a file; return its path and the manifest."""
    bucket, _, folder = bundle_uri.removeprefix("s3://").partition("/")
    s3 = demo.stack.client("s3")

    def part(name: str) -> bytes:
        content: bytes = s3.get_object(Bucket=bucket, Key=f"{folder}{name}")["Body"].read()
        return content

    card = demo.folder / "card.html"
    card.write_bytes(part("card.html"))
    return card, json.loads(part("manifest.json"))


def _wait_for_scores(demo: DemoContext, files: int) -> None:
    def waiting() -> int:
        count: int = demo.query(WAITING, LINE)[0][0]
        return count

    demo.wait(lambda: waiting() == 0, lambda: f"{waiting()} of {files} files are waiting")
    ((scored,),) = demo.query("SELECT count(*) FROM claimwatch.score WHERE role = 'champion'")
    demo.out.print(f"{scored:,} claims of {files} earlier files are scored now.")


def _referrals(referred: list[tuple[Any, ...]]) -> Table:
    table = Table(title=f"The {SHOWN} most suspicious claims", title_justify="left")
    table.add_column("claim", no_wrap=True)
    table.add_column("probability", justify="right")
    table.add_column("why, with the share of what raised the probability", overflow="fold")
    for claim_id, probability, _, reasons in referred[:SHOWN]:
        table.add_row(claim_id, f"{probability:.2f}", "\n".join(map(shown, reasons[:REASONS])))
    return table


def _lift(demo: DemoContext, book: MotorBook, manifest: dict[str, Any]) -> tuple[float, float]:
    """Print the lift by decile of the model and of the truth; return both lifts of the top decile.

    The claims are those that are too recent to have an outcome in the training data. Only the
    generator knows which of them are fraud.
    """
    details = manifest["details"]
    day = np.datetime64(details["as_of"]) - np.timedelta64(details["settings"]["maturity_days"], "D")
    scored = demo.query(NOT_TRAINED_ON, str(day))
    probability, is_fraud = book.truth().of(claim_id for claim_id, _ in scored)
    own = np.array([float(stated) for _, stated in scored])
    lift, best = lift_by_decile(is_fraud, own), lift_by_decile(is_fraud, probability)
    demo.out.print(_chart(lift, best, len(own)))
    demo.out.print(
        f"The top decile has {lift[0]:.2f} times the average fraud rate. Ranking by the true probabilities"
        f" reaches {best[0]:.2f}, so the model has {lift[0] / best[0]:.0%} of the possible lift. Its ROC-AUC"
        f" is {roc_auc(is_fraud, own):.3f}; that of the true probabilities is"
        f" {roc_auc(is_fraud, probability):.3f}.",
        highlight=False,
    )
    return float(lift[0]), float(best[0])


def _chart(lift: npt.NDArray[np.float64], best: npt.NDArray[np.float64], claims: int) -> Table:
    """Return a table with a bar for each decile."""
    table = Table(
        title=f"Lift by decile, for {claims:,} claims that the model was not trained on", title_justify="left"
    )
    table.add_column("decile", justify="right")
    table.add_column("model", width=BAR + 1)
    table.add_column("lift", justify="right")
    table.add_column("best possible", justify="right")
    for decile, (reached, possible) in enumerate(zip(lift, best, strict=True), 1):
        bar = "█" * round(BAR * reached / max(*lift, *best)) or "▏"
        table.add_row(
            str(decile), Text(bar, "red" if decile == 1 else "blue"), f"{reached:.2f}", f"{possible:.2f}"
        )
    return table
