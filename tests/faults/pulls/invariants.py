"""The invariants of pulls: what was delivered is what the source has, and each version of a row came once."""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.domain.sources.source import Mode
from tests.faults.invariants import Invariants
from tests.faults.pulls.environment import SOURCE, PullNotes
from tests.faults.pulls.function import LANDING
from tests.faults.pulls.origin import Origin, RowKey, Version
from tests.faults.pulls.schedule import PullSchedule
from tests.faults.pulls.sftp import FileWriters, SftpOrigin
from tests.faults.watcher import Watcher

PREFIX = f"claims/motor/pull/{SOURCE}/"

_WINDOWS = """
    SELECT number, object_key, version_id, rows_pulled, object_bytes, sha256, committed_at IS NOT NULL,
           discarded_at IS NOT NULL
    FROM claimwatch.source_window ORDER BY number
"""


@dataclass(frozen=True)
class Delivered:
    """One version of an object in the landing bucket; ``at`` orders them as their events do."""

    key: str
    version: int
    at: int
    content: bytes

    def rows(self, key: Sequence[str]) -> Iterator[tuple[RowKey, Version]]:
        """Yield its rows, read as CSV with a header."""
        text = self.content.decode("utf-8")
        reader = csv.reader(text.splitlines(keepends=True), quoting=csv.QUOTE_NOTNULL)
        names = next(reader)
        for cells in reader:
            row: dict[Any, Any] = dict(zip(names, cells, strict=True))
            yield (
                tuple(row[name] for name in key),
                Version(int(row["revision"]), row["amount"], row["note"]),
            )


def delivered(folder: Path) -> list[Delivered]:
    """Return all versions of all objects in the landing bucket, in the order in which they were stored."""
    found = [
        Delivered(unquote(path.parent.name), int(path.name), path.stat().st_ctime_ns, path.read_bytes())
        for path in (folder / LANDING).glob("*/[0-9]*")
    ]
    return sorted(found, key=lambda item: item.at)


class PullsInvariants(Invariants):
    """Compares the landing bucket with the source, and the ledger of windows with the landing bucket.

    *Lost* is a row of the source that differs from the row which the claims pipeline has in the end: it loads
    all versions of all objects in their order, and the newest row of a key wins. *Doubled* is a version of a
    row that the newest versions of two objects have, or one of them twice. A repeated version of the same
    object is not doubled: it replaces the one before, and the pipeline loads it again to the same effect.
    """

    def __init__(
        self, cursor: Cursor, folder: Path, origin: Origin, schedule: PullSchedule, notes: PullNotes
    ) -> None:
        super().__init__(cursor)
        self._folder, self._origin, self._schedule, self._notes = folder, origin, schedule, notes

    def check(self) -> None:
        """Check rows, the ledger, deletions and alerts."""
        objects = delivered(self._folder)
        newest = {item.key: item for item in objects}
        self._notes.observed += Counter(
            {
                "objects in the landing bucket": len(newest),
                "repeated versions of objects": len(objects) - len(newest),
                "rows in objects": sum(1 for item in newest.values() for _ in item.rows(self._schedule.key)),
                "executions that failed and were repeated by the schedule": len(self._notes.failed),
            }
        )
        self._check_rows(objects, list(newest.values()))
        self._check_windows(newest)
        self._check_end()

    def _check_rows(self, objects: Sequence[Delivered], newest: Collection[Delivered]) -> None:
        key, source = self._schedule.key, self._origin.newest(self._schedule.key)
        final: dict[RowKey, Version] = {}
        for item in objects:
            final.update(item.rows(key))
        last = {row: version for row, version in final.items() if row in source}
        self.compare(
            "rows as the source has them",
            Counter(last.items()) & Counter(source.items()),
            Counter(source.items()),
        )
        counted = Counter(version.revision for item in newest for _, version in item.rows(key))
        self.compare("versions of rows in objects", counted, Counter(dict.fromkeys(counted, 1)))
        if self.doubled or self.lost:
            self._describe(newest, {revision for revision, count in counted.items() if count > 1})
        history = self._origin.versions()
        wrong = [
            version
            for item in objects
            for _, version in item.rows(key)
            if history.get(version.revision) != version
        ]
        self.expect("rows in objects that were never committed like this", wrong[:5], [])
        if self._schedule.mode is Mode.DIFFERENCE:
            # A row that was deleted while its window was repeated is only in a version of the object that was
            # replaced. No commit has its hash, so its deletion cannot be noticed.
            pulled = {row for item in newest for row, _ in item.rows(key)}
            self._check_deletions(pulled - set(source))

    def _describe(self, newest: Collection[Delivered], doubled: set[int]) -> None:
        """Add what a person needs to find the reason: the windows and their cycles."""
        for item in newest:
            revisions = [version.revision for _, version in item.rows(self._schedule.key)]
            places = [
                place
                for place, (_, version) in enumerate(item.rows(self._schedule.key))
                if version.revision in doubled
            ]
            self.problems.append(
                f"object {item.key[-12:]} version {item.version} has {len(revisions)} rows,"
                f" {len(places)} of them also elsewhere, such as {places[:20]}"
            )
        for row in self.rows(
            "SELECT number, cycle_number, cycle, rows_read, rows_pulled, attempts, discarded_at IS NULL"
            " FROM claimwatch.source_window ORDER BY number"
        ):
            self.problems.append(f"window {row}")

    def _check_deletions(self, gone: set[RowKey]) -> None:
        reported = {
            (key,) if len(self._schedule.key) == 1 else tuple(json.loads(key))
            for (key,) in self.rows("SELECT key FROM claimwatch.source_deletion")
        }
        self.expect("deleted rows that were not reported", sorted(gone - reported)[:5], [])
        never = reported - self._origin.deleted(self._schedule.key)
        self.expect("reported deletions of rows that were not deleted", sorted(never)[:5], [])

    def _check_windows(self, newest: dict[str, Delivered]) -> None:
        windows = self.rows(_WINDOWS)
        self.expect("numbers of windows", [row[0] for row in windows], [*range(1, len(windows) + 1)])
        without = set(newest)
        for number, object_key, version_id, rows, size, sha256, committed, discarded in windows:
            self.expect(f"window {number} is given up", discarded, False)
            self.expect(f"window {number} is committed", committed, True)
            self.expect(f"object key of window {number}", object_key, f"{PREFIX}{number:08}.csv")
            without.discard(object_key)  # an attempt may have stored rows that later belong to another cycle
            if version_id is None:
                self.expect(f"rows of window {number} without an object", rows or 0, 0)
                continue
            item = newest.get(object_key)
            if item is None:
                self.problems.append(f"the object of window {number} is missing")
                continue
            self.expect(f"newest version of window {number}", str(item.version), version_id)
            self.expect(f"bytes of window {number}", len(item.content), size)
            self.expect(f"SHA-256 of window {number}", hashlib.sha256(item.content).hexdigest(), sha256)
            self.expect(f"rows of window {number}", sum(1 for _ in item.rows(self._schedule.key)), rows)
        self.expect("objects that no window has recorded", sorted(without), [])

    def _check_end(self) -> None:
        [row] = self.rows(
            "SELECT error, failing_since IS NULL, cycle IS NULL,"
            " (SELECT count(*) FROM claimwatch.source_window_row) FROM claimwatch.source"
        )
        self.expect("error, no failure, no open cycle, rows of open windows", row, (None, True, True, 0))
        if self._notes.recorded and not self._notes.alerts:
            self.problems.append(f"{self._notes.recorded} pulls failed, and nobody was alerted")


