"""Scoring: Claimwatch compared with scikit-learn's pipeline and MLflow's pyfunc, all with the same model.

python -m benchmarks.scoring                  what `make bench-scoring` runs; writes benchmarks/results.json
python -m benchmarks.scoring --rows 100000 --rounds 2      a quick run; writes nothing

Every process has one thread, because a function has one CPU. With two threads, scikit-learn's boosting waits
for threads that other processes hold back, and appears ten times slower than it is.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks import scoring_cold
from benchmarks.command import Figures, argument_parser, run, say
from benchmarks.database import DURABLE, bench
from benchmarks.results import circumstances, median, table
from benchmarks.scoring_end_to_end import measure
from benchmarks.scoring_model import CALIBRATION, Served, claims_frame, columns_of, serve
from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.model.calibration import log_odds, probability
from claimwatch.domain.model.features import encode
from claimwatch.domain.model.shapley import shapley
from claimwatch.scoring.bundle import Bundle
from claimwatch.scoring.scorer import Scorer
from samples.contract import MOTOR

ROWS, ROUNDS, SEED, MANY = 1_000_000, 5, 7, 10_000
BUILD = Path(__file__).resolve().parent.parent / ".aws-sam" / "build"
PACKAGES = ("onnxruntime", "numpy", "duckdb", "scikit-learn", "pandas", "mlflow", "shap", "psycopg2-binary")
CONTESTANTS = ("claimwatch", "sklearn", "pyfunc")


def main() -> None:
    """Measure, print and record the figures."""
    options = _arguments()
    complete = (options.rows, options.rounds) == (ROWS, ROUNDS) and not options.skip_end_to_end
    with threadpool_limits(1):
        run("scoring", options, _measured, _report, complete=complete)


def _arguments() -> argparse.Namespace:
    parser = argument_parser("scoring", __doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="claims end to end (default %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="runs of each contestant (default %(default)s)"
    )
    parser.add_argument("--skip-end-to-end", action="store_true", help="score in memory only")
    return parser.parse_args()


def _measured(options: argparse.Namespace) -> Figures:
    contract: Contract = parse_contract(MOTOR.read_text("utf-8"), "motor")
    own = options.folder / "scoring"
    say("Training the model that all contestants use")
    served = serve(own, contract)
    frame = claims_frame(own, contract, MANY, SEED)[list(served.spec.kinds)]
    scorer = Scorer(Bundle.read(lambda name: (served.bundle / name).read_bytes(), served.sha256))
    figures = _in_memory(served, scorer, frame, options.rounds)
    figures |= _agreement(served, scorer, frame, options.rounds)
    figures |= _cold(served, frame, options.rounds)
    if not options.skip_end_to_end:
        with bench(options.folder) as place:
            say(f"Loading {options.rows:,} claims")
            figures["end_to_end"] = measure(place, options.folder, served, options.rows, options.rounds, say)
            figures["server"] = {"version": place.version(), **DURABLE}
        rates = figures["end_to_end"]["rows_per_second"]
        figures["vs_pyfunc_end_to_end"] = round(rates["claimwatch"] / rates["pyfunc"], 2)
        figures["vs_pyfunc_one_worker"] = round(rates["one_worker"] / rates["pyfunc"], 2)
    model = {"trees": 250, "leaves": 6, "features": served.features}
    return {**figures, "model": model, **circumstances(*PACKAGES)}


# -- In memory: raw values to probability --


def _in_memory(served: Served, scorer: Scorer, frame: pd.DataFrame, rounds: int) -> dict[str, Any]:
    pyfunc = mlflow.pyfunc.load_model(str(served.pyfunc))
    seconds: dict[str, dict[str, float]] = {}
    for name, rows, repeats in (("1", 1, 200), ("10k", MANY, 5)):
        some = frame[:rows].reset_index(drop=True)
        columns = columns_of(some, served.spec)
        contestants: dict[str, Callable[[], Any]] = {
            "claimwatch": lambda columns=columns: scorer.probabilities(columns),  # type: ignore[misc]
            "sklearn": lambda some=some: served.pipeline.predict_proba(some),  # type: ignore[misc]
            "pyfunc": lambda some=some: pyfunc.predict(some),  # type: ignore[misc]
        }
        runs: dict[str, list[float]] = {contestant: [] for contestant in contestants}
        for _ in range(rounds):
            for contestant, score in contestants.items():
                score()
                many = repeats if contestant == "claimwatch" or rows > 1 else 20
                begun = time.perf_counter()
                for _ in range(many):
                    score()
                runs[contestant].append((time.perf_counter() - begun) / many)
        seconds[name] = {contestant: median(found) for contestant, found in runs.items()}
        say(
            f"{rows:>6,} claims "
            + "  ".join(f"{name} {1000 * found:.3f} ms" for name, found in seconds[name].items())
        )
    return {
        "vs_pipeline_1": round(seconds["1"]["sklearn"] / seconds["1"]["claimwatch"], 1),
        "vs_pipeline_10k": round(seconds["10k"]["sklearn"] / seconds["10k"]["claimwatch"], 2),
        "milliseconds": {
            rows: {name: round(1000 * found, 4) for name, found in by_name.items()}
            for rows, by_name in seconds.items()
        },
    }


# -- Agreement with the libraries --


def _agreement(served: Served, scorer: Scorer, frame: pd.DataFrame, rounds: int) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # shap and its imports warn about each other
        import shap  # noqa: PLC0415

    columns = columns_of(frame, served.spec)
    theirs = served.pipeline.predict_proba(frame)[:, 1]
    expected = probability(CALIBRATION, "logit", np.log(theirs / (1.0 - theirs)))
    parity = float(np.abs(scorer.score(columns).probability - expected).max())
    matrix = encode(served.spec, columns)
    wide = matrix.astype(np.float64)
    peer = shap.TreeExplainer(served.pipeline[-1], feature_perturbation="tree_path_dependent")
    model = scorer.bundle.model
    assert np.allclose(
        log_odds(model.link, scorer.score(columns).margin), np.log(theirs / (1 - theirs)), atol=1e-4
    )
    runs: dict[str, list[float]] = {"claimwatch": [], "shap": []}
    difference = 0.0
    for _ in range(rounds):
        begun = time.perf_counter()
        ours = shapley(model, matrix)
        middle = time.perf_counter()
        others = np.asarray(peer.shap_values(wide, check_additivity=False))
        ended = time.perf_counter()
        runs["claimwatch"].append(middle - begun)
        runs["shap"].append(ended - middle)
        difference = max(difference, float(np.abs(ours - others).max()))
    begun = time.perf_counter()
    scorer.reasons(columns, np.arange(len(frame)))
    worded = time.perf_counter() - begun
    seconds = {name: round(median(found), 4) for name, found in runs.items()}
    say(
        f"reasons of {len(frame):,} claims: {seconds}, in words {worded:.2f} s;"
        f" differences {parity:.1e}, {difference:.1e}"
    )
    return {
        "parity_max_abs": parity,
        "shap_max_abs": difference,
        "shap_vs_shap": round(seconds["shap"] / seconds["claimwatch"], 2),
        "shap_seconds": seconds | {"in_words": round(worded, 3)},
    }


# -- Cold start --


def _cold(served: Served, frame: pd.DataFrame, rounds: int) -> dict[str, Any]:
    if not all((BUILD / layer).is_dir() for layer in scoring_cold.LAYERS):
        raise SystemExit("The cold start is measured on the build; run `make build` first.")
    first = frame.iloc[0]
    claim: dict[str, Any] = {
        str(name): str(value) if isinstance(value, pd.Timestamp) else None if value != value else value
        for name, value in first.items()
    }
    runs = [scoring_cold.seconds_of(served, BUILD, claim) for _ in range(rounds)]
    seconds = {name: round(median([run[name] for run in runs]), 4) for name in CONTESTANTS}
    say("cold start " + "  ".join(f"{name} {found:.3f} s" for name, found in seconds.items()))
    return {
        "cold_vs_sklearn": round(seconds["claimwatch"] / seconds["sklearn"], 4),
        "cold_vs_pyfunc": round(seconds["claimwatch"] / seconds["pyfunc"], 4),
        "cold_seconds": seconds,
    }


# -- The report --


def _report(figures: Figures) -> str:
    kinds = {"1 claim, ms": figures["milliseconds"]["1"], "10,000 claims, ms": figures["milliseconds"]["10k"]}
    kinds["cold start, s"] = figures["cold_seconds"]
    rows = [
        [name, *(str(found.get(contestant, "")) for contestant in CONTESTANTS)]
        for name, found in kinds.items()
    ]
    if end_to_end := figures.get("end_to_end"):
        rates = end_to_end["rows_per_second"]
        rows.append(
            ["end to end, rows/s", *(f"{rates[name]:,}" if name in rates else "" for name in CONTESTANTS)]
        )
        rows.append(["with one worker, rows/s", f"{rates['one_worker']:,}", "", ""])
    facts = (
        "vs_pyfunc_end_to_end",
        "vs_pyfunc_one_worker",
        "vs_pipeline_10k",
        "vs_pipeline_1",
        "cold_vs_sklearn",
        "cold_vs_pyfunc",
        "parity_max_abs",
        "shap_max_abs",
        "shap_vs_shap",
    )
    values = [[name, f"{figures[name]:.3g}"] for name in facts if name in figures]
    return "\n\n".join([table(["", *CONTESTANTS], rows), table(["", "value"], values)])


if __name__ == "__main__":
    main()
