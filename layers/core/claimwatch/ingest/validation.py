"""Looking at every cell: a batch of records goes in, lines for COPY and refused records come out."""

import atexit
import gc
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import numpy as np
import numpy.typing as npt

from claimwatch.domain.files.layout import Layout
from claimwatch.domain.files.records import Batch, Positions, Problem
from claimwatch.domain.validation.claim_ids import ClaimIds
from claimwatch.domain.validation.fast_path.fast_path import FastPath, FastPathResult
from claimwatch.domain.validation.keyed_hash import KeyedHashes
from claimwatch.domain.validation.row_rules_sql import hash_function, rule_query
from claimwatch.duckdb_errors import redact_duckdb_errors
from claimwatch.storage.quarantine import RefusedRow

BLOCK = 27 << 20
"""Bytes that are checked at a time, a whole chunk as a rule: a worker stays far below its memory."""

MEMORY_LIMIT = "160MB"

_NO_RECORDS = np.empty(0, np.int64)


@dataclass(frozen=True)
class ValidationResult:
    """What became of records.

    ``read`` says how many there were. ``copy_text`` holds the ``loaded`` ones, which pass, in lines for COPY;
    ``claim_hashes`` a 64-bit hash of each one's claim id; ``refused`` those that do not, with every reason.
    """

    read: int
    copy_text: bytes
    loaded: int
    claim_hashes: npt.NDArray[np.uint64]
    refused: list[RefusedRow]


class Validator:
    """Checks batches against a layout: a first look takes most records, the checks look at all others.

    ``personal_data_key`` is the key of the hashes that stand in for personal data.
    """

    def __init__(self, layout: Layout, personal_data_key: bytes) -> None:
        self.layout, self.personal_data_key = layout, personal_data_key
        self._first_look = FastPath.of(layout, personal_data_key)
        self._examiner = DuckDbValidator(layout, personal_data_key)

    def check(self, batches: Iterable[Batch], first_row: int) -> ValidationResult:
        """Check the records of these batches, or of as many as come to `BLOCK` bytes.

        The first record has the row number ``first_row``.
        """
        looked: list[tuple[int, Batch, FastPathResult]] = []
        read = size = 0
        for batch in batches:
            sure = self._look(batch, first_row + read)
            looked.append((read, batch.without_marks(), sure))
            read += len(batch)
            size += len(batch.data)
            if size >= BLOCK:
                break
        examined = self._examiner.examine(
            b"".join(batch.text(sure.rest) for _, batch, sure in looked),
            np.concatenate([*(first + sure.rest for first, _, sure in looked), _NO_RECORDS]),
            first_row,
        )
        lines = [*chain.from_iterable(sure.lines for _, _, sure in looked), *examined.lines]
        ids = ClaimIds([*chain.from_iterable(sure.ids for _, _, sure in looked), *examined.ids])
        # By claim id, COPY meets the leaves of the table's index one after the other, not each of them over
        # and over: that takes a third off its time.
        text = b"".join([lines[place] for place in ids.order().tolist()])
        refused = [
            RefusedRow(first_row + first + index, batch.raw(index), tuple(problems))
            for first, batch, _ in looked
            for index, problems in _of(batch, first, examined.refused)
        ]
        return ValidationResult(read, text, len(lines), ids.hashes(), refused)

    def _look(self, batch: Batch, first_row: int) -> FastPathResult:
        return (
            self._first_look.at(batch, first_row)
            if self._first_look
            else FastPathResult([], [], batch.readable)
        )

    def close(self) -> None:
        """Give back what the examiner has."""
        self._examiner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True)
class Examined:
    """The lines for COPY and claim ids of the records that pass, and why others do not, by their indexes."""

    lines: list[bytes]
    ids: list[bytes]
    refused: dict[int, list[Problem]]


class DuckDbValidator:
    """Has every cell of records checked, in an engine of its own."""

    def __init__(self, layout: Layout, personal_data_key: bytes) -> None:
        self._checks = rule_query(layout)
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
        # It makes a join of each list of words, which takes longer to plan than the words to compare.
        self._engine.execute("SET disabled_optimizers = 'in_clause'")
        (self._query,) = self._engine.extract_statements(self._checks.query)  # parsed once: it is long
        for index, column in enumerate(layout.contract.columns):
            if column.hashed:  # one for each, for what one column repeats is not what another does
                hashes = KeyedHashes(personal_data_key)
                self._engine.create_function(hash_function(index), hashes.__getitem__, ["VARCHAR"], "VARCHAR")

    def examine(self, records: bytes, indexes: Positions, first_row: int) -> Examined:
        """Check records, one a line, which have these indexes among those that begin with ``first_row``."""
        if not len(indexes):
            return Examined([], [], {})
        self._path.write_bytes(records)
        try:
            with redact_duckdb_errors(f"check {len(indexes)} records"):
                found = self._engine.execute(self._query, [str(self._path)]).fetchnumpy()
        finally:
            self._path.unlink()  # the engine may stay warm for long; claims do not
        failing = np.asarray(found["refused"], np.bool_)
        if len(failing) != len(indexes):
            raise AssertionError(f"{len(indexes)} records were cut and {len(failing)} were read")
        places = indexes[found["place"]]
        reasons = zip(places[failing].tolist(), found["findings"][failing], strict=True)
        rows, lines = (first_row + places[~failing]).tolist(), found["line"][~failing]
        return Examined(
            [b"%d%b" % (row, line) for row, line in zip(rows, lines, strict=True)],
            list(found["claim_id"][~failing]),
            {place: [self._checks.problem(finding) for finding in findings] for place, findings in reasons},
        )

    def close(self) -> None:
        """Give back the engine's memory and its files."""
        self._engine.close()
        self._folder.cleanup()


def _of(batch: Batch, first: int, examined: dict[int, list[Problem]]) -> list[tuple[int, list[Problem]]]:
    """What is wrong with records of a batch, by their indexes in it; its first has the index ``first`` among
    the examined."""
    here = range(first, first + len(batch))
    found = {index: [problem] for index, problem in batch.broken.items()}
    found |= {index - first: problems for index, problems in examined.items() if index in here}
    return sorted(found.items())


_warm: list[Validator] = []
"""At most one, which nobody is using."""


@contextmanager
def cached_validator(layout: Layout, personal_data_key: bytes) -> Iterator[Validator]:
    """A validator that stays for the next chunk of the same layout: its start takes as long as 5,000 rows.

    Whoever uses it has it alone; after an error it is not used again.
    """
    found = _warm.pop() if _warm else None
    if found is None or (found.layout, found.personal_data_key) != (layout, personal_data_key):
        _close(found)
        found = Validator(layout, personal_data_key)
        _freeze_gc()
    try:
        yield found
    except BaseException:
        _close(found)
        raise
    _close(_warm.pop() if _warm else None)
    _warm.append(found)


@cache
def _freeze_gc() -> None:
    """What is there by now stays, and a chunk's many lists would have the collector go through it each time.

    Once: what is frozen is never looked at again, and later validators may come and go.
    """
    gc.freeze()


def _close(validator: Validator | None) -> None:
    if validator is not None:
        validator.close()


@atexit.register
def _close_cached() -> None:
    while _warm:
        _warm.pop().close()
