"""Claimwatch as a contestant: the redelivery-safe pipeline with its ledger and two loading processes."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.book import BookFile
from benchmarks.database import Bench
from benchmarks.null_services import NullServices
from claimwatch.aws.events import CreatedObject
from claimwatch.ingest.register import register
from claimwatch.storage.connection import Database
from local.filesystem_object_store import FilesystemObjectStore

LOADERS = 2


class Step:
    """A warm process for a step of the pipeline: a module that answers lines of JSON."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.ask("peak")  # it answers when it is warm

    def ask(self, *request: Any) -> Any:
        """Run a step and return its result."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the step {request} failed; its error is printed above")
        return json.loads(answer)

    def close(self) -> None:
        """End the process."""
        process = self._process
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Pipeline:
    """The steps of the claims pipeline, each with warm processes of its own."""

    def __init__(self, bench: Bench, inspector: Step, loaders: list[Step], committer: Step) -> None:
        self._bench = bench
        self._inspector, self._loaders, self._committer = inspector, loaders, committer

    def run(self, book: BookFile) -> dict[str, float]:
        """Register and load a file; return the seconds of each step, and ``total``, without registration."""
        file_id, attempt = self._registered(book)
        begun = time.perf_counter()
        ready = self._inspector.ask("inspect", file_id, attempt)
        inspected = time.perf_counter()
        assert ready["status"] == "ready", ready
        chunks = iter([chunk["number"] for chunk in ready["chunks"]])
        with ThreadPoolExecutor(len(self._loaders)) as pool:
            for loading in [
                pool.submit(self._load, loader, file_id, attempt, chunks) for loader in self._loaders
            ]:
                loading.result()
        loaded = time.perf_counter()
        self._committer.ask("commit", file_id, attempt)
        ended = time.perf_counter()
        self._check(book, file_id)
        return {
            "inspect": inspected - begun,
            "load": loaded - inspected,
            "commit": ended - loaded,
            "total": ended - begun,
        }

    def peaks(self) -> dict[str, int]:
        """Return the peak memory of each step in bytes, the highest of its processes."""
        return {
            "inspect": self._inspector.ask("peak"),
            "load": max(loader.ask("peak") for loader in self._loaders),
            "commit": self._committer.ask("peak"),
        }

    @staticmethod
    def _load(loader: Step, file_id: int, attempt: int, chunks: Iterator[int]) -> None:
        for number in chunks:  # like a Map state: a free worker takes the next chunk
            loader.ask("load", file_id, attempt, number)

    def _registered(self, book: BookFile) -> tuple[int, int]:
        created = CreatedObject(book.ref, book.size, "1", datetime.now(UTC))
        with closing(Database({"dsn": self._bench.url})) as database:
            unread = FilesystemObjectStore(Path())  # only records that the stream could not route are read
            file = register(database, NullServices(), NullServices(), unread, created)
        return file.file_id, file.attempt

    def _check(self, book: BookFile, file_id: int) -> None:
        """Check that all rows are accounted for and that exactly the bad rows are in quarantine."""
        (ledger,) = self._bench.ask(
            "SELECT status, rows_read, rows_loaded, rows_quarantined FROM claimwatch.file WHERE file_id = %s",
            [file_id],
        )
        assert ledger == ("committed", book.rows, book.good, len(book.bad)), ledger
        assert self._bench.count(f"claimwatch.{self._bench.contract.table}") == book.good
        refused = self._bench.ask("SELECT row_number FROM claimwatch.quarantine ORDER BY row_number")
        assert [row for (row,) in refused] == sorted(book.bad), "the quarantine does not hold the bad rows"


@contextmanager
def warm_pipeline(bench: Bench, folder: Path, loaders: int = LOADERS) -> Iterator[Pipeline]:
    """Provide a pipeline whose processes have started, imported and connected."""
    steps: list[Step] = []
    try:
        steps += [Step("benchmarks.worker", bench.url, str(folder)) for _ in range(loaders + 2)]
        yield Pipeline(bench, steps[0], steps[2:], steps[1])
    finally:
        for step in steps:
            step.close()
