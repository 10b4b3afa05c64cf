"""Evidently compared with Claimwatch on the same rows."""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.drift_book import FEATURES, MOVABLE, SCORE, Book, Floats, Profiles, Simulated
from benchmarks.drift_evidently import CATEGORY
from benchmarks.drift_honesty import MOVED, Watch, with_verdict
from claimwatch.domain.model.profile import Profile

PROJECT = Path(__file__).resolve().parent.parent
PYTHON = PROJECT / ".venv-evidently" / "bin" / "python"
SCRIPT = Path(__file__).with_name("drift_evidently.py")

type Rows = dict[str, Floats]


def write_rows(path: Path, rows: Rows) -> None:
    """Write columns in the format that drift_evidently.py reads."""
    kinds = {feature.name: CATEGORY if feature.weights else "" for feature in FEATURES}
    np.savez(path, **{f"{name}{kinds[name]}": values for name, values in rows.items()})  # type: ignore[arg-type] # a flag has this type


def reports(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield Evidently's report of each week in the folder."""
    command = [str(PYTHON), str(SCRIPT), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield json.loads(line)
    if process.returncode:
        raise RuntimeError("Evidently failed; see the output above")


def version() -> str:
    """Return the version of Evidently."""
    script = "from importlib.metadata import version; print(version('evidently'))"
    return subprocess.run(
        [str(PYTHON), "-c", script], check=True, capture_output=True, text=True
    ).stdout.strip()


def side_by_side(
    claims: int, weeks: int, reference: int, deviations: float = 0.0, seed: int = 5
) -> dict[str, Any]:
    """Return how often both alarm in consecutive weeks of the same rows, with or without shifted features.

    ``evidently_any`` counts weeks in which at least one column drifted, ``evidently_data_set`` weeks in which
    half of the columns did. Claimwatch first checks a week without drift.
    """
    rng = np.random.default_rng([seed, claims, reference, round(1000 * deviations)])
    rows = _rows(rng, FEATURES, reference)
    book = Book(FEATURES, _profiles(rows), SCORE.reference(rng.random(reference)), {}).with_probabilities()
    watch = Watch(book.reference, book.score)
    moved = set(rng.choice(MOVABLE, MOVED, replace=False).tolist()) if deviations else set()
    drawn_from = [feature.shifted(deviations) if feature.name in moved else feature for feature in FEATURES]
    ours: list[set[str]] = []
    with tempfile.TemporaryDirectory(prefix="claimwatch-") as name:
        folder = Path(name)
        write_rows(folder / "reference.npz", rows)
        watch.check(_profiles(_rows(rng, FEATURES, claims), book.reference), _score(rng, book, claims))
        for number in range(weeks):
            week = _rows(rng, drawn_from, claims)
            write_rows(folder / f"week-{number:05}.npz", week)
            of_features, of_score = watch.check(_profiles(week, book.reference), _score(rng, book, claims))
            ours.append(with_verdict([*of_features, *of_score], "alarm"))
        theirs = list(reports(folder))
    assert len(theirs) == weeks
    return {
        "weeks": weeks,
        "claimwatch": _share([bool(found) for found in ours]),
        "evidently_any": _share([bool(found["drifted"]) for found in theirs]),
        "evidently_data_set": _share([found["data_set"] for found in theirs]),
        "evidently_columns": round(float(np.mean([len(found["drifted"]) for found in theirs])), 2),
        "evidently_seconds": round(float(np.median([found["seconds"] for found in theirs])), 2),
    }


def _rows(rng: np.random.Generator, features: Sequence[Simulated], claims: int) -> Rows:
    return {feature.name: feature.values(rng.random(claims)) for feature in features}


def _profiles(rows: Rows, reference: Profiles | None = None) -> Profiles:
    """Return the profiles of rows in the bins of the reference, or in their own bins."""
    return {
        feature.name: feature.profile(rows[feature.name], reference[feature.name] if reference else None)
        for feature in FEATURES
    }


def _score(rng: np.random.Generator, book: Book, claims: int) -> Profile:
    return SCORE.week(rng, book.score, book.probabilities[SCORE.name], claims)


def _share(seen: list[bool]) -> float:
    return round(float(np.mean(seen)), 4)
