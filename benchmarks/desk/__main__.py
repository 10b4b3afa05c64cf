"""The desk in PostgreSQL: links, and the next case for 20 people; 1,000,000 claims, 100,000 open cases.

python -m benchmarks.desk                    measures everything; writes benchmarks/results.json
python -m benchmarks.desk --claims 100000    fewer claims, for a first look

Calls are those of the functions behind the routes, with the login of the API, from a client on the same two
cores as the server. Each ``next`` hands out a case with its claim, reasons and similar claims.
"""

import argparse

from benchmarks.command import Figures, argument_parser, run
from benchmarks.desk import links, queue
from benchmarks.desk.book import CLAIMS, OPEN, book
from benchmarks.results import circumstances, table


def measure(options: argparse.Namespace) -> Figures:
    """Measure links and the queue."""
    with book(options.folder / "desk", options.claims, options.claims * OPEN // CLAIMS) as filled:
        figures: Figures = {"claims": options.claims}
        # First, because a case counts its links.
        figures["links"] = links.measure(filled)
        figures["queue"] = queue.measure(filled)
        return figures | circumstances("psycopg2-binary")


def report(figures: Figures) -> str:
    """Return the figures as tables."""
    found, linked = figures["queue"], figures["links"]
    hops = ("links", "p50 ms", "p95 ms", "claims linked", "hubs")
    head = ("queue", "next p50 ms", "p95 ms", "decide p50 ms", "p95 ms", "decisions per s")
    return "\n".join(
        [
            f"{figures['claims']:,} scored claims, {found['cases']:,} cases, opened in {found['opened_s']} s",
            table(head, queue.rows(found)),
            f"{linked['values']:,} values, fed in {linked['fed_s']} s, {linked['hubs']} hubs",
            table(hops, links.rows(linked)),
        ]
    )


def main() -> None:
    """Run the benchmark."""
    parser = argument_parser("desk", __doc__)
    parser.add_argument("--claims", type=int, default=CLAIMS, help="scored claims (default %(default)s)")
    options = parser.parse_args()
    run("desk", options, measure, report, complete=options.claims == CLAIMS)


if __name__ == "__main__":
    main()
