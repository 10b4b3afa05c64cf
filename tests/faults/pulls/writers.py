"""The people and programs that write to the source while it is pulled."""

import itertools
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import Any

from tests.faults.pulls.origin import Origin
from tests.faults.pulls.schedule import NOTES, OVERLAP, WRITERS, Operation, PullSchedule, Transaction

_PATIENCE = 20.0
"""Seconds until a server that restarts must be back."""

_SECOND_PHASE = 0.2
"""Seconds between the two phases of a commit."""


class Writers:
    """Threads that each run their transactions; a broken connection ends a transaction, not the writer."""

    def __init__(self, schedule: PullSchedule, origin: Origin) -> None:
        self.done: Counter[str] = Counter()
        self.too_late: list[float] = []
        """Seconds of transactions that took longer than what mode overlap reads again."""
        self.problems: list[str] = []
        self._schedule, self._origin = schedule, origin
        self._revisions = itertools.count(1)
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(WRITERS)]

    def fill(self) -> None:
        """Insert the first rows, with watermarks of the hour before."""
        rows = self._schedule.first_rows
        connection = self._origin.connect()
        with connection.cursor() as cursor:
            for number in range(rows):
                age = -3_600 + number // 7  # ties, as rows of one batch have
                self._insert(cursor, f"first-{number:03}", self._origin.shifted(age), ())
        connection.commit()
        connection.close()

    def start(self) -> None:
        """Start to write."""
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait for the last transaction, also for those that are committed in two phases."""
        for thread in self._threads:
            thread.join()
        self._patiently(self._origin.commit_prepared)

    def _run(self, number: int) -> None:
        try:
            _Writer(self, self._schedule, self._origin, number).run(self._schedule.transactions(number))
        except Exception as error:  # noqa: BLE001 - a thread has nobody who would see it
            self.problems.append(f"a writer failed: {type(error).__name__}: {error}"[:300])

    def _patiently(self, do: Any) -> Any:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return do()
            except self._origin.broken:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _insert(self, cursor: Any, claim_id: str, watermark: str, values: tuple[Any, ...]) -> None:
        revision = next(self._revisions)
        cursor.execute(
            f"INSERT INTO {self._origin.table} (branch, claim_id, revision, amount, note, updated_at)"
            f" VALUES (%s, %s, %s, %s, %s, {watermark})",
            (_branch(claim_id), claim_id, revision, _amount(revision), _note(revision), *values),
        )


class _Writer:
    """One writer, who changes only own rows, so that no transaction waits for another one."""

    def __init__(self, writers: Writers, schedule: PullSchedule, origin: Origin, number: int) -> None:
        self._writers, self._schedule, self._origin, self._number = writers, schedule, origin, number
        firsts = range(number, schedule.first_rows, WRITERS)
        self._keys = [f"first-{first:03}" for first in firsts]
        self._names = itertools.count(1)

    def run(self, transactions: list[Transaction]) -> None:
        connection: Any = None
        for number, transaction in enumerate(transactions):
            time.sleep(transaction.pause)
            if connection is None:
                connection = self._writers._patiently(self._origin.connect)
            try:
                self._transact(connection, transaction, number)
                if transaction.end == "prepare":
                    connection.close()
                if transaction.end in ("vanish", "prepare"):
                    connection = None
            except self._origin.broken:
                self._writers.done["transaction that broke off"] += 1
                with suppress(Exception):
                    connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def _transact(self, connection: Any, transaction: Transaction, number: int) -> None:
        keys, at_savepoint = list(self._keys), list(self._keys)
        began = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {self._origin.clock}")
            [begun] = cursor.fetchone()
            for operation in transaction.operations:
                time.sleep(operation.pause)
                match operation.kind:
                    case "savepoint":
                        cursor.execute("SAVEPOINT here")
                        at_savepoint = list(keys)
                    case "rollback":
                        cursor.execute("ROLLBACK TO SAVEPOINT here")
                        keys = at_savepoint
                    case "release":
                        cursor.execute("RELEASE SAVEPOINT here")
                    case _:
                        self._change(cursor, operation, begun, keys)
        time.sleep(transaction.lingers)
        self._end(connection, transaction.end, number)
        if transaction.end in ("commit", "prepare"):
            self._keys = keys
            took = time.monotonic() - began
            if took > OVERLAP * 0.9:
                self._writers.too_late.append(took)
        self._writers.done[transaction.end] += 1

    def _end(self, connection: Any, end: str, number: int) -> None:
        match end:
            case "commit":
                connection.commit()
            case "abort":
                connection.rollback()
            case "prepare":
                self._origin.prepare(connection, f"{self._number}-{number}")
                later = (self._origin.commit_prepared,)
                threading.Timer(_SECOND_PHASE, self._writers._patiently, later).start()
            case "vanish":
                connection.close()

    def _change(self, cursor: Any, operation: Operation, begun: Any, keys: list[str]) -> None:
        watermark, values = self._watermark(operation.watermark, begun)
        table = self._origin.table
        if operation.kind == "insert" or not keys:
            for _ in range(operation.rows):
                keys.append(f"w{self._number}-{next(self._names):03}")
                self._writers._insert(cursor, keys[-1], watermark, values)
            return
        place = int(operation.pick * len(keys))
        key = keys[place]
        revision = next(self._writers._revisions)
        new = (revision, _amount(revision), _note(revision))
        changed = "revision = %s, amount = %s, note = %s"
        match operation.kind:
            case "update":
                cursor.execute(
                    f"UPDATE {table} SET {changed}, updated_at = {watermark} WHERE claim_id = %s",
                    (*new, *values, key),
                )
            case "untouched":
                cursor.execute(f"UPDATE {table} SET {changed} WHERE claim_id = %s", (*new, key))
            case "rename":
                keys[place] = f"w{self._number}-{next(self._names):03}"
                cursor.execute(
                    f"UPDATE {table} SET {changed}, updated_at = {watermark}, branch = %s, claim_id = %s"
                    " WHERE claim_id = %s",
                    (*new, *values, _branch(keys[place]), keys[place], key),
                )
            case "delete":
                del keys[place]
                cursor.execute(f"DELETE FROM {table} WHERE claim_id = %s", (key,))
            case other:
                raise AssertionError(other)

    def _watermark(self, kind: str, begun: Any) -> tuple[str, tuple[Any, ...]]:
        match kind:
            case "begun":
                return "%s", (begun,)
            case "now":
                return self._origin.clock, ()
            case "none":
                return "NULL", ()
            case "behind":
                return self._origin.shifted(-40), ()
            case "ahead":
                return self._origin.shifted(2), ()
        raise AssertionError(kind)


def _branch(claim_id: str) -> str:
    """Return the branch of a claim; several writers have rows of each."""
    return ("north", "South", "west \u00e4")[int(claim_id[-1], 10) % 3]


def _amount(revision: int) -> str:
    return f"{revision * 7 % 9_000}.{revision % 100:02}"


def _note(revision: int) -> str | None:
    return NOTES[revision * 5 % len(NOTES)]
