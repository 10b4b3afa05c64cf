"""Validates every cell of a batch of records: produces lines for COPY, and refused records with reasons."""

import atexit
import gc
import tempfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import numpy as np
import numpy.typing as npt

from claimwatch.domain.files.layout import Layout
from claimwatch.domain.files.records import Batch
from claimwatch.domain.validation.claim_ids import claim_id_hashes
from claimwatch.domain.validation.keyed_hash import KeyedHashes
from claimwatch.domain.validation.row_rules_sql import hash_function, rule_queries
from claimwatch.duckdb_errors import redact_duckdb_errors
from claimwatch.storage.quarantine import RefusedRow

BLOCK = 27 << 20
"""Bytes that are validated at a time: usually a whole chunk, and far less than a worker's memory."""

MEMORY_LIMIT = "1GB"
"""Limit of a DuckDB instance; a worker has 1.7 GB.

A chunk of the sample data needs far less. DuckDB allocates 32 KiB for each expression, however few the
records are: a table with 1,500 columns needs between 250 and 800 MB, depending on their types.
"""


@dataclass(frozen=True)
class ValidationResult:
    """The outcome of validating ``read`` records.

    ``copy_text`` holds the ``loaded`` records, those that pass, as lines for COPY. ``claim_hashes`` has a
    64-bit hash of the claim id of each loaded record, and ``refused`` the other records with every reason.
    """

    read: int
    copy_text: bytes
    loaded: int
    claim_hashes: npt.NDArray[np.uint64]
    refused: list[RefusedRow]


class Validator:
    """Validates records of one layout, in a DuckDB instance of its own.

    ``personal_data_key`` is the key of the hashes that are stored instead of personal data. No accepted
    record becomes a Python object: DuckDB reads records from one file and writes lines for COPY to another.
    """

    def __init__(self, layout: Layout, personal_data_key: bytes) -> None:
        self.layout, self.personal_data_key = layout, personal_data_key
        self._rules = rule_queries(layout)
        self._folder = tempfile.TemporaryDirectory(prefix="claimwatch-")
        self._records, self._lines = (Path(self._folder.name) / name for name in ("records", "lines"))
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
        self._engine.execute("SET enable_progress_bar = false")  # it would be printed into the logs
        # It turns every IN (...) into a join, which takes longer to plan than the values to compare.
        self._engine.execute("SET disabled_optimizers = 'in_clause'")
        # Parsed once, because they are long.
        self._accept, self._explain = self._engine.extract_statements(
            f"CREATE TEMP TABLE validated AS {self._rules.accept}; {self._rules.explain}"
        )
        for index, column in enumerate(layout.contract.columns):
            if column.hashed:  # a cache for each column, because other columns repeat other values
                hashes = KeyedHashes(personal_data_key)
                self._engine.create_function(hash_function(index), hashes.__getitem__, ["VARCHAR"], "VARCHAR")

    def check(self, batches: Iterable[Batch], first_row: int) -> ValidationResult:
        """Validate the records of these batches, or of as many batches as make up `BLOCK` bytes.

        ``first_row`` is the row number of the first record. Raises ``EngineFault`` if DuckDB fails.
        """
        taken: list[Batch] = []
        read = size = 0
        try:
            with self._records.open("wb") as records:
                for batch in batches:
                    taken.append(batch)
                    records.write(batch.text())
                    read += len(batch)
                    size += len(batch.data)
                    if size >= BLOCK:
                        break
            if not read:
                return ValidationResult(0, b"", 0, claim_id_hashes(b""), [])
            with redact_duckdb_errors(f"check {read} records"):
                loaded, ids, places = self._accepted(first_row)
                copy_text = self._lines.read_bytes()
                refused = self._refused(taken, places, first_row)
        finally:  # the instance may stay open for a long time; claims must not
            self._records.unlink(missing_ok=True)
            self._lines.unlink(missing_ok=True)
        if loaded + len(refused) != read:
            raise AssertionError(f"{read} records were cut; {loaded} were loaded and {len(refused)} refused")
        return ValidationResult(read, copy_text, loaded, claim_id_hashes(ids), refused)

    def _accepted(self, first_row: int) -> tuple[int, bytes, list[int]]:
        """Write the lines for COPY.

        Return their number, the claim ids, and the indexes of the refused records.
        """
        execute = self._engine.execute
        execute(self._accept, {"path": str(self._records), "first_row": first_row})
        try:
            # Without a quote character DuckDB writes each line as it is.
            written = execute(
                f"COPY (SELECT line FROM validated WHERE accepted) TO '{self._lines}'"
                " (FORMAT csv, HEADER false, QUOTE '')"
            ).fetchall()
            ids = execute(
                "SELECT encode(string_agg(claim_id || chr(0), '')) FROM validated WHERE accepted"
            ).fetchall()
            refused = execute("SELECT place FROM validated WHERE NOT accepted ORDER BY place").fetchall()
        finally:
            execute("DROP TABLE validated")
        return written[0][0], ids[0][0] or b"", [place for (place,) in refused]

    def _refused(self, batches: list[Batch], places: list[int], first_row: int) -> list[RefusedRow]:
        """Return the refused records with all reasons; ``places`` are their indexes in these batches."""
        if not places:
            return []
        firsts = [0, *accumulate(map(len, batches))]
        numbers = [bisect_right(firsts, place) - 1 for place in places]
        located = [
            (batches[number], place - firsts[number]) for number, place in zip(numbers, places, strict=True)
        ]
        self._records.write_bytes(b"".join(batch.record(index) + b"\n" for batch, index in located))
        findings = self._engine.execute(self._explain, {"path": str(self._records)}).fetchall()
        refused = []
        for place, (batch, index), (of_record,) in zip(places, located, findings, strict=True):
            # An unreadable record was validated as an empty one; the reason is why it is unreadable.
            broken = batch.broken.get(index)
            problems = (broken,) if broken else tuple(map(self._rules.problem, of_record))
            refused.append(RefusedRow(first_row + place, batch.raw(index), problems))
        return refused

    def close(self) -> None:
        """Release the memory and the files of the DuckDB instance."""
        self._engine.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


_warm: list[Validator] = []
"""At most one validator, which is not in use."""


@contextmanager
def cached_validator(layout: Layout, personal_data_key: bytes) -> Iterator[Validator]:
    """Provide a validator for exclusive use, and keep it for the next chunk of the same layout.

    Creating a validator takes as long as validating 5,000 rows. After an error it is not used again.
    """
    validator = _warm.pop() if _warm else None
    if validator is None or (validator.layout, validator.personal_data_key) != (layout, personal_data_key):
        _close(validator)
        validator = Validator(layout, personal_data_key)
        _freeze_gc()
    try:
        yield validator
    except BaseException:
        _close(validator)
        raise
    _close(_warm.pop() if _warm else None)
    _warm.append(validator)


@cache
def _freeze_gc() -> None:
    """Exclude all present objects from garbage collection, so that it does not scan them for every chunk.

    This is done once: frozen objects are never collected, and later validators may be closed.
    """
    gc.freeze()


def _close(validator: Validator | None) -> None:
    if validator is not None:
        validator.close()


@atexit.register
def _close_cached() -> None:
    while _warm:
        _warm.pop().close()
