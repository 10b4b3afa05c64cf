"""Cost of a weekly drift check: Claimwatch from profiles in PostgreSQL, Evidently and scipy from rows."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from scipy.spatial.distance import jensenshannon

from benchmarks import drift_check, drift_peers
from benchmarks.book import book_file
from benchmarks.database import Bench
from benchmarks.drift_book import FEATURES, SCORE, Floats, Simulated
from benchmarks.pipeline import warm_pipeline
from benchmarks.results import median, megabytes
from benchmarks.scoring_model import claims_frame
from claimwatch.domain.evaluation.drift import feature_drift
from claimwatch.domain.model.features import Columns, Feature, FeatureSpec, Matrix, encode
from claimwatch.domain.model.profile import Reference, profiles_of, reference_of
from claimwatch.domain.model.profile_codec import pack, packed_by_week, unpack
from claimwatch.storage.connection import Database
from claimwatch.storage.profiles import add_profiles

ROWS, CHUNKS, SEED = 1_000_000, 500, 11
ONCE, TENFOLD, MANY_ROWS = "once", "tenfold", "tenfold in as many rows more"
CHUNK_ROWS, SAMPLED = 40_000, 200_000
"""Claims per chunk (a chunk of 24 MB has 57,000), and number of sample claims whose profiling is repeated."""

_EXCLUDED = ("normal3", "normal4", "normal5", "wait2", "uniform1")
CHECKED = tuple(feature for feature in FEATURES if feature.name not in _EXCLUDED)

type Say = Callable[[str], None]
type Rows = dict[str, Floats]


def rows_of(claims: int, seed: int, deviations: float = 0.0) -> Rows:
    """Draw the columns of this many claims, with numbers in the precision of a model."""
    rng = np.random.default_rng([SEED, seed])
    features = [
        feature.shifted(deviations) if deviations and not feature.weights else feature for feature in CHECKED
    ]
    return {
        feature.name: feature.values(rng.random(claims)).astype(np.float32).astype(np.float64)
        for feature in features
    }


# -- Claimwatch --


class Encoded:
    """The rows as scoring holds them."""

    def __init__(self, rows: Rows) -> None:
        self.spec = FeatureSpec(
            tuple(
                Feature(
                    feature.name,
                    "category" if feature.weights else "number",
                    feature.name,
                    feature.categories,
                )
                for feature in CHECKED
            ),
            None,
        )
        self.columns: Columns = {
            feature.name: self._column(feature, rows[feature.name]) for feature in CHECKED
        }
        self.matrix: Matrix = encode(self.spec, self.columns)

    @staticmethod
    def _column(feature: Simulated, values: Floats) -> Any:
        if not feature.weights:
            return values
        missing = np.isnan(values)
        named = np.array(feature.categories, dtype=object)[np.where(missing, 0, values).astype(np.int64)]
        named[missing] = None
        return named

    def reference(self) -> Reference:
        """Return the reference of a model trained on these rows."""
        return reference_of(self.spec, self.columns, _scores(len(self.matrix), 0))

    def chunks(self, reference: Reference, chunks: int) -> list[tuple[int, bytes]]:
        """Return the week's profile rows, each with its number of claims."""
        scores, size = _scores(len(self.matrix), 1), len(self.matrix) // chunks
        found: list[tuple[int, bytes]] = []
        for start in range(0, len(self.matrix), size):
            part = slice(start, start + size)
            timestamps = np.full(len(self.matrix[part]), np.datetime64(drift_check.WEEK, "us"))
            columns = {name: column[part] for name, column in self.columns.items()}
            packed = packed_by_week(
                self.spec, columns, self.matrix[part], reference, timestamps, scores[part]
            )
            found += packed.values()
        return found


def _scores(claims: int, seed: int) -> Floats:
    return SCORE.values(np.random.default_rng([SEED, 99, seed]).random(claims))


