"""A single claim is validated in Python exactly as DuckDB validates the same claim in a file."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from claimwatch.domain.contract.contract import Column, Contract, LogicalType
from claimwatch.domain.files.layout import Layout
from claimwatch.domain.files.records import Problem, RecordCutter
from claimwatch.domain.validation.claim_json import read_claim
from claimwatch.domain.validation.claim_validator import AcceptedClaim, ClaimValidator, RejectedClaim, Value
from claimwatch.ingest.validation import Validator
from tests.unit.ingest import hostile_claims

KEY = b"a key of some bytes"
CLAIMS = 50


def by_file(contract: Contract, texts: Sequence[str]) -> list[dict[str, str] | tuple[Problem, ...]]:
    """Return, for each line of a file, its cells as they are copied to PostgreSQL, or its problems."""
    cutter = RecordCutter(None, 0)
    batches = [cutter.feed("".join(f"{text}\n" for text in texts).encode()), cutter.finish()]
    found: dict[int, dict[str, str] | tuple[Problem, ...]] = {}
    with Validator(Layout(contract), KEY) as validator:
        result = validator.check(batches, 0)
        names = ["row_number", *(column.name for column in contract.columns), "extra"]
        for row in csv.reader(io.StringIO(result.copy_text.decode(), newline="")):
            cells = dict(zip(names, row, strict=True))
            found[int(cells["row_number"])] = cells
        for refused in result.refused:
            found[refused.number] = refused.problems
    assert found.keys() == set(range(len(texts)))
    return [found[place] for place in range(len(texts))]


def stored(column: Column, cell: str) -> Value:
    """Return what a cell for PostgreSQL means."""
    if cell == "":
        return None
    match column.logical_type:
        case LogicalType.STRING:
            return cell
        case LogicalType.INTEGER:
            return int(cell)
        case LogicalType.NUMBER:
            return float(cell)
        case LogicalType.BOOLEAN:
            return {"true": True, "false": False}[cell]
        case _:
            day, time = cell[:10], cell.removesuffix("+00")[11:] or "00:00:00"
            ends = time.startswith("24")
            moment = datetime.fromisoformat(f"{day}T{f'00{time[2:]}' if ends else time}")
            return moment + timedelta(ends)


def assert_same(contract: Contract, texts: Sequence[str]) -> tuple[int, int]:
    """Compare both forms of validation; return how many claims are accepted and rejected."""
    validator = ClaimValidator(contract)
    accepted = 0
    first = [validator.validate(read_claim(text)) for text in texts]
    for text, expected, earlier in zip(texts, by_file(contract, texts), first, strict=True):
        found = validator.validate(read_claim(text))
        assert found == earlier, "what a validator remembers of other claims changes its result"
        context = f"\nclaim: {text}\nfile: {expected}\nclaim alone: {found}\ncontract: {contract}"
        if isinstance(expected, dict):
            assert isinstance(found, AcceptedClaim), context
            for column in contract.columns:
                if not column.hashed:
                    value = stored(column, expected[column.name])
                    assert (type(found.values[column.name]), found.values[column.name]) == (
                        type(value),
                        value,
                    ), column.name + context
            assert found.claim_id == expected[contract.identifier.name]
            accepted += 1
        else:
            assert isinstance(found, RejectedClaim), context
            assert [(each.column, each.rule) for each in found.problems] == [
                (each.column, each.rule) for each in expected
            ], context
            for problem, in_file in zip(found.problems, expected, strict=True):
                assert without_shape(in_file.message, problem.message), context
    return accepted, len(texts) - accepted


def without_shape(in_file: str, alone: str) -> bool:
    """Return whether a message of a single claim is that of a file without the shape of the value."""
    shown = re.match("a value like '", in_file)
    return in_file == alone if shown is None else in_file.endswith("'" + alone.removeprefix("the value"))


@pytest.mark.slow
@settings(
    max_examples=10,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.integers(0, 2**32))
def test_a_claim_alone_and_a_claim_in_a_file_are_validated_alike(seed: int) -> None:
    assert_same(*hostile_claims.claims(seed, CLAIMS))


@pytest.mark.parametrize("padding", range(2))
def test_a_line_of_invalid_json_is_refused_alone_wherever_duckdb_cuts_its_message(padding: int) -> None:
    line = f'{{"claim_id": "{"a" * padding}{"é" * 200}\\ud800"}}'
    assert_same(hostile_claims.claims(0, 0)[0], [line, '{"claim_id": "C1"}'])
