"""Draft of a contract from the first file of a line that has none."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from claimwatch.aws.objects import ObjectStore
from claimwatch.domain.contract.contract import MAX_COLUMNS, folded_name
from claimwatch.domain.contract.contract_draft import draft_contract
from claimwatch.domain.files.csv_reader import FieldReader
from claimwatch.domain.files.dialect import Dialect
from claimwatch.ingest.contract_keys import draft_key
from claimwatch.ingest.draft_trial import refusals
from claimwatch.ingest.staging import Prepared

SAMPLE = 1 << 20
"""Bytes at the beginning of the file from which a draft is made."""

LATER_SAMPLE = 1 << 17
"""Bytes in the middle and at the end of the file from which a draft is made, too."""

SAMPLE_ROWS = 5000
"""Maximum number of rows of each sample: half are the first, and half are spread over the others."""

_WELL_CUT = 0.9
"""Share of the rows of a later sample that are as wide as the header if it begins between two rows."""


@dataclass(frozen=True)
class _Sample:
    """Rows of the file as cells under the names of ``header``.

    ``ragged`` rows have more or fewer cells. ``total`` is about the number of rows of the file.
    """

    header: tuple[str, ...]
    rows: list[Sequence[str]]
    ragged: int
    total: int


def write_draft(objects: ObjectStore, bucket: str, line: str, prepared: Prepared) -> None:
    """Write the draft, in place of that of an earlier file, which may have been a mistake."""
    objects.write(bucket, draft_key(line), [draft(objects, line, prepared).encode()])


def draft(objects: ObjectStore, line: str, prepared: Prepared) -> str:
    """Return a draft as YAML from some rows of a prepared file, tried on the first of them."""
    pieces = list(_pieces(objects, prepared))
    sample = _read(prepared, pieces)
    remarks = []
    if sample.total > len(sample.rows) + sample.ragged:
        remarks.append(
            f"the file has about {sample.total:,} rows; those beyond the sample may differ from it"
        )
    if sample.ragged:
        remarks.append(
            f"{sample.ragged} rows of the sample have more or fewer cells than the header and are quarantined"
        )
    text = draft_contract(line, sample.header, sample.rows, remarks=remarks)
    refused = refusals(text, line, prepared, pieces[0], sample.header)
    whole_rows = refused.pop("", None)
    if whole_rows and not sample.ragged:
        remarks.append(whole_rows)
    if refused or whole_rows:
        text = draft_contract(line, sample.header, sample.rows, remarks=remarks, refused=refused)
    return text


def _pieces(objects: ObjectStore, prepared: Prepared) -> Iterator[bytes]:
    """Yield the beginning of the rows and, of a larger file, rows from its middle and its end."""
    first, last = prepared.body_start, prepared.size
    end = min(last, first + SAMPLE)
    sample = b"".join(objects.read(prepared.source, first, end))
    yield sample if end == last else sample[: sample.rfind(b"\n") + 1]
    if last - end < 2 * LATER_SAMPLE:
        return
    for start in ((end + last) // 2, last - LATER_SAMPLE):
        piece = b"".join(objects.read(prepared.source, start, min(last, start + LATER_SAMPLE)))
        whole = piece if start + LATER_SAMPLE >= last else piece[: piece.rfind(b"\n") + 1]
        yield whole[whole.find(b"\n") + 1 :]


def _read(prepared: Prepared, pieces: Sequence[bytes]) -> _Sample:
    texts = [piece.decode("utf-8", "replace").replace("\0", "\ufffd") for piece in pieces]
    records = sum(map(len, pieces)) or 1
    if prepared.format == "csv":
        header, names = prepared.header, list(map(folded_name, prepared.header))
        rows: list[Sequence[str]] = []
        ragged = seen = 0
        for number, text in enumerate(texts):
            found = [
                row.fields
                for row in FieldReader(Dialect(prepared.delimiter)).read_all(text, final=True)
                if row.fields is None or list(map(folded_name, row.fields)) != names  # files were joined
            ]
            fitting = [row for row in found if row is not None and len(row) == len(header)]
            if number and len(fitting) < _WELL_CUT * len(found):
                continue  # it may begin within quotes
            if not number:
                ragged = sum(row is not None and any(row) for row in found) - sum(map(any, fitting))
            rows += _spread(fitting)
            seen += len(found)
    else:
        objects = [
            [row for record in text.split("\n") if (row := _cells(record)) is not None] for text in texts
        ]
        seen, ragged = sum(map(len, objects)), 0
        some = [row for found in objects for row in _spread(found)]
        header = tuple(islice(dict.fromkeys(key for row in some for key in row), MAX_COLUMNS))
        rows = [[row.get(key, "") for key in header] for row in some]
    total = round(seen * max(1.0, (prepared.size - prepared.body_start) / records))
    return _Sample(tuple(header), rows, ragged, total)


def _spread[Row](rows: Sequence[Row]) -> Sequence[Row]:
    """Return at most ``SAMPLE_ROWS`` rows: the first ones, and others from all over the rest."""
    half = SAMPLE_ROWS // 2
    if len(rows) <= SAMPLE_ROWS:
        return rows
    rest = rows[half:]
    return [*rows[:half], *rest[:: -(-len(rest) // half)]]


def _cells(record: str) -> dict[str, str] | None:
    """Return the cells of a JSON object by key, or None for anything else."""
    try:
        item = json.loads(record.lstrip("\ufeff"))
        return {key: _cell(value) for key, value in item.items()} if isinstance(item, dict) else None
    except (ValueError, RecursionError):
        return None


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
