"""A reader that runs all the time and must find the data consistent at every moment."""

import threading
from abc import ABC, abstractmethod
from contextlib import closing
from types import TracebackType
from typing import Self

import psycopg2
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

EVERY = 0.04
"""Seconds between two looks."""


class Watcher(ABC):
    """Looks every few milliseconds, and reconnects after a fault."""

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
                        with connection.cursor() as cursor:
                            self.problems += self.look(cursor)
                        self.looks += 1
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                self._over.wait(EVERY)  # a fault hit this connection

    @abstractmethod
    def look(self, cursor: Cursor) -> list[str]:
        """Return a description of everything that is wrong at this moment."""
