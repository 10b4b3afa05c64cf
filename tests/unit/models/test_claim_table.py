"""Claims are read from CSV while it is written; if one side fails, the other does not wait for it."""

from collections.abc import Callable
from traceback import format_exception
from typing import IO

import numpy as np
import pytest

from claimwatch.errors import EngineFault
from claimwatch.scoring.claim_table import read_claims

KINDS = {"amount": "number", "financed": "flag", "make": "category", "loss": "days"}
MORE_THAN_A_PIPE_HOLDS = 100_000


def writing(content: bytes) -> Callable[[IO[bytes]], None]:
    def write(text: IO[bytes]) -> None:
        text.write(content)

    return write


def test_columns_have_the_types_that_features_expect() -> None:
    rows = 'a,1.5,t,"Škoda, red",2026-01-05\nb,,f,,\nc,ten,,"",2026-13-01\n'

    ids, columns = read_claims(writing(rows.encode()), KINDS)

    assert ids.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(columns["amount"], [1.5, np.nan, np.nan])
    np.testing.assert_array_equal(columns["financed"], [1.0, 0.0, np.nan])
    assert columns["make"].tolist() == ["Škoda, red", None, ""]
    assert np.isnat(columns["loss"]).tolist() == [False, True, True]


@pytest.mark.parametrize("text", ["x\r\ny", "x\ry", "\r", "\r\n", "x\ny"])
def test_a_line_break_in_a_text_does_not_change_the_line_break_of_the_rows(text: str) -> None:
    ids, columns = read_claims(writing(f'a,1,t,"{text}",\nb,2,f,Skoda,\n'.encode()), KINDS)
    assert ids.tolist() == ["a", "b"]
    assert columns["make"].tolist() == [text, "Skoda"]


def test_no_claims_give_empty_columns() -> None:
    ids, columns = read_claims(lambda _text: None, KINDS)
    assert len(ids) == 0
    assert {name: len(values) for name, values in columns.items()} == dict.fromkeys(KINDS, 0)


def test_the_writer_finishes_even_if_the_rows_cannot_be_read() -> None:
    written = []

    def write(text: IO[bytes]) -> None:
        for _ in range(MORE_THAN_A_PIPE_HOLDS):
            text.write(b"a,1,t,Anna Lind,few,or,too,many\n")
        written.append(True)

    with pytest.raises(EngineFault, match="could not read claims") as raised:
        read_claims(write, KINDS)
    assert "Anna Lind" not in "".join(format_exception(raised.value)), "claims stand in no log"
    assert written == [True]


def test_an_error_of_the_writer_is_raised() -> None:
    def write(text: IO[bytes]) -> None:
        text.write(b"a,1,t,Skoda,2026-01-05\nb,2,")
        raise ConnectionError("the server is gone")

    with pytest.raises(ConnectionError, match="the server is gone"):
        read_claims(write, KINDS)
    assert read_claims(writing(b"a,1,t,x,\n"), KINDS)[0].tolist() == ["a"]


def test_more_claims_than_duckdb_holds_at_a_time_are_read() -> None:
    line = b"%07d,1.25,t," + b"x" * 200 + b",2026-01-05\n"
    ids, columns = read_claims(writing(b"".join(line % number for number in range(40_000))), KINDS)
    assert ids.tolist() == [f"{number:07}" for number in range(40_000)]
    assert columns["amount"].sum() == 50_000.0
