"""The columns of a single claim have the bits of the columns that a model reads of the stored claim."""

import io
from collections import Counter
from typing import IO

import numpy as np
import numpy.typing as npt
import pytest
from psycopg2 import sql

from claimwatch.domain.contract.contract import Contract, LogicalType
from claimwatch.domain.files.layout import Layout
from claimwatch.domain.files.records import RecordCutter
from claimwatch.domain.validation.claim_json import read_claim
from claimwatch.domain.validation.claim_validator import AcceptedClaim, ClaimValidator, columns_of
from claimwatch.ingest.validation import Validator
from claimwatch.scoring.claim_table import read_claims
from claimwatch.storage import rows, scores
from tests.cluster import ClonedDatabase
from tests.unit.ingest import hostile_claims

KEY = b"a key of some bytes"
CLAIMS = 150
KINDS = {
    LogicalType.STRING: "category",
    LogicalType.INTEGER: "number",
    LogicalType.NUMBER: "number",
    LogicalType.BOOLEAN: "flag",
    LogicalType.DATE: "days",
    LogicalType.TIMESTAMP: "hour",
}


def kinds_of(contract: Contract) -> dict[str, str]:
    return {column.name: KINDS[column.logical_type] for column in contract.columns if not column.hashed}


def read_back(
    database: ClonedDatabase, contract: Contract, texts: list[str]
) -> tuple[list[str], dict[str, npt.NDArray[np.generic]]]:
    """Store the claims that a file with these lines loads, and read them as scoring does."""
    cutter = RecordCutter(None, 0)
    batches = [cutter.feed("".join(f"{text}\n" for text in texts).encode()), cutter.finish()]
    with Validator(Layout(contract), KEY) as validator:
        result = validator.check(batches, 1)
        lines = result.copy_text
        assert sum(1 for _ in result.refused) + result.loaded == len(texts)
    with database.transaction() as cursor:
        columns = [
            sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.sql_type))
            for column in contract.columns
        ]
        table = sql.Identifier("claimwatch", contract.table)
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(table))
        cursor.execute(
            sql.SQL("CREATE TABLE {} (file_id bigint DEFAULT 1, row_number integer, {}, extra jsonb)").format(
                table, sql.SQL(", ").join(columns)
            )
        )
        assert rows.copy(cursor, contract, 1, io.BytesIO(lines)) == result.loaded
        kinds = kinds_of(contract)

        def write(text: IO[bytes]) -> None:
            scores.copy_claims(cursor, contract, list(kinds), 1, 0, None, text)

        ids, found = read_claims(write, kinds)
    return ids.tolist(), {name: bits(values) for name, values in found.items()}


def bits(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Return numbers and moments as their bits, in which nan equals nan and 0.0 is not -0.0."""
    return values if values.dtype == object else values.view(np.int64)


@pytest.mark.parametrize("seed", range(3))
def test_columns_have_the_same_bits_as_those_of_stored_claims(database: ClonedDatabase, seed: int) -> None:
    assert_same_columns(database, seed, CLAIMS)


def assert_same_columns(database: ClonedDatabase, seed: int, number: int) -> int:
    """Compare the columns of claims that are stored with those of the same claims; return their number."""
    contract, drawn = hostile_claims.claims(seed, number)
    kinds = kinds_of(contract)
    validator = ClaimValidator(contract)
    results = [validator.validate(read_claim(text)) for text in drawn]
    accepted = [result for result in results if isinstance(result, AcceptedClaim)]
    found = {result.claim_id: result for result in accepted}
    times = Counter(result.claim_id for result in accepted)
    ids, stored = read_back(database, contract, list(drawn))
    assert Counter(ids) == times
    once = [place for place, claim_id in enumerate(ids) if times[claim_id] == 1]
    columns = columns_of([found[ids[place]] for place in once], kinds)
    for name, values in columns.items():
        expected = stored[name][once]
        assert bits(values).dtype == expected.dtype
        different = [
            (ids[place], was, now)
            for place, was, now in zip(once, expected.tolist(), bits(values).tolist(), strict=True)
            if was != now
        ]
        assert not different, f"{name}: {different[:3]} with {contract.column(name)}"
    return len(once)
