"""The claims that are linked to the claim of a case: three values each, one of which 20,000 claims share."""

import contextlib
import random
import time
from typing import Any

from benchmarks.command import say
from benchmarks.desk.book import Book
from benchmarks.results import median
from claimwatch.storage import desk, links
from claimwatch.storage.case_api import Caller

ASKED = 300
"""Cases that are asked about."""

HUB = 10_000
"""Claims of the smallest hub."""

_BACKLOG = """
    INSERT INTO claimwatch.link_backlog (file_id, line)
    SELECT file_id, line FROM claimwatch.file WHERE dataset = 'claims' ON CONFLICT DO NOTHING
"""
_HUBS = """
    SELECT count(*) FROM (
        SELECT FROM claimwatch.link_value GROUP BY value HAVING count(*) >= %(hub)s
    ) AS hub
"""


def measure(book: Book) -> dict[str, Any]:
    """Measure feeding and reading of links, of one hop and of two."""
    figures: dict[str, Any] = {"fed_s": round(_feed(book), 1)}
    book.vacuum()
    figures["values"] = book.place.count("claimwatch.link_value")
    ((figures["hubs"],),) = book.place.ask(_HUBS % {"hub": HUB})
    cases = [case_id for (case_id,) in book.place.ask("SELECT case_id::text FROM claimwatch.review_case")]
    for hops in (1, 2):
        say(f"asking for {hops} hop(s)")
        figures[f"hops_{hops}"] = _ask(book, random.Random(hops).sample(cases, min(ASKED, len(cases))), hops)
    return figures


def rows(figures: dict[str, Any]) -> list[tuple[object, ...]]:
    """Return the rows of the table."""
    return [
        (name, found["p50_ms"], found["p95_ms"], found["claims"], found["hubs"])
        for name, found in figures.items()
        if name.startswith("hops_")
    ]


def _feed(book: Book) -> float:
    """Feed the values of all claims; return the seconds."""
    say("feeding the values that link claims")
    book.change(_BACKLOG)
    start = time.perf_counter()
    with contextlib.closing(book.as_task("ingest")) as database:
        fed = True
        while fed:
            with database.transaction() as cursor:
                fed = links.feed(cursor, None, book.claims + 1)
    return time.perf_counter() - start


def _ask(book: Book, cases: list[str], hops: int) -> dict[str, Any]:
    caller = Caller("person", "fraud_investigation", "request", ("investigator",))
    seconds, claims, hubs = [], [], []
    with contextlib.closing(book.as_task("api")) as database:
        for case_id in cases:
            start = time.perf_counter()
            with database.transaction() as cursor:
                found = desk.ask(cursor, "links", {"case_id": case_id, "hops": hops}, caller).document
            seconds.append(time.perf_counter() - start)
            claims.append(len(found["nodes"]) - 1)
            hubs.append(len(found["hubs"]))
    slowest = sorted(seconds)[int(len(seconds) * 0.95)]
    return {
        "p50_ms": round(median(seconds) * 1000, 1),
        "p95_ms": round(slowest * 1000, 1),
        "claims": median(claims),
        "hubs": median(hubs),
    }
