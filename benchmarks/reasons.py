"""Reasons on three books: how many of them tell an investigator what is suspicious about a claim.

python -m benchmarks.reasons                  trains a model on each book; writes benchmarks/results.json
python -m benchmarks.reasons --show 20        also prints reasons to read

A reason that names a value which most claims have, without saying that fraud is more frequent among them,
gives an investigator nothing to look into. The books: motor is the sample book, of which only investigated
claims have an outcome; in property all have one; in travel 3 of 10 have, and most features are numbers.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.command import Figures, argument_parser, run, say
from benchmarks.results import circumstances, table
from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.model.reasons import shown
from claimwatch.scoring.bundle import Bundle
from claimwatch.scoring.scorer import Scorer
from samples.book import BookConfig
from samples.contract import MOTOR
from samples.delivery import Delivery, deliver
from training.candidates import CANDIDATES, Candidate
from training.publish import publish
from training.run import Request, train
from training.settings import Settings
from training.snapshot import read_snapshot

CLAIMS, SEED, BUDGET_MINUTES = 20_000, 7, 0.5
TODAY = np.datetime64("2026-11-24", "us")
START = np.datetime64("2025-11-01", "us")
FREQUENT = 0.1
"""The least share of the claims that makes the most frequent value of a feature a modal value."""

type Book = Callable[[Path, int, int], tuple[Contract, Path]]


@dataclass(frozen=True)
class Judged:
    """Counts of the reasons of referred claims; ``explained`` is the mean share that they explain."""

    claims: int
    reasons: int
    modal: int
    modal_without_rate: int
    with_rate: int
    below_average: int
    explained: float


def main() -> None:
    """Measure, print and record the figures."""
    parser = argument_parser("reasons", __doc__)
    parser.add_argument("--claims", type=int, default=CLAIMS, help="claims of a book (default %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="the seed of the books (default %(default)s)")
    parser.add_argument("--show", type=int, default=0, help="claims of each book whose reasons are printed")
    options = parser.parse_args()
    complete = (options.claims, options.seed) == (CLAIMS, SEED)
    run("reasons", options, _measured, _report, complete=complete)


def _measured(options: argparse.Namespace) -> Figures:
    figures: dict[str, Any] = {}
    for name, book in BOOKS.items():
        folder = options.folder / "reasons" / f"{name}-{options.claims}-{options.seed}"
        folder.mkdir(parents=True, exist_ok=True)
        contract, snapshot = book(folder, options.claims, options.seed)
        scorer = trained(folder, contract, snapshot)
        judged, listed = judge(scorer, contract, snapshot)
        say(f"{name}: {judged}")
        for reasons in listed[:: max(len(listed) // options.show, 1)] if options.show else []:
            say("\n".join(["", *map(shown, reasons)]))
        figures[name] = vars(judged)
    worst = max(each["modal_without_rate"] / each["reasons"] for each in figures.values())
    return {
        "books": figures,
        "modal_without_rate": round(worst, 4),
        **circumstances("numpy", "scikit-learn", "lightgbm"),
    }


def trained(
    folder: Path,
    contract: Contract,
    snapshot: Path,
    candidates: Sequence[Candidate] = CANDIDATES,
    budget_minutes: float = BUDGET_MINUTES,
) -> Scorer:
    """Train a model and return its scorer, whether or not the model passes the gates."""
    request = Request(contract.line, "1", contract, snapshot, "benchmark", str(TODAY), TODAY)
    evidence = train(request, Settings.of_contract(contract, budget_minutes=budget_minutes), say, candidates)
    bundle = folder / "bundle"
    sha256 = publish(evidence, bundle)
    return Scorer(Bundle.read(lambda name: (bundle / name).read_bytes(), sha256))


def judge(scorer: Scorer, contract: Contract, snapshot: Path) -> tuple[Judged, list[list[dict[str, Any]]]]:
    """Judge the reasons of the referred claims in the newest fifth, which the model was not trained on."""
    claims = read_snapshot(snapshot, contract)
    ids = np.asarray(claims.columns[contract.identifier.name])
    newest = claims.event_time >= np.quantile(claims.event_time.astype(np.int64), 0.8).astype(
        "datetime64[us]"
    )
    referred = scorer.referred(scorer.probabilities(claims.columns), ids, b"benchmark") & newest
    listed = scorer.reasons(claims.columns, np.flatnonzero(referred))
    matrix = scorer.score(claims.columns).matrix
    modal = {
        feature.name: _modal(matrix[:, place]) for place, feature in enumerate(scorer.bundle.spec.features)
    }
    codes = {feature.name: feature.categories for feature in scorer.bundle.spec.features}
    every = [reason for reasons in listed for reason in reasons]
    common = [
        reason
        for reason in every
        if reason["value"] is not None
        and reason["value"] == _named(modal[reason["feature"]], codes[reason["feature"]])
    ]
    rates = [reason["fraud_ratio"] for reason in every]
    return (
        Judged(
            claims=len(listed),
            reasons=len(every),
            modal=len(common),
            modal_without_rate=sum(reason["fraud_ratio"] is None for reason in common),
            with_rate=sum(ratio is not None for ratio in rates),
            below_average=sum(ratio is not None and ratio < 1.0 for ratio in rates),
            explained=round(float(np.mean([sum(one["share"] for one in each) for each in listed])), 3),
        ),
        listed,
    )


def _modal(values: npt.NDArray[np.float32]) -> float | None:
    """Return the most frequent value, if it is frequent."""
    counts = Counter(values[~np.isnan(values)].tolist())
    value, count = counts.most_common(1)[0] if counts else (0.0, 0)
    return value if count >= FREQUENT * len(values) else None


def _named(number: float | None, categories: Sequence[str]) -> Any:
    return categories[int(number)] if categories and number is not None else number


# -- The books --


def motor(folder: Path, claims: int, seed: int) -> tuple[Contract, Path]:
    """Write the sample book: its investigated claims have outcomes."""
    snapshot, weeks = folder / "snapshot.parquet", 20
    deliver(
        BookConfig(seed=seed, weeks=weeks, claims_per_week=claims // weeks),
        folder,
        Delivery(settling_weeks=26),
    )
    with duckdb.connect() as engine:
        engine.execute(f"""
            COPY (
                SELECT c.*, is_fraud::BOOLEAN AS is_fraud, decided_at, source
                FROM read_csv('{folder}/claims/motor/*.csv', delim = ',', header = true,
                    sample_size = -1) AS c
                LEFT JOIN read_csv('{folder}/outcomes/motor/*.csv') USING (claim_id) ORDER BY claim_id
            ) TO '{snapshot}' (FORMAT parquet)
        """)
    return parse_contract(MOTOR.read_text("utf-8"), "motor"), snapshot


def property_(folder: Path, claims: int, seed: int) -> tuple[Contract, Path]:
    """Write a book of coded categories and counts, of which every claim has an outcome."""
    draw = np.random.default_rng(seed)
    choose = draw.choice
    frame = pd.DataFrame(
        {
            "Fault": choose(["policy holder", "third party"], claims, p=[0.7, 0.3]),
            "Cause": choose(
                ["water", "fire", "burglary", "storm", "glass"], claims, p=[0.4, 0.1, 0.15, 0.25, 0.1]
            ),
            "AgeBand": choose(
                ["18-24", "25-34", "35-49", "50-64", "65+"], claims, p=[0.1, 0.2, 0.35, 0.25, 0.1]
            ),
            "RiskCode": choose(["-1", "0", "1", "2"], claims, p=[0.1, 0.6, 0.2, 0.1]),
            "PoliceReport": choose([True, False], claims, p=[0.15, 0.85]),
            "Witness": choose([True, False], claims, p=[0.05, 0.95]),
            "PastClaims": draw.poisson(0.5, claims),
            "Rooms": draw.integers(1, 9, claims),
            "Amount": np.round(np.exp(draw.normal(7.5, 1.0, claims)), 2),
            "Deductible": choose([100, 300, 500], claims, p=[0.2, 0.7, 0.1]),
            "PolicyStart": _days_before(draw.exponential(700, claims)),
        }
    )
    frame.loc[draw.random(claims) < 0.1, "Amount"] = np.nan
    margin = (
        -3.6
        + 0.6 * (frame["Fault"] == "policy holder")
        + 1.2 * (frame["Cause"] == "burglary")
        + 0.9 * (frame["Cause"] == "fire")
        + 0.8 * (frame["RiskCode"] == "-1")
        + 0.5 * (frame["AgeBand"] == "25-34")
        + 0.5 * ~frame["PoliceReport"]
        + 0.5 * np.minimum(frame["PastClaims"], 3)
        + 0.5 * (np.log(frame["Amount"].fillna(900)) - 7.5)
    )
    return _write(folder, "property", frame, margin, draw, known=1.0)


def travel(folder: Path, claims: int, seed: int) -> tuple[Contract, Path]:
    """Write a book of numbers and dates, of which three in ten claims have an outcome."""
    draw = np.random.default_rng(seed + 1)
    frame = pd.DataFrame(
        {
            "trip_days": draw.integers(1, 40, claims),
            "trip_price": np.round(np.exp(draw.normal(6.8, 0.7, claims)), 2),
            "claimed": np.round(np.exp(draw.normal(5.9, 1.1, claims)), 2),
            "travellers": 1 + draw.poisson(0.8, claims),
            "documents": draw.poisson(2.5, claims),
            "score_of_agent": np.round(draw.normal(0.0, 1.0, claims), 3),
            "country": draw.choice([f"C{place:02}" for place in range(30)], claims),
            "kind": draw.choice(["luggage", "illness", "delay"], claims, p=[0.5, 0.3, 0.2]),
            "booked_on": _days_before(draw.exponential(60, claims)),
            "insured_on": _days_before(draw.exponential(40, claims)),
        }
    )
    late = (_events(claims) - frame["insured_on"].to_numpy()) < np.timedelta64(10, "D")
    margin = (
        -4.2
        + 1.3 * late
        + 0.8 * (np.log(frame["claimed"]) - 5.9)
        - 0.3 * (frame["documents"] - 2.5)
        + 0.8 * (frame["kind"] == "luggage")
        + 0.9 * (frame["country"].isin(["C03", "C17"]))
        + 0.3 * np.maximum(frame["score_of_agent"], 0.0)
    )
    return _write(folder, "travel", frame, margin, draw, known=0.3)


def _events(claims: int) -> npt.NDArray[np.datetime64]:
    days = (np.arange(claims) * 300 // claims).astype("timedelta64[D]")
    return np.asarray(START + days)


def _days_before(days: npt.NDArray[np.float64]) -> npt.NDArray[np.datetime64]:
    """Return the day so many days before each event."""
    return np.asarray(_events(len(days)) - days.astype("timedelta64[D]"))


def _write(
    folder: Path, line: str, frame: pd.DataFrame, margin: pd.Series, draw: np.random.Generator, known: float
) -> tuple[Contract, Path]:
    """Draw outcomes, write the snapshot, and return its contract; ``known`` is the share with an outcome."""
    claims = len(frame)
    fraud = draw.random(claims) < 1.0 / (1.0 + np.exp(-margin.to_numpy(dtype=np.float64)))
    kinds = {
        "f": LogicalType.NUMBER,
        "i": LogicalType.INTEGER,
        "b": LogicalType.BOOLEAN,
        "M": LogicalType.DATE,
    }
    columns = [
        Column("claim_id", LogicalType.STRING, Role.IDENTIFIER),
        Column("event_at", LogicalType.TIMESTAMP, Role.EVENT_TIME),
        *(
            Column(str(name), kinds.get(values.dtype.kind, LogicalType.STRING), Role.FEATURE)
            for name, values in frame.items()
        ),
    ]
    events = pd.to_datetime(_events(claims), utc=True)
    decided = draw.random(claims) < known
    dates = {str(name): values.dt.date for name, values in frame.items() if values.dtype.kind == "M"}
    snapshot = folder / "snapshot.parquet"
    outcomes: dict[str, list[Any]] = {
        "is_fraud": [bool(own) if there else None for own, there in zip(fraud, decided, strict=True)],
        "decided_at": [event if there else None for event, there in zip(events, decided, strict=True)],
        "source": ["random_audit" if there else None for there in decided],
    }
    ids = [f"{line}-{number:06}" for number in range(claims)]
    frame.assign(claim_id=ids, event_at=events, **dates).join(pd.DataFrame(outcomes)).to_parquet(snapshot)
    return Contract(line, "1.0.0", f"claim_{line}", tuple(columns)), snapshot


BOOKS: dict[str, Book] = {"motor": motor, "property": property_, "travel": travel}


def _report(figures: Figures) -> str:
    heads = [
        "book",
        "referred claims",
        "reasons",
        "modal without rate",
        "with a rate",
        "rate below average",
        "explain",
    ]
    rows = [
        [
            name,
            f"{each['claims']:,}",
            f"{each['reasons']:,}",
            *(
                f"{each[count] / each['reasons']:.1%}"
                for count in ("modal_without_rate", "with_rate", "below_average")
            ),
            f"{each['explained']:.0%}",
        ]
        for name, each in figures["books"].items()
    ]
    return table(heads, rows)


if __name__ == "__main__":
    main()
