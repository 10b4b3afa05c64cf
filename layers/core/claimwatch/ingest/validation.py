"""Looking at every cell: a batch of records goes in, lines for COPY and refused records come out."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import numpy as np

from claimwatch.domain.checks import Layout, hash_pads, passing_rows, problems_of_rows
from claimwatch.domain.records import Batch, Problem

MEMORY_LIMIT = "160MB"


@dataclass(frozen=True)
class Verdict:
    """What became of a batch.

    ``copy_text`` holds the ``loaded`` rows that pass, as CSV for COPY; ``claim_hashes`` a 64-bit hash of each
    one's claim id; ``refused`` the index in the batch of each record that does not, with every reason.
    """

    copy_text: bytes
    loaded: int
    claim_hashes: np.ndarray[tuple[int], np.dtype[np.uint64]]
    refused: dict[int, list[Problem]]


class Validator:
    """Checks the batches of one chunk against a layout, in an engine of its own.

    ``personal_data_key`` is the key of the hashes that stand in for personal data.
    """

    def __init__(self, layout: Layout, personal_data_key: bytes) -> None:
        # Stands for a record that cannot be read: it has no claim id, or is no object, and never passes.
        self._placeholder = (
            layout.delimiter.encode() * (len(layout.fields) - 1) if layout.delimiter else b"null"
        )
        self._passing_rows = passing_rows(layout)
        self._problems_of_rows = problems_of_rows(layout)
        self._folder = tempfile.TemporaryDirectory(prefix="claimwatch-")
        self._path = Path(self._folder.name) / "records"
        self._engine = duckdb.connect(
            config={
                "threads": 1,
                "memory_limit": MEMORY_LIMIT,
                "temp_directory": self._folder.name,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        self._engine.execute("SET TimeZone = 'UTC'")
        self._engine.execute("SET enable_progress_bar = false")  # it is written to stdout, into the logs
        inner, outer = hash_pads(personal_data_key)
        self._engine.execute("SET VARIABLE inner_pad = ?::BLOB", [inner])
        self._engine.execute("SET VARIABLE outer_pad = ?::BLOB", [outer])

    def check(self, batch: Batch, first_row: int) -> Verdict:
        """Check a batch whose first record has the row number ``first_row``."""
        refused = {index: [problem] for index, problem in batch.broken.items()}
        if not len(batch):
            return Verdict(b"", 0, np.empty(0, np.uint64), refused)
        self._engine.execute("SET VARIABLE first_row = ?", [first_row])
        copy_text, loaded, hashes, failing, seen = self._only_row(self._passing_rows, batch)
        if seen != len(batch):
            raise AssertionError(f"{len(batch)} records were cut and {seen} were read")
        failed = [place for place in failing or [] if place not in batch.broken]
        refused.update(zip(failed, self._reasons(batch, failed), strict=True))
        return Verdict(
            (copy_text or "").encode(),
            loaded,
            np.array(hashes or [], np.uint64),
            dict(sorted(refused.items())),
        )

    def _only_row(self, sql: str, batch: Batch) -> tuple[Any, ...]:
        self._path.write_bytes(batch.readable(self._placeholder))
        row = self._engine.execute(sql, [str(self._path)]).fetchone()
        assert row is not None
        return row

    def _reasons(self, batch: Batch, failed: list[int]) -> list[list[Problem]]:
        if not failed:
            return []
        rewritten = {
            place: batch.rewritten[index] for place, index in enumerate(failed) if index in batch.rewritten
        }
        only = np.array(failed, np.int64)
        few = Batch(batch.data, batch.starts[only], batch.ends[only], {}, rewritten)
        (found,) = self._only_row(self._problems_of_rows, few)
        return [[Problem(**reason) for reason in reasons] for reasons in found]

    def close(self) -> None:
        """Give back the engine's memory and its files."""
        self._engine.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
