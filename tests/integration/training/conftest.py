"""A snapshot of a sample book of 20,000 claims, created once."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pytest

from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.contract.parse import parse_contract
from samples.book import BookConfig
from samples.delivery import Delivery, deliver
from tests.cluster import PROJECT

SEED, WEEKS, CLAIMS = 7, 20, 1_000


@dataclass(frozen=True)
class Book:
    """A snapshot, and the truth about its claims in the same order."""

    snapshot: Path
    probability: np.ndarray
    is_fraud: np.ndarray


@pytest.fixture(scope="session")
def contract() -> Contract:
    return parse_contract((PROJECT / "contracts/motor.yaml").read_text(encoding="utf-8"), "motor")


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    folder = tmp_path_factory.mktemp("book")
    config = BookConfig(seed=SEED, weeks=WEEKS, claims_per_week=CLAIMS)
    deliver(config, folder, Delivery(settling_weeks=26))
    snapshot = folder / "snapshot.parquet"
    with duckdb.connect() as engine:
        engine.execute(f"""
            CREATE VIEW claims AS FROM read_csv('{folder}/claims/motor/*.csv', delim = ',', header = true,
                sample_size = -1);
            CREATE VIEW outcomes AS FROM read_csv('{folder}/outcomes/motor/*.csv',
                types = {{'is_fraud': 'BOOLEAN'}});
            CREATE VIEW truth AS FROM read_csv('{folder}/truth/motor/*.csv',
                types = {{'is_fraud': 'BOOLEAN'}});
            COPY (
                SELECT claims.*, is_fraud, decided_at, source
                FROM claims LEFT JOIN outcomes USING (claim_id) ORDER BY claim_id
            ) TO '{snapshot}' (FORMAT parquet, COMPRESSION zstd)
        """)
        truth = engine.execute("SELECT probability, is_fraud FROM truth ORDER BY claim_id").fetchnumpy()
    return Book(snapshot, np.asarray(truth["probability"]), np.asarray(truth["is_fraud"], dtype=np.int64))


type Changed = Callable[[str], Path]


@pytest.fixture
def changed(book: Book, tmp_path: Path) -> Changed:
    """Return a function that selects other columns of the snapshot, from a table named claims."""

    def change(selected: str) -> Path:
        path = tmp_path / "changed.parquet"
        with duckdb.connect() as engine:
            engine.execute(
                f"COPY (SELECT {selected} FROM '{book.snapshot}' AS claims ORDER BY claim_id) TO '{path}'"
                " (FORMAT parquet)"
            )
        return path

    return change
