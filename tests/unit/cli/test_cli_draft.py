"""`claimwatch infer` samples a file, however much it unpacks to, and tries its draft on the sample."""

import gzip
import json
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from claimwatch.aws.objects import ObjectRef
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.ingest import drafting
from claimwatch.ingest import local_draft as draft
from claimwatch.ingest.local_files import LocalFiles


@pytest.mark.slow
def test_a_draft_unpacks_the_beginning_of_a_file_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    write = LocalFiles.write

    def counting(files: LocalFiles, bucket: str, key: str, blocks: Iterable[bytes]) -> ObjectRef:
        ref = write(files, bucket, key, blocks)
        written.append(files.size(ref))
        return ref

    monkeypatch.setattr(LocalFiles, "write", counting)
    monkeypatch.setattr(draft, "ENOUGH", 4 << 20)
    path = tmp_path / "claims.csv.gz"
    row = b"C%07d,2026-03-01,12.50\n"
    path.write_bytes(gzip.compress(b"claim_id,day,amount\n" + b"".join(row % n for n in range(700_000)), 1))
    described, text = draft.draft(path, "glass")
    assert described == "csv, gzip"
    assert "name: amount" in text
    assert written
    assert max(written) <= draft.ENOUGH + (1 << 20)


def block(text: str, name: str) -> str:
    """Return the lines of a column in a draft."""
    return text[text.index(f"- name: {name}") :].partition("\n\n")[0]


def written(folder: Path, name: str, lines: Iterable[str]) -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.slow
def test_values_that_change_late_in_a_file_are_seen(tmp_path: Path) -> None:
    rows = (f"C{n:06},2026-03-01,{n if n < 120_000 else 'open'}" for n in range(150_000))
    _, text = draft.draft(written(tmp_path, "late.csv", ["claim_id,loss_date,paid", *rows]), "glass")
    assert "logicalType: string" in block(text, "paid")
    assert "numbers and the others are not" in block(text, "paid")
    assert "# All 150,000 rows of the file were tried with this draft." in text


@pytest.mark.slow
def test_a_number_of_the_row_is_recognised_in_a_large_file(tmp_path: Path) -> None:
    rows = (f"{n},C{n:06},2026-03-01,5" for n in range(100_000))
    _, text = draft.draft(written(tmp_path, "index.csv", [",claim_id,loss_date,paid", *rows]), "glass")
    assert "role, value: ignored" in block(text, "column_1")
    assert "counts or names the rows of this file" in block(text, "column_1")


LATE = {
    6000: {"paid": "?"},
    6200: {"reserve": "-250"},
    6400: {"loss_date": "14.03.2026"},
    6600: {"area": ""},
    6800: {"kind": "hail"},
    7000: {"score": "987654"},
    7200: {"opened": "typo"},
    7400: {"share": "unknown"},
}
"""Cells that differ from all others of their columns, neither at the beginning nor at the end."""

TEXTS = [
    ("paid", ["logicalType: integer", "required: false"]),
    ("reserve", ["seen from -250 to", "# logicalTypeOptions: {minimum: 0}"]),
    ("loss_date", ["logicalType: date", "%d.%m.%Y"]),
    ("area", ["required: false", "validValues: [north, south]"]),
    ("kind", ["logicalType: string", "required: true"]),
    ("score", ["logicalType: integer", "seen from 0 to 990000"]),
    ("opened", ["logicalType: integer", "1 of 12000 rows are quarantined: a value like 'aaaa' is not"]),
    ("share", ["logicalType: integer", 'missingValues, value: ["unknown"]']),
]


def late_rows() -> Iterable[dict[str, str]]:
    for number in range(12_000):
        few = str(number % 90)
        cells = {"claim_id": f"C{number:06}", "loss_date": f"2026-03-{number % 28 + 1:02}"}
        cells |= dict.fromkeys(("paid", "reserve", "score", "opened", "share"), few)
        cells |= {"kind": "theft" if number % 2 else "fire", "area": "north" if number % 3 else "south"}
        yield cells | LATE.get(number, {})


def late_file(folder: Path, name: str) -> Path:
    if name.endswith("ndjson"):
        return written(folder, name, map(json.dumps, late_rows()))
    rows = list(late_rows())
    return written(folder, name, [",".join(rows[0]), *(",".join(row.values()) for row in rows)])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["late.csv", "late.ndjson"])
