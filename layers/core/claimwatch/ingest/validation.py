"""Looking at every cell: a batch of records goes in, lines for COPY and refused records come out."""

import atexit
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import numpy as np
import numpy.typing as npt

from claimwatch.domain.checks import Layout, checks, hash_function
from claimwatch.domain.claim_ids import ClaimIds
from claimwatch.domain.keyed_hash import KeyedHashes
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
    claim_hashes: npt.NDArray[np.uint64]
    refused: dict[int, list[Problem]]


class Validator:
    """Checks batches against a layout, in an engine of its own.

    ``personal_data_key`` is the key of the hashes that stand in for personal data.
    """

    def __init__(self, layout: Layout, personal_data_key: bytes) -> None:
        self.layout, self.personal_data_key = layout, personal_data_key
        # Stands for a record that cannot be read: it has no claim id, or is no object, and never passes.
        self._placeholder = (
            layout.delimiter.encode() * (len(layout.fields) - 1) if layout.delimiter else b"null"
        )
        self._checks = checks(layout)
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

    def check(self, batch: Batch, first_row: int) -> Verdict:
        """Check a batch whose first record has the row number ``first_row``."""
        refused = {index: [problem] for index, problem in batch.broken.items()}
        if not len(batch):
            return Verdict(b"", 0, np.empty(0, np.uint64), refused)
        self._engine.execute("SET VARIABLE first_row = ?", [first_row])
        with self._path.open("wb", buffering=0) as file:
            file.writelines(batch.pieces(self._placeholder))
        try:
            found = self._engine.execute(self._query, [str(self._path)]).fetchnumpy()
        finally:
            self._path.unlink()  # the engine may stay warm for long; claims do not
        failing = np.asarray(found["refused"], np.bool_)
        if len(failing) != len(batch):
            raise AssertionError(f"{len(batch)} records were cut and {len(failing)} were read")
        for place, findings in zip(found["place"][failing], found["findings"][failing], strict=True):
            if place not in batch.broken:
                refused[int(place)] = [self._checks.problem(finding) for finding in findings]
        passing = np.flatnonzero(~failing)
        ids = ClaimIds(list(found["claim_id"][passing]))
        # By claim id, COPY meets the leaves of the table's index one after the other, not each of them over
        # and over: that takes a third off its time.
        lines = list(found["line"][passing[ids.order()]])
        return Verdict(b"".join(lines), len(lines), ids.hashes(), dict(sorted(refused.items())))

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


_warm: list[Validator] = []
"""At most one, which nobody is using."""


@contextmanager
def warm_validator(layout: Layout, personal_data_key: bytes) -> Iterator[Validator]:
    """A validator that stays for the next chunk of the same layout: its start takes as long as 5,000 rows.

    Whoever uses it has it alone; after an error it is not used again.
    """
    found = _warm.pop() if _warm else None
    if found is None or (found.layout, found.personal_data_key) != (layout, personal_data_key):
        _close(found)
        found = Validator(layout, personal_data_key)
    try:
        yield found
    except BaseException:
        _close(found)
        raise
    _close(_warm.pop() if _warm else None)
    _warm.append(found)


def _close(validator: Validator | None) -> None:
    if validator is not None:
        validator.close()


@atexit.register
def _cool_down() -> None:
    while _warm:
        _warm.pop().close()
