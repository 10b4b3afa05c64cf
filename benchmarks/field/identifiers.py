"""The same claims in several files and formats, whose tools changed how the ids are written."""

import csv
import io
import json
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.field.generated import GeneratedFile, TrueRow, contract_text

REPORTED = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
CONTRACT = contract_text(
    [
        "{name: policy, logicalType: string, required: false}",
        "{name: visit, logicalType: integer, required: true}",
    ]
)
FIELDS = ("claim_id", "reported_at", "policy", "visit")
UNSEEN = "\ufeff\u200b\u200c\u200d\u2060\u00ad\u200e\u200f\u202a\u202c\u2066\u2069\ufe0f\u061c\u180e"
BLANKS = " \u00a0\u2003\u202f\u3000\t"

type Writer = Callable[[Random, Sequence[str], int], GeneratedFile]


def draw(random: Random) -> GeneratedFile:
    """Return the last of two to four files of the same claims; none of them makes another claim."""
    whole = random.random() < 0.5
    ids = _whole_ids(random) if whole else _texts(random)
    writers: list[Writer] = [
        _csv,
        _json,
        *([_csv_of_pandas, _json_of_pandas, _parquet_of_doubles] if whole else []),
    ]
    files = [
        random.choice(writers)(random, random.sample(ids, len(ids)), visit)
        for visit in range(random.randint(2, 4))
    ]
    first = _clean_csv(ids)  # so that the claims exist, whichever rows the other files lose
    last = files[-1]
    return GeneratedFile(
        last.name, last.content, CONTRACT, last.rows, earlier=[first, *files[:-1]], claim_ids=frozenset(ids)
    )


def _whole_ids(random: Random) -> list[str]:
    digits = random.choice([1, 4, 9, 12, 15, 16])
    most = min(10**digits, 2**53) - 1
    return sorted({str(random.randint(10 ** (digits - 1), most)) for _ in range(random.randint(1, 6))})


def _texts(random: Random) -> list[str]:
    """Return ids that differ in case, leading zeros, and signs that people see."""
    some = [
        *("000123", "123", "c-1", "C-1", "C 1", "C1", "12E4", "1E10", "1234.1", "1234.10", "x_1", "2026/1"),
        *("M\u00fcller-7", "Muller-7", "\u00c5-1", "A-1", "\u017b\u00f3\u0142\u0107-9", "\u30ac-1", "#1"),
        *("\u304c-1", "C\u20101"),
    ]
    return random.sample(some, random.randint(1, len(some)))


def _rewritten(random: Random, text: str) -> str:
    """Return a text that looks the same."""
    letters = list(unicodedata.normalize(random.choice(["NFC", "NFD"]), text))
    for _ in range(random.choice([0, 0, 1, 3])):
        letters.insert(random.randint(0, len(letters)), random.choice(UNSEEN))
    before, after = (random.choice(["", "", random.choice(BLANKS)]) for _ in range(2))
    return before + "".join(letters) + after


def _rows(ids: Sequence[str], visit: int, *, plain: bool = True) -> list[TrueRow]:
    return [
        TrueRow({"claim_id": text, "reported_at": REPORTED, "policy": text, "visit": visit}, plain=plain)
        for text in ids
    ]


def _written(cells: Sequence[Sequence[object]], header: Sequence[str] = FIELDS) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *cells])
    return text.getvalue().encode()


def _clean_csv(ids: Sequence[str]) -> GeneratedFile:
    cells = [[text, REPORTED.isoformat(), text, -1] for text in ids]
    return GeneratedFile("first.csv", _written(cells), CONTRACT, _rows(ids, -1))


def _csv(random: Random, ids: Sequence[str], visit: int) -> GeneratedFile:
    form = random.choice(["{}", "{}", '="{}"'])  # the last keeps zeros in spreadsheets
    cells = [[form.format(_rewritten(random, text)), REPORTED.isoformat(), text, visit] for text in ids]
    header = [_rewritten(random, name) for name in FIELDS]
    return GeneratedFile("ids.csv", _written(cells, header), CONTRACT, _rows(ids, visit))


def _json(random: Random, ids: Sequence[str], visit: int) -> GeneratedFile:
    names = [_rewritten(random, name) for name in FIELDS]
    items = [
        dict(zip(names, [_rewritten(random, text), REPORTED.isoformat(), text, visit], strict=True))
        for text in ids
    ]
    ascii_only = random.random() < 0.5
    lines = [json.dumps(item, ensure_ascii=ascii_only) for item in items]
    text = random.choice(["\n".join(lines) + "\n", "[" + ",".join(lines) + "]"])
    return GeneratedFile("ids.json", text.encode(), CONTRACT, _rows(ids, visit))


def _csv_of_pandas(random: Random, ids: Sequence[str], visit: int) -> GeneratedFile:
    ending = random.choice([".0", ".00", ",0"])
    cells = [[f"{text}{ending}", REPORTED.isoformat(), text, visit] for text in ids]
    return GeneratedFile("pandas.csv", _written(cells), CONTRACT, _rows(ids, visit))


def _json_of_pandas(_: Random, ids: Sequence[str], visit: int) -> GeneratedFile:
    lines = [
        f'{{"claim_id": {text}.0, "reported_at": "{REPORTED.isoformat()}", '
        f'"policy": {text}.0, "visit": {visit}.0}}\n'
        for text in ids
    ]
    return GeneratedFile("pandas.json", "".join(lines).encode(), CONTRACT, _rows(ids, visit))


def _parquet_of_doubles(random: Random, ids: Sequence[str], visit: int) -> GeneratedFile:
    """Return a file of doubles or of single floats, which lose digits of longer ids."""
    kind = random.choice([pa.float64(), pa.float32(), pa.decimal128(21, 2), pa.int64(), pa.string()])
    values = pa.array([int(text) for text in ids], pa.int64())
    written = values.cast(kind, safe=False)
    table = pa.table(
        {
            "claim_id": written,
            "reported_at": pa.array([REPORTED] * len(ids)),
            "policy": written,
            "visit": pa.array([float(visit)] * len(ids)),
        }
    )
    content = io.BytesIO()
    pq.write_table(table, content)
    rows = _rows(ids, visit)
    if kind == pa.float32():
        rows = [row if int(text) < 2**24 else TrueRow(None) for row, text in zip(rows, ids, strict=True)]
    return GeneratedFile("ids.parquet", content.getvalue(), CONTRACT, rows)