def store(postgres: Bench, reference: Reference, rows: list[tuple[int, bytes]]) -> None:
    """Store the profile rows of a week, and two variants of it with ten times the claims."""
    rng = np.random.default_rng(SEED)
    packed = [counts for _, counts in rows]

    def added(number: int) -> tuple[int, bytes]:
        features, score = unpack(reference, [packed[index] for index in rng.integers(0, len(packed), number)])
        return score.rows, pack(features, score)

    stored = {
        ONCE: rows,
        TENFOLD: [added(10) for _ in rows],
        MANY_ROWS: [rows[index] for index in rng.integers(0, len(rows), 10 * len(rows))],
    }
    with closing(Database({"dsn": postgres.url})) as database, database.transaction() as cursor:
        cursor.execute(
            "INSERT INTO claimwatch.file (dataset, line, bucket, key, version_id, received_at)"
            " VALUES ('claims', %s, 'landing', 'claims/week.csv', '1', now()) RETURNING file_id",
            [drift_check.LINE],
        )
        ((file_id,),) = cursor.fetchall()
        for model, profile_rows in stored.items():
            for number, row in enumerate(profile_rows):
                weeks = {drift_check.WEEK: row, drift_check.BEFORE: row}
                add_profiles(cursor, drift_check.LINE, model, file_id, number, weeks)


def claimwatch(postgres: Bench, reference: Reference, rounds: int) -> dict[str, Any]:
    """Return the seconds of each variant of the week, and the peak memory of the checking process."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(reference.to_json())
        file.flush()
        models = [ONCE, TENFOLD, MANY_ROWS]
        output = subprocess.run(
            [sys.executable, "-m", "benchmarks.drift_check", postgres.url, file.name, str(rounds), *models],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    found: dict[str, Any] = json.loads(output)
    return found


# -- Peers --


def evidently(reference: Rows, current: Rows) -> dict[str, Any]:
    """Return Evidently's report of the same rows; reading them is not timed."""
    with tempfile.TemporaryDirectory(prefix="claimwatch-") as name:
        drift_peers.write_rows(Path(name, "reference.npz"), reference)
        drift_peers.write_rows(Path(name, "week-1.npz"), current)
        (found,) = drift_peers.reports(Path(name))
    return found


def scipy_columns(reference: Rows, current: Rows) -> float:
    """Return the seconds of scipy's Kolmogorov-Smirnov tests of all columns, without missing values."""
    present = [
        (reference[name][~np.isnan(reference[name])], current[name][~np.isnan(current[name])])
        for name in current
    ]
    begun = time.perf_counter()
    for one, two in present:
        stats.ks_2samp(one, two)
    return time.perf_counter() - begun


# -- Error of binning --


def binned_against_exact(claims: int = 100_000, deviations: float = 0.3) -> dict[str, dict[str, float]]:
    """Return each binned statistic's greatest and mean error over the numeric features, and its mean value.

    The exact values are scipy's distances, and PSI and Jensen-Shannon in the deciles of the reference.
    """
    before, now = Encoded(rows_of(claims, 5)), Encoded(rows_of(claims, 6, deviations))
    reference = before.reference()
    current = profiles_of(now.spec, now.columns, now.matrix, reference)
    binned = {
        (finding.feature, finding.metric): finding.value
        for finding in feature_drift(reference.features, current, ())
    }
    errors: dict[str, list[tuple[float, float]]] = {}
    for position, feature in enumerate(CHECKED):
        if feature.weights:
            continue
        one, two = (encoded.matrix[:, position].astype(np.float64) for encoded in (before, now))
        exact = _exact(one[~np.isnan(one)], two[~np.isnan(two)])
        if feature.missing:  # missing values have a bin in Claimwatch's PSI, but not in the exact one
            exact = {name: value for name, value in exact.items() if name in ("ks", "wasserstein")}
        for metric, value in exact.items():
            found = binned[feature.name, metric]
            assert found is not None
            errors.setdefault(metric, []).append((abs(found - value), value))
    return {
        metric: {
            "greatest_error": round(max(error for error, _ in found), 5),
            "mean_error": round(float(np.mean([error for error, _ in found])), 5),
            "mean_value": round(float(np.mean([value for _, value in found])), 5),
        }
        for metric, found in errors.items()
    }


