"""Simulated books with calendar columns and leaks, and honest books that look a little like them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.special import ndtri

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from training.candidates import CANDIDATES, Candidate
from training.evidence import Evidence
from training.run import Request, train
from training.settings import Settings
from training.snapshot import Snapshot

type Values = npt.NDArray[Any]
type Floats = npt.NDArray[np.float64]

START = np.datetime64("2024-01-01", "D")
ORDINARY = (0.6, -0.5, 0.35, 0.2, 0.0)
"""The weights of the ordinary features."""


@dataclass(frozen=True)
class LeakBook:
    """Claims with an outcome each; ``columns`` are the features, in the order of the contract."""

    event_time: Values
    outcome: Floats
    columns: Mapping[str, Values]
    draw: np.random.Generator = field(repr=False)

    def with_columns(self, **columns: Values) -> "LeakBook":
        """Return the book with further features."""
        return LeakBook(self.event_time, self.outcome, {**self.columns, **columns}, self.draw)

    def without(self, *names: str) -> "LeakBook":
        """Return the book without these features."""
        kept = {name: values for name, values in self.columns.items() if name not in names}
        return LeakBook(self.event_time, self.outcome, kept, self.draw)

    @property
    def contract(self) -> Contract:
        """The contract of the book."""
        return Contract(
            "trial",
            "1.0.0",
            "claim_trial",
            (
                Column("claim_id", LogicalType.STRING, Role.IDENTIFIER),
                Column("lost_on", LogicalType.DATE, Role.EVENT_TIME),
                *(Column(name, _type(values), Role.FEATURE) for name, values in self.columns.items()),
            ),
        )

    @property
    def snapshot(self) -> Snapshot:
        """The claims as a training reads them."""
        time = self.event_time.astype("datetime64[us]")
        nobody = np.full(len(time), None, dtype=object)
        return Snapshot("", {"lost_on": time, **self.columns}, time, self.outcome, time, nobody)

    def train(
        self,
        folder: Path,
        candidates: Sequence[Candidate] = CANDIDATES,
        minutes: float = 0.01,
        trusted: tuple[str, ...] = (),
    ) -> Evidence:
        """Train on the book as a stack does, with every outcome due and known."""
        time = self.event_time.astype("datetime64[us]")
        table = {
            "claim_id": [f"C{number:06}" for number in range(len(time))],
            "lost_on": time,
            **self.columns,
            "is_fraud": self.outcome == 1.0,
            "decided_at": time,
            "source": ["random_audit"] * len(time),
        }
        path = folder / "claims.parquet"
        pq.write_table(pa.table(table), path)
        settings = Settings(budget_minutes=minutes, maturity_days=0, trusted=trusted)
        today = time.max() + np.timedelta64(1, "D")
        request = Request("trial", "1", self.contract, path, "test", "2026-01-01T00:00:00+00:00", today)
        return train(request, settings, candidates=candidates)


def honest_book(claims: int, rate: float, seed: int, days: int = 730, wave: Floats | float = 0.0) -> LeakBook:
    """Return claims with ordinary features; ``wave`` is added to the log-odds of each day."""
    draw = np.random.default_rng(seed)
    day = np.sort(draw.integers(0, days, claims))
    columns = {name: draw.normal(size=claims) for name in ("one", "two", "three", "four", "five")}
    odds = np.array(ORDINARY) @ np.array(list(columns.values()))
    odds += wave[day] if isinstance(wave, np.ndarray) else wave
    outcome = (draw.random(claims) < 1.0 / (1.0 + np.exp(-odds - _offset(odds, rate)))).astype(np.float64)
    return LeakBook(START + day, outcome, columns, draw)


def calendar_book(seed: int = 1, claims: int = 6_000, months: int = 24, rate: float = 0.15) -> LeakBook:
    """Return claims whose even months are quiet in one year and loud in the next; odd months the reverse."""
    days = int(months * 30.4375)
    month, year = months_of(START + np.arange(days))
    wave = np.where((month + year) % 2 == 0, -1.2, 1.2)
    book = honest_book(claims, rate, seed, days, wave)
    month, year = months_of(book.event_time)
    week = (book.event_time - book.event_time.astype("datetime64[M]")).astype(np.int64) // 7 + 1
    return book.with_columns(
        month=month.astype(np.float64), year=year.astype(np.float64), week_of_month=week.astype(np.float64)
    )


def months_of(time: Values) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the month, from 1, and the year of each day."""
    months = time.astype("datetime64[M]").astype(np.int64)
    return months % 12 + 1, months // 12 + 1970


def flag_of_outcome(book: LeakBook, right: float = 0.92) -> Floats:
    """Return a flag that is right for this share of the claims."""
    return np.where(book.draw.random(len(book.outcome)) < right, book.outcome, 1.0 - book.outcome)


def days_to_settle(book: LeakBook) -> Floats:
    """Return 30 to 200 days for frauds, and 1 to 60 for honest claims."""
    claims = len(book.outcome)
    fraud, honest = book.draw.integers(30, 201, claims), book.draw.integers(1, 61, claims)
    return np.where(book.outcome == 1.0, fraud, honest).astype(np.float64)


def feature_of_area(book: LeakBook, area: float) -> Floats:
    """Return an honest feature whose ROC-AUC alone is this."""
    distance = float(np.sqrt(2.0) * ndtri(area))
    return book.draw.normal(size=len(book.outcome)) + distance * book.outcome


def _offset(odds: Floats, rate: float) -> float:
    """Return what makes the mean probability this rate."""
    low, high = -20.0, 20.0
    for _ in range(50):
        middle = (low + high) / 2.0
        mean = float(np.mean(1.0 / (1.0 + np.exp(-odds - middle))))
        low, high = (middle, high) if mean < rate else (low, middle)
    return low


def _type(values: Values) -> LogicalType:
    match values.dtype.kind:
        case "O":
            return LogicalType.STRING
        case "M":
            return LogicalType.DATE
        case _:
            return LogicalType.NUMBER
