"""The claims that a model is trained on: a Parquet file, named by the hash of its bytes.

One row for each current claim, in the order of claim ids: the contract's columns as they are stored, and
``is_fraud``, ``decided_at`` (at the latest when it arrived) and ``source`` of its outcome, null if it has
none. Claims without an outcome cannot be trained on, but unlike investigated claims they are representative
of the book: the threshold, the reference profiles and the weights of investigated claims come from them.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from claimwatch.domain.contract.contract import DATED, Column, Contract, LogicalType, Role
from claimwatch.domain.model.features import Columns
from claimwatch.errors import RefusedData

OUTCOME, DECIDED_AT, SOURCE = "is_fraud", "decided_at", "source"

type Mask = npt.NDArray[np.bool_]


class RefusedTraining(RefusedData):
    """No model can be made from the snapshot; the message says what is missing."""


@dataclass(frozen=True)
class Snapshot:
    """Claims, one entry for each in every array."""

    sha256: str
    columns: Columns
    """Columns as ``domain.model.features`` takes them."""
    event_time: npt.NDArray[np.datetime64]
    outcome: npt.NDArray[np.float64]
    """1 for fraud, 0 for an honest claim, nan if not known."""
    decided_at: npt.NDArray[np.datetime64]
    source: npt.NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.outcome)

    @property
    def known(self) -> Mask:
        """Whether the claim has an outcome."""
        return ~np.isnan(self.outcome)

    def of(self, rows: Mask) -> "Snapshot":
        """Return some of the claims."""
        return Snapshot(
            self.sha256,
            {name: np.asarray(values)[rows] for name, values in self.columns.items()},
            self.event_time[rows],
            self.outcome[rows],
            self.decided_at[rows],
            self.source[rows],
        )


@dataclass(frozen=True)
class Cohort:
    """The claims whose outcomes were due on a day, and the number of younger claims."""

    claims: Snapshot
    as_of: np.datetime64
    immature: int
    """Claims whose outcome is not due yet, decided or not: early decisions are a biased sample."""


def read_snapshot(path: Path, contract: Contract) -> Snapshot:
    """Read a snapshot; raises ``RefusedTraining`` if a required column is missing."""
    table = pq.read_table(path)
    event = next((column for column in contract.columns if column.role is Role.EVENT_TIME), None)
    if event is None:
        raise RefusedTraining(
            "the contract needs a column with role event_time, because claims are split by time"
        )
    for needed in (event.name, OUTCOME):
        if needed not in table.column_names:
            raise RefusedTraining(f"the snapshot has no column '{needed}'")
    none = pa.nulls(len(table))
    columns = {
        column.name: _values(table[column.name], column)
        for column in contract.columns
        if column.name in table.column_names
    }
    return Snapshot(
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        columns=columns,
        event_time=columns[event.name],
        outcome=_doubles(table[OUTCOME]),
        decided_at=_moments(table[DECIDED_AT] if DECIDED_AT in table.column_names else none),
        source=_objects(table[SOURCE] if SOURCE in table.column_names else none),
    )


def matured(snapshot: Snapshot, as_of: np.datetime64 | None, days: int, today: np.datetime64) -> Cohort:
    """Return the claims that were at least ``days`` old at ``as_of``, with the outcomes known by then.

    ``as_of`` defaults to the latest moment in the snapshot. It is never after ``today``: a claim that is
    dated in the future makes no other claim older.
    """
    moments = np.concatenate([snapshot.event_time, snapshot.decided_at])
    present = moments[~np.isnat(moments)]
    if not len(present):
        raise RefusedTraining("no claim of the snapshot has an event time")
    past = present[present <= today]
    if not len(past):
        raise RefusedTraining(f"every claim of the snapshot is dated after today, {today.astype('M8[D]')}")
    day: np.datetime64 = past.max() if as_of is None else min(as_of, today)
    due = snapshot.event_time <= day - np.timedelta64(days, "D")
    claims = snapshot.of(due)
    later = claims.decided_at > day
    return Cohort(
        Snapshot(
            claims.sha256,
            claims.columns,
            claims.event_time,
            np.where(later, np.nan, claims.outcome),
            claims.decided_at,
            claims.source,
        ),
        day,
        int((~due).sum()),
    )


def _values(column: Any, described: Column) -> npt.NDArray[Any]:
    if described.hashed or pa.types.is_string(column.type) or described.logical_type is LogicalType.STRING:
        return _objects(column)
    if described.logical_type in DATED:
        return _moments(column)
    return _doubles(column)


def _doubles(column: Any) -> npt.NDArray[np.float64]:
    if pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.int8())
    values: npt.NDArray[np.float64] = pc.cast(column, pa.float64()).to_numpy()
    return np.array(values)


def _moments(column: Any) -> npt.NDArray[np.datetime64]:
    values: npt.NDArray[np.datetime64] = pc.cast(column, pa.timestamp("us"), safe=False).to_numpy()
    return np.array(values)


def _objects(column: Any) -> npt.NDArray[np.object_]:
    return np.array(pc.cast(column, pa.string()).to_pylist(), dtype=object)
