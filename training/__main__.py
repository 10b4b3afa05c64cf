"""`python -m training`: train on a snapshot file and write a bundle to a folder; only files are touched."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from claimwatch.domain.contract.parse import parse_contract
from claimwatch.errors import RefusedData
from training.publish import publish, result
from training.run import Request, train
from training.settings import Settings

REFUSED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Train once; exit with code 1 if the model or the snapshot is refused."""
    given = _parser().parse_args(arguments)
    try:
        contract = parse_contract(given.contract.read_text(encoding="utf-8"), given.line)
        chosen = {
            name: getattr(given, name)
            for name in (
                "seed",
                "budget_minutes",
                "capacity",
                "amount_column",
                "claimant_column",
                "review_cost",
            )
        }
        settings = Settings.of_contract(contract, **chosen, trusted=tuple(given.trust) or None)
        request = Request(
            line=given.line,
            version=given.version,
            contract=contract,
            snapshot=given.snapshot,
            code_version=given.code_version,
            created_at=given.created_at or datetime.now(UTC).isoformat(timespec="seconds"),
            as_of=np.datetime64(given.as_of, "us") if given.as_of else None,
            champion=given.champion,
            champion_sha256=given.champion_sha256,
        )
        found = train(request, settings, lambda line: print(line, file=sys.stderr, flush=True))
    except RefusedData as error:
        print(f"Refused: {error}", file=sys.stderr)
        return REFUSED
    sha256 = publish(found, given.out)
    if given.tracking_uri:
        # Imported here because MLflow takes seconds to import, and a run without tracking does not need it.
        from training.mlflow_tracking import Tracking, record  # noqa: PLC0415

        place = given.bundle_uri or given.out.resolve().as_uri()
        record(found, given.out, place, sha256, Tracking(given.tracking_uri, given.artifacts))
    print(result(found, sha256))
    if found.refused_because:
        print(f"Refused: {found.refused_because}", file=sys.stderr)
    return REFUSED if found.refused_because else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("--line", required=True)
    parser.add_argument("--snapshot", type=Path, required=True, help="Parquet, see training/snapshot.py")
    parser.add_argument("--contract", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder of the bundle")
    parser.add_argument("--version", default="1")
    parser.add_argument("--seed", type=int)
    parser.add_argument(
        "--budget-minutes", type=float, help="time for the search; it sets the number of trials"
    )
    parser.add_argument("--capacity", type=float, help="share of claims that can be reviewed")
    parser.add_argument("--review-cost", type=float)
    parser.add_argument("--amount-column", help="column of the amount that finding a fraud saves")
    parser.add_argument("--claimant-column")
    parser.add_argument("--champion", type=Path, help="folder of the live model's bundle")
    parser.add_argument("--champion-sha256", default="", help="hash of the bundle of --champion, as promoted")
    parser.add_argument("--as-of", help="day on which outcomes are read; by default the snapshot's latest")
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="COLUMN",
        help="keep this column although it looks like a leak",
    )
    parser.add_argument("--code-version", default="unversioned")
    parser.add_argument("--created-at", help="time for the manifest; by default now")
    parser.add_argument("--bundle-uri", help="final address of the bundle, for MLflow; by default --out")
    parser.add_argument(
        "--tracking-uri",
        default=os.environ.get("MLFLOW_TRACKING_URI"),
        help="MLflow's store; without it and without MLFLOW_TRACKING_URI, nothing is recorded",
    )
    parser.add_argument(
        "--artifacts", default=os.environ.get("MLFLOW_ARTIFACT_ROOT"), help="where MLflow stores artifacts"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
