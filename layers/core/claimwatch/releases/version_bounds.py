"""Bounds that a version must keep before it gets traffic: size, time of a start, and memory."""

from collections.abc import Iterable, Iterator

from claimwatch.aws.function_versions import Described, Report

MOST_ZIPPED_BYTES = 100 * 2**20
"""Bytes of code and layers, zipped. The functions behind an alias have less than 60 MB. Lambda's own limit is
250 MB unzipped, about as much as this zipped; and what is larger starts later."""

MOST_START_MILLISECONDS = 5_000.0
"""A start takes about a second. One of five seconds has a mistake in it, such as a model that is loaded too
early. Clients that wait for ten seconds still get the first answer; after ten, Lambda starts once more."""

MOST_MEMORY_SHARE = 0.8
"""Share of the memory that golden claims may take. The rest is for larger models and more lines: a process
that reaches the limit is killed together with its request."""


def size_problems(described: Described) -> Iterator[str]:
    """Yield what is wrong with the size of a version."""
    if described.zipped_bytes > MOST_ZIPPED_BYTES:
        yield (
            f"the new version has {described.zipped_bytes / 2**20:.0f} MB of code and layers, zipped;"
            f" at most {MOST_ZIPPED_BYTES / 2**20:.0f} MB are allowed"
        )


def run_problems(described: Described, reports: Iterable[Report]) -> Iterator[str]:
    """Yield what is wrong with the starts and the memory of a version in its calls."""
    known = list(reports)
    starts = [report.start_milliseconds for report in known if report.start_milliseconds is not None]
    if starts and max(starts) > MOST_START_MILLISECONDS:
        yield (
            f"the new version took {max(starts):.0f} ms to start;"
            f" at most {MOST_START_MILLISECONDS:.0f} ms are allowed"
        )
    memory = [report.memory_mb for report in known if report.memory_mb is not None]
    most = MOST_MEMORY_SHARE * described.memory_mb
    if memory and max(memory) > most:
        yield (
            f"the new version used {max(memory)} MB of its {described.memory_mb} MB of memory;"
            f" at most {most:.0f} MB are allowed"
        )
