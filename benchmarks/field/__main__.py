"""What is loaded from files as strangers write them, compared with what their rows mean.

    python -m benchmarks.field [--files 200] [--seed 14] [--kind numbers]

Each kind of file is generated with known values and taken through the pipeline into PostgreSQL. A row may be
loaded with its true values, or be quarantined; anything else is a wrong row. Files of lines without a
contract are loaded by their own drafts. The first differences are printed; the same seed repeats them.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.command import Figures, argument_parser, run, say
from benchmarks.field import drafts
from benchmarks.field.drafted import DraftTally, load_by_draft
from benchmarks.field.kinds import KINDS
from benchmarks.field.loaded import Tally, load
from benchmarks.results import circumstances, table
from tests.cluster import Cluster
from tests.integration.ingest.environment import Site

FILES = 200
SHOWN = 5


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argument_parser("field", __doc__)
    parser.add_argument("--files", type=int, default=FILES, help="files of each kind (default %(default)s)")
    parser.add_argument("--seed", type=int, default=14, help="seed of the generators (default %(default)s)")
    parser.add_argument("--kind", action="append", choices=sorted(KINDS), help="only this kind; repeatable")
    options = parser.parse_args()
    run("field", options, _measure, _report, complete=options.files >= FILES and not options.kind)


def _measure(options: argparse.Namespace) -> Figures:
    options.folder.mkdir(parents=True, exist_ok=True)
    kinds: dict[str, dict[str, Any]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="field-", dir=options.folder) as name,
        Cluster(Path(name, "postgres")) as cluster,
    ):
        for kind in options.kind or KINDS:
            with cluster.clone() as url, closing(cluster.database(url)) as database:
                site = Site.below(database, Path(name, "buckets", kind))
                tally = Tally()
                for number in range(options.files):
                    load(site, KINDS[kind](Random(f"{options.seed} {kind} {number}")), tally)
            kinds[kind] = _counts(tally)
            _tell(kind, tally.files, tally.wrong + tally.lost)
        drafted = DraftTally()
        with cluster.clone() as url, closing(cluster.database(url)) as database:
            site = Site.below(database, Path(name, "buckets", "drafts"))
            for number in range(0 if options.kind else options.files):
                generated = drafts.draw(Random(f"{options.seed} drafts {number}"))
                load_by_draft(site, f"drafted_{number}", generated, drafted)
        _tell("drafts", drafted.drafts, drafted.problems)
    total = {name: sum(counts[name] for counts in kinds.values()) for name in next(iter(kinds.values()))}
    about_drafts = {
        "drafts": drafted.drafts,
        "drafts_loading": drafted.loading,
        "draft_problems": len(drafted.problems),
    }
    return {**total, **_shares(total), **about_drafts, "kinds": kinds, **circumstances("duckdb")}


def _tell(kind: str, files: int, problems: Sequence[str]) -> None:
    say(f"{kind:16}{files:6} files{len(problems):6} problems")
    for text in problems[:SHOWN]:
        say(f"    {text}")


def _counts(tally: Tally) -> dict[str, int]:
    return {
        "files_tried": tally.files,
        "files_refused": tally.refused,
        "rows_read": tally.read,
        "rows_loaded": tally.loaded,
        "rows_quarantined": tally.quarantined,
        "rows_wrong": len(tally.wrong),
        "plain_rows_lost": len(tally.lost),
    }


def _shares(total: Mapping[str, int]) -> dict[str, float]:
    return {
        f"{name}_share": round(total[f"rows_{name}"] / total["rows_read"], 3)
        for name in ("loaded", "quarantined")
    }


def _report(figures: Figures) -> str:
    names = list(next(iter(figures["kinds"].values())))
    rows = [
        *([kind, *counts.values()] for kind, counts in figures["kinds"].items()),
        ["all", *(figures[name] for name in names)],
    ]
    loading = f"{figures['drafts_loading']} of {figures['drafts']} drafts load their own file; "
    problems = f"{figures['draft_problems']} of their statements and values are wrong"
    return "\n\n".join([table(["", *(name.replace("_", " ") for name in names)], rows), loading + problems])


if __name__ == "__main__":
    main()