def test_a_draft_knows_values_that_one_row_in_the_middle_of_a_large_file_has(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafting, "SAMPLE", 1 << 18)
    monkeypatch.setattr(drafting, "LATER_SAMPLE", 1 << 14)
    monkeypatch.setattr(drafting, "SAMPLE_ROWS", 400)
    _, text = draft.draft(late_file(tmp_path, name), "glass")
    missing = [(column, part) for column, parts in TEXTS for part in parts if part not in block(text, column)]
    assert missing == []
    assert "invalidValues" not in block(text, "kind")  # nobody knows whether the list is complete
    assert "# All 12,000 rows of the file were tried with this draft." in text
    assert "its values repeat" not in text


def test_a_draft_of_a_larger_file_states_the_share_that_it_was_tried_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafting, "MOST_TRIED", 1 << 18)
    _, text = draft.draft(late_file(tmp_path, "late.csv"), "glass")
    assert re.search("# check: the draft was tried on the first [0-9,]+ rows, [0-9]+ % of the file", text)
    assert "rows of the file were tried" not in text


@pytest.mark.slow
def test_a_check_line_says_which_rows_the_loader_refuses(tmp_path: Path) -> None:
    rows = [f"C{n:06},2026-03-01,{n if n != 15_001 else 'open'}" for n in range(20_000)]
    _, text = draft.draft(written(tmp_path, "rare.csv", ["claim_id,loss_date,paid", *rows]), "glass")
    assert "logicalType: integer" in block(text, "paid")
    assert "# check: 1 of 20000 rows are quarantined: a value like 'aaaa'" in block(text, "paid")
    assert "quarantined" not in block(text, "loss_date")


def test_a_check_line_says_how_many_rows_have_another_number_of_cells(tmp_path: Path) -> None:
    rows = [f"C{n},2026-03-01,{n}{',x' if n % 10 == 0 else ''}" for n in range(100)]
    _, text = draft.draft(written(tmp_path, "ragged.csv", ["claim_id,loss_date,paid", *rows]), "glass")
    assert "# check: 10 rows of the sample have more or fewer cells than the header" in text


@pytest.mark.slow
@pytest.mark.parametrize("columns", [300, 1_600])
def test_a_wide_file_gets_a_draft_that_is_a_contract(tmp_path: Path, columns: int) -> None:
    header = ",".join(["claim_id", *(f"c{n}" for n in range(columns - 1))])
    rows = [f"C{n}," + ",".join(str(n * place % 13) for place in range(columns - 1)) for n in range(30)]
    _, text = draft.draft(written(tmp_path, "wide.csv", [header, *rows]), "glass")
    contract = parse_contract(text, "glass")
    assert len(contract.columns) == min(columns, 1_500)
    assert text.count("a table has at most 1,500 columns") == max(0, columns - 1_500)


@pytest.mark.parametrize("name", ["claims.csv", "claims.ndjson"])
def test_a_draft_of_one_row_says_so(tmp_path: Path, name: str) -> None:
    lines = {
        "claims.csv": ["claim_id,loss_date,paid", "C1,2026-03-01,5"],
        "claims.ndjson": ['{"claim_id": "C1", "loss_date": "2026-03-01", "paid": 5}'],
    }
    _, text = draft.draft(written(tmp_path, name, lines[name]), "glass")
    assert "from 1 row of its first file" in text
    assert parse_contract(text, "glass").identifier.name == "claim_id"


def test_a_column_that_the_event_time_determines_has_a_check_line(tmp_path: Path) -> None:
    """The names of columns and of months are those of a stranger; weekdays need no attention."""
    draw = np.random.default_rng(2)
    days = np.datetime64("2024-01-01") + np.sort(draw.integers(0, 731, 900))
    months = ["jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez"]
    rows = [
        f"C{number:05},{day:%d.%m.%Y},{months[day.month - 1]},{day.year},{(day.day - 1) // 7 + 1},"
        f"{day.weekday()},{draw.integers(100, 9_000)},{draw.choice(['hail', 'fire', 'theft'])}"
        for number, day in enumerate(days.astype(object))
    ]
    header = "claim_id,loss_date,mes,ano,semana,dia,amount,peril"
    _, text = draft.draft(written(tmp_path, "claims.csv", [header, *rows]), "glass")
    found = [
        name
        for name in header.split(",")
        if "is a part of the calendar" in " ".join(block(text, name).split())
    ]
    assert found == ["mes", "ano", "semana"]
    assert "never comes round" in block(text, "ano")
    assert "two years or more" in " ".join(block(text, "mes").replace("#", " ").split())
