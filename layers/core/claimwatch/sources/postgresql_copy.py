"""Blocks of what a COPY statement writes, fetched by a thread of its own.

psycopg2 only writes into a file. This one puts its blocks into a queue, so that the server goes on while a
part is uploaded. The queue is short: when nobody takes the blocks, the thread waits, and then the server.
"""

import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedWriter, RawIOBase
from typing import TYPE_CHECKING

import psycopg2
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

BLOCK_BYTES = 1 << 20
MOST_BLOCKS = 16
"""Twice the bytes of a part of an upload: one is uploaded while the next one is fetched."""


class CopyOut(RawIOBase):
    """A COPY statement that runs, as the file that it writes into."""

    def __init__(self, cursor: Cursor, statement: str) -> None:
        """Run a statement ``COPY … TO STDOUT``; nobody else uses the connection until the end of it."""
        self._cursor, self._statement = cursor, statement
        self._queue: queue.Queue[bytes | None] = queue.Queue(MOST_BLOCKS)
        self._failure: BaseException | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="copy", daemon=True)
        self._thread.start()

    def blocks(self) -> Iterator[bytes]:
        """Yield the blocks; raise psycopg2's error at the end if the statement has failed."""
        while (block := self._queue.get()) is not None:
            yield block
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> bool:
        """End the statement and its thread if they still run; return whether they did."""
        if not self._thread.is_alive():
            return False
        self._stopped = True
        with suppress(psycopg2.Error):
            self._cursor.connection.cancel()
        while self._thread.is_alive():
            with suppress(queue.Empty):
                self._queue.get(timeout=0.01)
        return True

    def writable(self) -> bool:
        """Return that this file is written into."""
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        """Take a block; called by the thread."""
        if self._stopped:
            raise BrokenPipeError
        block = bytes(data)
        self._queue.put(block)
        return len(block)

    def _run(self) -> None:
        try:
            with BufferedWriter(self, BLOCK_BYTES) as file:
                self._cursor.copy_expert(self._statement, file, BLOCK_BYTES)
        except BaseException as error:  # noqa: BLE001 - it is raised where the blocks are taken
            self._failure = error
        finally:
            self._queue.put(None)
