"""The invariants of claims: after a schedule, and for what people see at every moment of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.aws.objects import ObjectRef
from samples.contract import motor_fields
from tests.faults.claims.model import ExpectedFile, visible
from tests.faults.invariants import Invariants
from tests.faults.watcher import Watcher

LOOK = """
    SELECT (SELECT coalesce(json_agg(json_build_array(bucket, key, version_id)), '[]')
            FROM claimwatch.file WHERE status = 'committed'),
           (SELECT coalesce(json_agg(json_build_array(bucket, key, version_id, seen.rows)), '[]')
            FROM (SELECT file_id, count(*) AS rows FROM claimwatch.current_claim_motor GROUP BY 1) AS seen
            JOIN claimwatch.file USING (file_id)),
           (SELECT count(*) FROM claimwatch.current_claim_motor),
           (SELECT count(DISTINCT claim_id) FROM claimwatch.current_claim_motor)
"""
"""A single statement, so that it reads one snapshot."""


class ClaimsInvariants(Invariants):
    """Invariants 1 to 4 of the design, row by row and value by value."""

    def __init__(
        self, cursor: Cursor, expected: Mapping[str, ExpectedFile], refs: Mapping[str, ObjectRef]
    ) -> None:
        super().__init__(cursor)
        self._expected, self._refs = expected, refs
        self._labels: dict[int, str] = {}

    def check(self) -> None:
        """Check the ledger, all rows, the quarantine and the current claims."""
        self._check_ledger()
        self._check_rows()
        self._check_quarantine()
        self._check_current()

    def _check_ledger(self) -> None:
        """Every object version is committed once, with its counts of rows and one row for each chunk."""
        found = self.rows(
            "SELECT file_id, bucket, key, version_id, status, rows_read, rows_loaded, rows_quarantined,"
            " chunks, (SELECT json_agg(json_build_array(rows_read, rows_loaded, rows_quarantined))"
            " FROM claimwatch.chunk AS c WHERE c.file_id = f.file_id)"
            " FROM claimwatch.file AS f ORDER BY file_id"
        )
        self.compare("ledger", Counter(ObjectRef(*row[1:4]) for row in found), Counter(self._refs.values()))
        known = {ref: label for label, ref in self._refs.items()}
        self._labels = {row[0]: known[ObjectRef(*row[1:4])] for row in found}
        for file_id, *_, status, read, loaded, quarantined, chunks, chunk_counts in found:
            label, counts = self._labels[file_id], chunk_counts or ()
            want = self._expected[label]
            wanted = (want.rows, len(want.loaded), len(want.quarantined))
            self.expect(f"status of {label}", status, "committed")
            self.expect(f"counts of {label}", (read, loaded, quarantined), wanted)
            self.expect(f"number of chunks of {label}", len(counts), chunks)
            self.expect(f"rows of the chunks of {label}", sum(count[0] for count in counts), want.rows)
            sums = [(number, *count) for number, count in enumerate(counts) if count[0] != sum(count[1:])]
            self.expect(f"chunks of {label} whose counts do not add up", sums, [])

    def _check_rows(self) -> None:
        """Every valid row of every file, also if replaced, has exactly the values of the file."""
        names = [field.name for field in motor_fields()]
        columns = sql.SQL(", ").join(map(sql.Identifier, ["file_id", "row_number", "extra", *names]))
        found = self.rows(sql.SQL("SELECT {} FROM claimwatch.claim_motor").format(columns))
        self.compare(
            "rows",
            Counter((self._label(row[0]), row[1]) for row in found),
            Counter((label, number) for label, file in self._expected.items() for number in file.loaded),
        )
        for file_id, number, extra, *values in found:
            label = self._label(file_id)
            want = self._expected[label].loaded.get(number) if label in self._expected else None
            if want is not None and tuple(values) != want:
                differing = [
                    (name, value, other)
                    for name, value, other in zip(names, values, want, strict=True)
                    if value != other
                ]
                self.problems.append(f"row {number} of {label} differs: {differing}"[:400])
            self.expect(f"extra columns of row {number} of {label}", extra, None)

    def _check_quarantine(self) -> None:
        """Exactly the damaged rows are quarantined, each for its damaged column."""
        found = Counter(
            (self._label(file_id), number, tuple(reason["column"] for reason in reasons))
            for file_id, number, reasons in self.rows(
                "SELECT file_id, row_number, reasons FROM claimwatch.quarantine"
            )
        )
        wanted = Counter(
            (label, number, columns)
            for label, file in self._expected.items()
            for number, columns in file.quarantined.items()
        )
        self.compare("quarantine", found, wanted)

    def _check_current(self) -> None:
        """Each claim is visible exactly once: the row of the newest file that contains it."""
        found = Counter(
            (claim, self._label(file_id), number)
            for claim, file_id, number in self.rows(
                "SELECT claim_id, file_id, row_number FROM claimwatch.current_claim_motor"
            )
        )
        wanted = Counter((claim, *row) for claim, row in visible(self._expected, self._expected).items())
        self.compare("current claims", found, wanted)

    def _label(self, file_id: int) -> str:
        return self._labels.get(file_id, "?")


class ClaimsWatcher(Watcher):
    """Expects the claims of each file to be visible as a whole or not at all."""

    def __init__(
        self, url: str, expected: Mapping[str, ExpectedFile], labels: Mapping[ObjectRef, str]
    ) -> None:
        super().__init__(url)
        self._expected, self._labels = expected, labels
        self._known: dict[frozenset[ObjectRef], list[int]] = {}

    def look(self, cursor: Cursor) -> list[str]:
        """Compare the number of visible rows of each file with the expected number."""
        cursor.execute(LOOK)
        row: Any = cursor.fetchone()
        committed, seen, rows, claims = row
        refs = frozenset(ObjectRef(*item) for item in committed)
        if refs not in self._known:
            self._known[refs] = self._rows_by_file(refs)
        invariants = Invariants(cursor)
        invariants.expect("number of current rows", rows, claims)
        found = sorted(item[3] for item in seen)
        invariants.expect(f"rows by file with {len(refs)} committed files", found, self._known[refs])
        return invariants.problems

    def _rows_by_file(self, committed: Iterable[ObjectRef]) -> list[int]:
        shown = visible(self._expected, (self._labels[ref] for ref in committed))
        return sorted(Counter(file for file, _ in shown.values()).values())