class SftpInvariants(PullsInvariants):
    """Compares the objects with the files of the server.

    *Lost* is a file whose object has other bytes. *Doubled* is a content that was stored as two versions.
    Besides, every version has a content that was complete, unless the file rightly counted as settled.
    """

    def __init__(
        self,
        cursor: Cursor,
        folder: Path,
        origin: SftpOrigin,
        schedule: PullSchedule,
        notes: PullNotes,
        writers: FileWriters,
    ) -> None:
        super().__init__(cursor, folder, cast(Any, origin), schedule, notes)
        self._files, self._writers = origin.contents(), writers

    def check(self) -> None:
        """Check the objects, the ledger and the end."""
        objects = delivered(self._folder)
        newest = {item.key.removeprefix(PREFIX): item.content for item in objects}
        self._notes.observed += Counter(
            {
                "objects in the landing bucket": len(newest),
                "replaced versions of objects": len(objects) - len(newest),
                "executions that failed and were repeated by the schedule": len(self._notes.failed),
            }
        )
        digests = {path: hashlib.sha256(content).hexdigest() for path, content in self._files.items()}
        found = {
            path: hashlib.sha256(content).hexdigest() for path, content in newest.items() if path in digests
        }
        self.compare("files", Counter(found.items()), Counter(digests.items()))
        stored = Counter((item.key, item.content) for item in objects)
        doubled = [key for (key, _), count in stored.items() if count > 1]
        self.doubled += len(doubled)
        self.expect("objects with the same content twice", doubled, [])
        torn = [
            item.key
            for item in objects
            if item.content not in self._writers.complete.get(item.key.removeprefix(PREFIX), ())
            and item.key.removeprefix(PREFIX) not in self._writers.stalled
        ]
        self.expect("objects with half of a file", torn, [])
        self._check_ledger({item.key: item for item in objects})
        self._check_end()

    def _check_ledger(self, newest: dict[str, Delivered]) -> None:
        last: dict[str, Any] = {}
        for _, object_key, version_id, _, size, sha256, committed, discarded in self.rows(_WINDOWS):
            self.expect("a window is committed or given up", committed or discarded, True)
            if committed:
                last[object_key] = (version_id, size, sha256)
        for key, item in newest.items():
            found = (str(item.version), len(item.content), hashlib.sha256(item.content).hexdigest())
            if key.removeprefix(PREFIX) in self._files:
                self.expect("the last window of an object", last.get(key), found)


class PullsWatcher(Watcher):
    """Expects at every moment: at most one open window, no gaps, and nothing that was committed changes."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._committed: dict[int, Any] = {}

    def look(self, cursor: Cursor) -> list[str]:
        """Look at the windows."""
        cursor.execute(_WINDOWS)
        windows = cursor.fetchall()
        problems = []
        if [row[0] for row in windows] != [*range(1, len(windows) + 1)]:
            problems.append(f"the windows have numbers {[row[0] for row in windows]}")
        if sum(not row[-1] and not row[-2] for row in windows) > 1:
            problems.append("two windows are open")
        committed = {row[0]: row for row in windows if row[-2]}
        for number, row in self._committed.items():
            if committed.get(number) != row:
                problems.append(f"window {number} changed after it was committed")
        self._committed = committed
        return problems