def _exact(one: Floats, two: Floats) -> dict[str, float]:
    deciles = np.unique(np.quantile(one, np.arange(1, 10) / 10))
    shares = [
        np.bincount(np.searchsorted(deciles, values), minlength=len(deciles) + 1) / len(values)
        for values in (one, two)
    ]
    exact = {
        "ks": float(stats.ks_2samp(one, two, method="asymp").statistic),
        "wasserstein": float(stats.wasserstein_distance(one, two) / one.std()),
        "jensen_shannon": float(jensenshannon(*shares, base=2)),
    }
    if all(share.all() for share in shares):
        exact["psi"] = float(((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum())
    return exact


# -- Overhead of profiles in loading --


def load_overhead(postgres: Bench, folder: Path, rows: int, rounds: int, say: Say) -> dict[str, Any]:
    """Return the seconds of loading sample claims with two workers, and of profiling as many in one process.

    Profiling is timed chunk by chunk over ``SAMPLED`` claims, repeated up to this number of rows.
    """
    sampled = min(SAMPLED, rows)
    frame = claims_frame(folder / "drift", postgres.contract, sampled, SEED)
    columns = {column.name: frame[column.name].to_numpy() for column in postgres.contract.columns}
    spec = FeatureSpec.fit(postgres.contract, columns)
    assert spec.event_time is not None
    columns = {name: columns[name] for name in spec.kinds}
    timestamps, scores = columns[spec.event_time], _scores(sampled, 2)
    reference = reference_of(spec, columns, scores)
    matrix = encode(spec, columns)
    parts = [slice(start, start + CHUNK_ROWS) for start in range(0, sampled, CHUNK_ROWS)]
    book = book_file(folder, rows, 7)
    profiling, loading, weeks = [], [], 0
    with warm_pipeline(postgres, folder) as pipeline:
        pipeline.run(book)
        for number in range(rounds):
            postgres.empty()
            loading.append(pipeline.run(book)["total"])
            seconds = 0.0
            for _ in range(rows // sampled):
                for part in parts:
                    some = {name: column[part] for name, column in columns.items()}
                    begun = time.perf_counter()
                    found = packed_by_week(
                        spec, some, matrix[part], reference, timestamps[part], scores[part]
                    )
                    seconds += time.perf_counter() - begun
                    weeks = max(weeks, len(found))
            profiling.append(seconds)
            say(f"round {number + 1}  loading {loading[-1]:.2f} s, profiling {seconds:.2f} s")
    postgres.empty()
    return {
        "ratio": round(median(profiling) / median(loading), 4),
        "features": len(spec.features),
        "weeks_of_a_chunk": weeks,
        "loading_seconds": [round(seconds, 3) for seconds in loading],
        "profiling_seconds": [round(seconds, 3) for seconds in profiling],
    }


def measure(postgres: Bench, rows: int, rounds: int, say: Say) -> dict[str, Any]:
    """Time the weekly check of equally many current and reference rows with each contestant."""
    say(f"Drawing {rows:,} reference and {rows:,} current rows of {len(CHECKED)} features")
    before, now = rows_of(rows, 1), rows_of(rows, 2)
    encoded = Encoded(before)
    reference = encoded.reference()
    encoded = Encoded(now)
    stored = encoded.chunks(reference, CHUNKS)
    del encoded
    store(postgres, reference, stored)
    ours = claimwatch(postgres, reference, max(rounds, 5))
    seconds = {name: median(found) for name, found in ours["seconds"].items()}
    say(f"claimwatch  {seconds[ONCE]:8.3f} s")
    columns = [scipy_columns(before, now) for _ in range(rounds)]
    say(f"scipy       {median(columns):8.3f} s")
    report = evidently(before, now)
    say(f"evidently   {report['seconds']:8.3f} s")
    return {
        "vs_evidently_time": round(seconds[ONCE] / report["seconds"], 5),
        "vs_scipy_time": round(seconds[ONCE] / median(columns), 4),
        "growth_10x": round(seconds[TENFOLD] / seconds[ONCE], 3),
        "growth_10x_rows": round(seconds[MANY_ROWS] / seconds[ONCE], 3),
        "peak_mb": megabytes(ours["peak"]),
        "evidently_peak_mb": megabytes(report["peak"]),
        "seconds": {
            **{name: round(found, 4) for name, found in seconds.items()},
            "scipy": [round(found, 3) for found in columns],
            "evidently": round(report["seconds"], 2),
        },
        "profile_rows": len(stored),
        "bytes_of_a_row": round(float(np.mean([len(counts) for _, counts in stored]))),
    }
