"""`claimwatch infer` samples a file, however much it unpacks to, and tries its draft on the sample."""

import gzip
from collections.abc import Iterable
from pathlib import Path

import pytest

from claimwatch.aws.objects import ObjectRef
from claimwatch.domain.contract.parse import parse_contract
from cli import draft
from cli.local_file import LocalFiles


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


def test_values_that_change_late_in_a_file_are_seen(tmp_path: Path) -> None:
    rows = (f"C{n:06},2026-03-01,{n if n < 120_000 else 'open'}" for n in range(150_000))
    _, text = draft.draft(written(tmp_path, "late.csv", ["claim_id,loss_date,paid", *rows]), "glass")
    assert "logicalType: string" in block(text, "paid")
    assert "numbers and the others are not" in block(text, "paid")
    assert "# check: the file has about 15" in text


def test_a_number_of_the_row_is_recognised_in_a_large_file(tmp_path: Path) -> None:
    rows = (f"{n},C{n:06},2026-03-01,5" for n in range(100_000))
    _, text = draft.draft(written(tmp_path, "index.csv", [",claim_id,loss_date,paid", *rows]), "glass")
    assert "role, value: ignored" in block(text, "column_1")
    assert "counts or names the rows of this file" in block(text, "column_1")


def test_a_check_line_says_which_rows_of_the_sample_the_loader_refuses(tmp_path: Path) -> None:
    rows = [f"C{n:06},2026-03-01,{n if n != 15_001 else 'open'}" for n in range(20_000)]
    _, text = draft.draft(written(tmp_path, "rare.csv", ["claim_id,loss_date,paid", *rows]), "glass")
    assert "logicalType: integer" in block(text, "paid")
    assert "# check: 1 of 20000 rows of the sample are quarantined: a value like 'aaaa'" in block(
        text, "paid"
    )
    assert "quarantined" not in block(text, "loss_date")


def test_a_check_line_says_how_many_rows_have_another_number_of_cells(tmp_path: Path) -> None:
    rows = [f"C{n},2026-03-01,{n}{',x' if n % 10 == 0 else ''}" for n in range(100)]
    _, text = draft.draft(written(tmp_path, "ragged.csv", ["claim_id,loss_date,paid", *rows]), "glass")
    assert "# check: 10 rows of the sample have more or fewer cells than the header" in text


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
