"""Somebody who reads all the time what people see, and must find it right at every moment."""

import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from types import TracebackType
from typing import Self

import psycopg2
from psycopg2.extensions import connection as PgConnection  # noqa: N812 - it is a class

from claimwatch.aws.objects import ObjectRef

LOOK = """
    SELECT (SELECT coalesce(json_agg(json_build_array(bucket, key, version_id)), '[]')
            FROM claimwatch.file WHERE status = 'committed'),
           (SELECT coalesce(json_agg(json_build_array(bucket, key, version_id, seen.rows)), '[]')
            FROM (SELECT file_id, count(*) AS rows FROM claimwatch.current_claim_motor GROUP BY 1) AS seen
            JOIN claimwatch.file USING (file_id)),
           (SELECT count(*) FROM claimwatch.current_claim_motor),
           (SELECT count(DISTINCT claim_id) FROM claimwatch.current_claim_motor)
"""
"""One statement, so that all of it is seen at one moment."""

EVERY = 0.04


class Watcher(ABC):
    """Looks every few milliseconds, and after each break of the connection again."""

    def __init__(self, url: str) -> None:
        self.looks = 0
        self.problems: list[str] = []
        self._url = url
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.is_set() and len(self.problems) < 3:
            try:
                with closing(psycopg2.connect(self._url)) as connection:
                    connection.autocommit = True
                    while not self._over.wait(EVERY) and len(self.problems) < 3:
                        self.problems += self.look(connection)
                        self.looks += 1
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                self._over.wait(EVERY)  # a fault hit us; look again

    @abstractmethod
    def look(self, connection: PgConnection) -> list[str]:
        """What is wrong just now, in words."""


class ClaimsWatcher(Watcher):
    """Must see the claims of each file whole or not at all."""

    def __init__(
        self, url: str, visible: Callable[[Iterable[ObjectRef]], Mapping[str, tuple[str, int]]]
    ) -> None:
        super().__init__(url)
        self._visible = visible
        self._expected: dict[frozenset[ObjectRef], list[int]] = {}

    def look(self, connection: PgConnection) -> list[str]:
        """Compare how many rows of each file are seen."""
        with connection.cursor() as cursor:
            cursor.execute(LOOK)
            row = cursor.fetchone()
        assert row is not None
        committed, seen, rows, claims = row
        refs = frozenset(ObjectRef(*item) for item in committed)
        if refs not in self._expected:
            by_file = Counter(file for file, _ in self._visible(refs).values())
            self._expected[refs] = sorted(by_file.values())
        problems = []
        if rows != claims:
            problems.append(f"the current view shows {rows} rows of {claims} claims")
        if sorted(item[3] for item in seen) != self._expected[refs]:
            problems.append(
                f"with {len(refs)} committed files the current view shows"
                f" {sorted(item[3] for item in seen)} rows of its files instead of {self._expected[refs]}"
            )
        return problems
