"""Contestants get the same rows, and pandas refuses the same rows for the same reasons."""

import csv
from itertools import islice

import pytest

from benchmarks.book import BookFile, book_file, good_rows
from benchmarks.pandas_checks import keyed_hashes
from benchmarks.peers import chunks_of, refused
from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.files.header import csv_layout
from claimwatch.domain.files.records import RecordCutter
from claimwatch.ingest.validation import Validator
from samples import Kind
from samples.contract import MOTOR

KEY = b"a key of some bytes"
ROWS = 20_000


@pytest.fixture(scope="module")
def contract() -> Contract:
    return parse_contract(MOTOR.read_text("utf-8"), "motor")


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> BookFile:
    return book_file(tmp_path_factory.mktemp("book"), ROWS, seed=11)


def test_raw_copy_gets_exactly_the_good_rows(book: BookFile) -> None:
    with book.path.open(newline="") as dirty, good_rows(book).open(newline="") as clean:
        header, *rows = csv.reader(dirty)
        kept = [row for number, row in enumerate(rows, 1) if number not in book.bad]
        assert list(csv.reader(clean)) == [header, *kept]
    assert len(rows) == ROWS
    assert len(book.bad) == ROWS // 100


def test_pandas_refuses_all_bad_rows_except_some_that_are_too_short(
    book: BookFile, contract: Contract
) -> None:
    found = {row for frame in chunks_of(book.path, contract) for row in refused(frame, contract)}
    assert found <= set(book.bad)
    assert {book.bad[row] for row in set(book.bad) - found} <= {Kind.TOO_SHORT}


def test_pandas_reports_the_same_reasons(book: BookFile, contract: Contract) -> None:
    with book.path.open("rb") as file:
        header = next(csv.reader([file.readline().decode()]))
        batch = RecordCutter(b",", len(header)).feed(file.read())
    with Validator(csv_layout(contract, tuple(header), ","), KEY) as validator:
        ours = {
            row.number: {(problem.column, problem.rule) for problem in row.problems}
            for row in validator.check([batch], 1).refused
        }
    theirs = {
        row: {(reason["column"], reason["rule"]) for reason in reasons}
        for frame in chunks_of(book.path, contract)
        for row, reasons in refused(frame, contract).items()
    }
    whole = {row for row, kind in book.bad.items() if kind not in {Kind.TOO_SHORT, Kind.TOO_LONG}}
    assert {row: theirs[row] for row in whole} == {row: ours[row] for row in whole}


def test_pandas_stores_the_same_hashes_of_personal_data(book: BookFile, contract: Contract) -> None:
    (frame,) = islice(chunks_of(book.path, contract), 1)
    names = [column.name for column in contract.columns]
    hashed = next(column.name for column in contract.columns if column.hashed)
    good = next(row for row in range(1, ROWS) if row not in book.bad)
    with book.path.open("rb") as file:
        lines = file.read().split(b"\n")
    batch = RecordCutter(b",", len(names)).feed(lines[good] + b"\n")
    with Validator(csv_layout(contract, tuple(names), ","), KEY) as validator:
        (written,) = csv.reader([validator.check([batch], 1).copy_text.decode()])
    assert keyed_hashes(frame.loc[[good], hashed], KEY) == [written[1 + names.index(hashed)]]
