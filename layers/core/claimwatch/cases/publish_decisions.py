"""Publication of decisions: each becomes an outcome once, in a file that the pipeline loads like any other.

A run may end anywhere. It first fixes which decisions a file has, in a transaction; then it stores the file,
whose key and bytes follow from that, and adds only then that it is stored. The next run continues. A decision
is published when it is final, was not undone, is fraud or no fraud, and can no longer be undone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from claimwatch.domain.cases.decision_file import content_of, key_of
from claimwatch.errors import ClaimwatchError
from claimwatch.storage import publications
from claimwatch.storage.connection import Database
from claimwatch.storage.publications import DecisionFile

MOST_DECISIONS = 10_000
"""Decisions of a file."""


class Objects(Protocol):
    """Stores each key once."""

    def add(self, bucket: str, key: str, content: bytes) -> str | None:
        """Store the only version of a key and return its id; return None if the key has other bytes."""


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``publish_decisions``. A file has at most ``most`` decisions."""

    database: Database
    objects: Objects
    bucket: str
    most: int = MOST_DECISIONS


class OtherDecisions(ClaimwatchError):
    """Files of decisions exist and have other ones: the database was restored to an earlier state."""


@dataclass
class Published:
    """What a run did: how many files it stored with how many decisions, and how many ``waiting`` it left."""

    files: int = 0
    decisions: int = 0
    waiting: int = 0


def publish_decisions(deps: Dependencies, *, time_is_up: Callable[[], bool] = lambda: False) -> Published:
    """Publish all decisions that can no longer be undone; stop between two files if time is up.

    Some are left ``waiting`` if they can still be undone or if time was up: request another run then. Raises
    ``TransientFault``, and ``OtherDecisions`` once all lines are published whose files have no others.
    """
    result = Published()
    others: dict[str, str] = {}  # addresses of files with other decisions, by line
    while True:
        with deps.database.transaction() as cursor:
            fixed, result.waiting = publications.fix(cursor, deps.most)
            files = publications.not_stored(cursor)
        for number, file in enumerate(files):
            if time_is_up():
                result.waiting += sum(left.decisions for left in files[number:])
                return _checked(result, others)
            if file.line in others:
                continue
            if not _store(deps, file):
                others[file.line] = f"s3://{deps.bucket}/{_key_of(file)}"
                continue
            result.files += 1
            result.decisions += file.decisions
        if not fixed:
            return _checked(result, others)


def _store(deps: Dependencies, file: DecisionFile) -> bool:
    """Store a file; return False if it exists with other decisions."""
    with deps.database.transaction() as cursor:
        content = content_of(publications.outcomes(cursor, file))
    if deps.objects.add(deps.bucket, _key_of(file), content) is None:
        return False
    with deps.database.transaction() as cursor:
        publications.set_stored(cursor, file)
    return True


def _key_of(file: DecisionFile) -> str:
    return key_of(file.line, file.first, file.last)


def _checked(result: Published, others: Mapping[str, str]) -> Published:
    if others:
        raise OtherDecisions(
            f"{', '.join(others.values())}: exists with other decisions, so that those of the line wait; see"
            " docs/runbook.md, 'Decisions are not published'"
        )
    return result
