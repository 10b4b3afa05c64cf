"""After a schedule: is in the database exactly what must be?"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.aws.objects import ObjectRef
from samples.contract import motor_fields
from tests.faults.model import ExpectedFile, visible

SHOWN = 5


@dataclass
class Verdict:
    """Rows that are missing, rows that are there too often, and everything else that is wrong, in words."""

    lost: int = 0
    doubled: int = 0
    problems: list[str] = field(default_factory=list)

    def compare(self, what: str, found: Counter[Any], wanted: Counter[Any]) -> None:
        """Count what is missing from what was found, and what is too much."""
        lost, doubled = wanted - found, found - wanted
        self.lost += lost.total()
        self.doubled += doubled.total()
        if lost or doubled:
            self.problems.append(f"{what}: {_some('lost', lost)} {_some('too much', doubled)}".strip())

    def expect(self, what: str, found: object, wanted: object) -> None:
        """Something else that must be so."""
        if found != wanted:
            self.problems.append(f"{what} is {found!r} and must be {wanted!r}"[:400])


@dataclass
class Result:
    """What became of one schedule."""

    seed: int
    injected: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    problems: list[str] = field(default_factory=list)
    looks: int = 0
    """How often the watcher looked."""


def judge(url: str, expected: Mapping[str, ExpectedFile], refs: Mapping[str, ObjectRef]) -> Verdict:
    """Invariants 1 to 4 of the design, row by row and value by value."""
    verdict = Verdict()
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        labels = _judge_ledger(cursor, verdict, expected, refs)
        _judge_rows(cursor, verdict, expected, labels)
        _judge_quarantine(cursor, verdict, expected, labels)
        _judge_current(cursor, verdict, expected, labels)
    return verdict


def _judge_ledger(
    cursor: Cursor, verdict: Verdict, expected: Mapping[str, ExpectedFile], refs: Mapping[str, ObjectRef]
) -> dict[int, str]:
    """Every object version once, committed, with the rows that it has, and with one row for each chunk."""
    cursor.execute(
        "SELECT file_id, bucket, key, version_id, status, rows_read, rows_loaded, rows_quarantined, chunks,"
        " (SELECT json_agg(json_build_array(rows_read, rows_loaded, rows_quarantined))"
        "  FROM claimwatch.chunk AS c WHERE c.file_id = f.file_id) FROM claimwatch.file AS f ORDER BY file_id"
    )
    found = cursor.fetchall()
    verdict.compare("ledger", Counter(ObjectRef(*row[1:4]) for row in found), Counter(refs.values()))
    known = {ref: label for label, ref in refs.items()}
    labels = {row[0]: known[ObjectRef(*row[1:4])] for row in found}
    for file_id, *_, status, read, loaded, quarantined, chunks, counts in found:
        label = labels[file_id]
        want = expected[label]
        verdict.expect(f"status of {label}", status, "committed")
        verdict.expect(
            f"counts of {label}",
            (read, loaded, quarantined),
            (want.rows, len(want.loaded), len(want.quarantined)),
        )
        verdict.expect(f"chunks of {label}", len(counts or ()), chunks)
        verdict.expect(f"rows of the chunks of {label}", sum(count[0] for count in counts or ()), want.rows)
        verdict.expect(
            f"a chunk of {label} that adds up", all(c[0] == c[1] + c[2] for c in counts or ()), True
        )
    return labels


def _judge_rows(
    cursor: Cursor, verdict: Verdict, expected: Mapping[str, ExpectedFile], labels: Mapping[int, str]
) -> None:
    """Every sound row of every file, replaced or not, with the very values that the file has."""
    names = [field.name for field in motor_fields()]
    columns = sql.SQL(", ").join(map(sql.Identifier, ["file_id", "row_number", "extra", *names]))
    cursor.execute(sql.SQL("SELECT {} FROM claimwatch.claim_motor").format(columns))
    found = cursor.fetchall()
    places = Counter((labels.get(row[0], "?"), row[1]) for row in found)
    wanted = Counter((label, number) for label, file in expected.items() for number in file.loaded)
    verdict.compare("rows", places, wanted)
    for file_id, number, extra, *values in found:
        want = expected[labels[file_id]].loaded.get(number) if file_id in labels else None
        if want is not None and tuple(values) != want:
            differing = [
                (name, value, other)
                for name, value, other in zip(names, values, want, strict=True)
                if value != other
            ]
            verdict.problems.append(f"row {number} of {labels[file_id]} differs: {differing}"[:400])
        if extra is not None:
            verdict.problems.append(f"row {number} of {labels.get(file_id)} has extra columns: {extra}"[:400])


def _judge_quarantine(
    cursor: Cursor, verdict: Verdict, expected: Mapping[str, ExpectedFile], labels: Mapping[int, str]
) -> None:
    """Exactly the rows that the generator spoilt, each for the column that it spoilt."""
    cursor.execute("SELECT file_id, row_number, reasons FROM claimwatch.quarantine")
    found = Counter(
        (labels.get(file_id, "?"), number, tuple(reason["column"] for reason in _list(reasons)))
        for file_id, number, reasons in cursor.fetchall()
    )
    wanted = Counter(
        (label, number, columns)
        for label, file in expected.items()
        for number, columns in file.quarantined.items()
    )
    verdict.compare("quarantine", found, wanted)


def _judge_current(
    cursor: Cursor, verdict: Verdict, expected: Mapping[str, ExpectedFile], labels: Mapping[int, str]
) -> None:
    """For each claim the row of the newest file that has it, and no other."""
    cursor.execute("SELECT claim_id, file_id, row_number FROM claimwatch.current_claim_motor")
    found = Counter((claim, labels.get(file_id, "?"), number) for claim, file_id, number in cursor.fetchall())
    wanted = Counter((claim, *place) for claim, place in visible(expected, expected).items())
    verdict.compare("current claims", found, wanted)


def _list(reasons: Any) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads(reasons) if isinstance(reasons, str) else reasons
    return loaded


def _some(what: str, items: Counter[Any]) -> str:
    shown: Iterable[Any] = list(items)[:SHOWN]
    return f"{items.total()} {what}, such as {', '.join(map(str, shown))};" if items else ""
