"""`python -m training`: train on a snapshot file and write a bundle to a folder; only files are touched.

Standard output receives this program's own lines, which quote no claim. All else, such as warnings of
libraries and the traceback of a crash, goes to standard error; on an instance it is discarded.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from claimwatch.domain.contract.parse import parse_contract
from claimwatch.errors import RefusedData, place_of
from training.settings import Settings

REFUSED, FAILED = 1, 2
"""Exit codes of a run that refused its data or model, and of one that crashed."""


def main(arguments: Sequence[str] | None = None, report: Callable[[str], None] = print) -> int:
    """Train once, and return the exit code; ``report`` receives lines that quote no claim."""
    given = _parser().parse_args(arguments)
    try:
        return _train(given, report)
    except RefusedData as error:
        report(f"Refused: {error}")
        return REFUSED
    except Exception as error:  # noqa: BLE001 - the message of an unexpected error may quote a claim
        traceback.print_exc()
        report(f"Failed: {_described(error)}")
        return FAILED


def _train(given: argparse.Namespace, report: Callable[[str], None]) -> int:
    # Imported here because a crash of theirs is reported, too.
    from training.publish import publish, result  # noqa: PLC0415
    from training.run import Request, train  # noqa: PLC0415

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
        today=np.datetime64(given.today or datetime.now(UTC).replace(tzinfo=None), "us"),
        as_of=_end_of(given.as_of) if given.as_of else None,
        champion=given.champion,
        champion_sha256=given.champion_sha256,
    )
    found = train(request, settings, report)
    sha256 = publish(found, given.out)
    uri, artifacts = tracking_of(given)
    if uri:
        # Imported here because MLflow takes seconds to import, and a run without tracking does not need it.
        from training.mlflow_tracking import Tracking, record  # noqa: PLC0415

        place = given.bundle_uri or given.out.resolve().as_uri()
        record(found, given.out, place, sha256, Tracking(uri, artifacts))
    report(result(found, sha256))
    if found.refused_because:
        report(f"Refused: {found.refused_because}")
    return REFUSED if found.refused_because else 0


def _end_of(day: str) -> np.datetime64:
    """Return the last moment of a day; a time is returned as it is."""
    given = np.datetime64(day)
    whole = np.datetime_data(given.dtype)[0] == "D"
    return np.datetime64(given, "us") + np.timedelta64(86_400_000_000 - 1 if whole else 0, "us")


def tracking_of(given: argparse.Namespace) -> tuple[str | None, str | None]:
    """Return where MLflow stores runs and artifacts: on an instance, in the stack's database and bucket.

    A deployment renews the login of the database, so the one that the training began with may be invalid.
    """
    if "DATABASE_PARAMETER" not in os.environ:
        return given.tracking_uri, given.artifacts
    from training.job import tracking_now  # noqa: PLC0415 - a training on files needs no AWS

    found = tracking_now(os.environ)
    return found["MLFLOW_TRACKING_URI"], found["MLFLOW_ARTIFACT_ROOT"]


def _described(error: Exception) -> str:
    """Return type and place of an error, and what the operating system said."""
    reason = f" ({os.strerror(error.errno)})" if isinstance(error, OSError) and error.errno else ""
    return f"{place_of(error)}{reason}"


def _own_output() -> Callable[[str], None]:
    """Return a function that prints to standard output, and send all other output to standard error."""
    own = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # libraries written in C print there, too
    return partial(print, file=own, flush=True)


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
    parser.add_argument("--as-of", help="day or time of a back-test: only outcomes known at its end are read")
    parser.add_argument("--today", help="time of the run; by default now. What is dated later is ignored")
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
    sys.exit(main(report=_own_output()))
