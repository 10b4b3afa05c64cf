"""Decisions as they are published: which file each is in, and which files are stored."""

from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.domain.cases.decision_file import Outcome
from claimwatch.storage.queries import queries

_SQL = queries("publications")


@dataclass(frozen=True)
class DecisionFile:
    """A file: the decisions of a line with the numbers from ``first`` to ``last``."""

    line: str
    first: int
    last: int

    @property
    def decisions(self) -> int:
        """The number of decisions."""
        return self.last - self.first + 1


def fix(cursor: Cursor, most: int) -> tuple[int, int]:
    """Fix the next file of each line; return how many decisions they have, and how many are left for later.

    Together they have at most ``most`` decisions. One transaction at a time does this, until it ends.
    """
    cursor.execute(_SQL["fix"], {"most": most})
    [(fixed, waiting)] = cursor.fetchall()
    return int(fixed), int(waiting)


def not_stored(cursor: Cursor) -> list[DecisionFile]:
    """Return the files that are fixed and perhaps not stored yet, in their order."""
    cursor.execute(_SQL["not_stored"])
    return [DecisionFile(*row) for row in cursor.fetchall()]


def outcomes(cursor: Cursor, file: DecisionFile) -> list[Outcome]:
    """Return the content of a file, which is always the same."""
    cursor.execute(_SQL["outcomes"], vars(file))
    return [Outcome(*row) for row in cursor.fetchall()]


def set_stored(cursor: Cursor, file: DecisionFile) -> None:
    """Record that a file is stored; the first time counts."""
    cursor.execute(_SQL["set_stored"], vars(file))
