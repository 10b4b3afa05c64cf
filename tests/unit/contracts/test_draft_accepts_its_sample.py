"""A sample passes validation by the contract that was drafted from it."""

import csv
import io
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwatch.domain.contract.contract_draft import draft_contract
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.files.header import csv_layout
from claimwatch.domain.files.records import RecordCutter
from claimwatch.ingest.validation import Validator

type Maker = Callable[[random.Random], str]

MAKERS: dict[str, Maker] = {
    "a_integer": lambda draw: str(draw.randrange(-5, 500)),
    "b_decimals": lambda draw: f"{draw.random() * 1e5:.2f}",
    "c_thousands": lambda draw: f"{draw.random() * 1e7:,.2f}",
    "d_comma": lambda draw: f"{draw.random() * 1e5:.2f}".replace(".", ","),
    "e_both": lambda draw: f"{draw.random() * 1e7:,.2f}".translate(str.maketrans(",.", ".,")),
    "f_blanks": lambda draw: f"{draw.randrange(10**7):,}".replace(",", "\u00a0"),
    "g_day": lambda draw: f"{draw.randrange(1, 29):02}.{draw.randrange(1, 13):02}.2024",
    "h_american": lambda draw: f"{draw.randrange(1, 13)}/{draw.randrange(1, 29)}/2024",
    "i_iso": lambda draw: f"2024-{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}",
    "j_moment": lambda draw: f"2024-01-{draw.randrange(1, 29):02}T{draw.randrange(24):02}:00:00Z",
    "k_afternoon": lambda draw: (
        f"{draw.randrange(1, 13)}/{draw.randrange(13, 29)}/2024 {draw.randrange(1, 13)}:05 PM"
    ),
    "l_month": lambda draw: f"{draw.randrange(1, 29):02}-Jan-2024",
    "m_answer": lambda draw: draw.choice(["YES", "no"]),
    "n_word": lambda draw: draw.choice(["red, or so", 'the "blue"', "NO", "1e5"]),
    "o_code": lambda draw: f"{draw.randrange(10**5):05}",
    "insured_name": lambda draw: draw.choice(["Ann", "Bob"]),
    "q_story": lambda draw: "It was late, and nobody was there; " * draw.randrange(1, 4) + str(draw.random()),
    "r_exponent": lambda draw: f"{draw.random() * 1e9:e}",
    "s_year": lambda draw: f"{draw.randrange(1, 13):02}/{draw.randrange(13, 29)}/{draw.randrange(10, 30)}",
}


def refused(header: list[str], rows: list[list[str]]) -> list[object]:
    draft = draft_contract("home", header, rows)
    contract = parse_contract(draft, "home")
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    cutter = RecordCutter(b",", len(header))
    found: list[object] = []
    with Validator(csv_layout(contract, header, ","), b"key") as validator:
        verdict = validator.check(cutter.cut([text.getvalue().encode()]), 0)
        found += [(rows[row.number], row.problems) for row in verdict.refused]
    return found


@pytest.mark.parametrize("missing", ["", "?", "NA"])
def test_every_row_of_a_sample_passes_its_draft(missing: str) -> None:
    draw = random.Random(11)
    rows = [
        [f"C{number}", *(make(draw) if draw.random() < 0.9 else missing for make in MAKERS.values())]
        for number in range(200)
    ]
    assert refused(["claim_id", *MAKERS], rows) == []


@pytest.mark.slow
@given(
    st.sets(st.sampled_from(sorted(MAKERS)), min_size=1, max_size=4), st.integers(0, 999), st.integers(1, 30)
)
@settings(max_examples=25, deadline=None)
def test_every_row_of_a_small_sample_passes_its_draft(names: set[str], seed: int, number: int) -> None:
    draw = random.Random(seed)
    header = ["claim_id", *sorted(names)]
    rows = [[f"C{row}", *(MAKERS[name](draw) for name in header[1:])] for row in range(number)]
    assert refused(header, rows) == []
