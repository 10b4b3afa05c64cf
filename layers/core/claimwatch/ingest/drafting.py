"""Draft of a contract from the first file of a line that has none."""

import json
from itertools import islice

from claimwatch.aws.objects import ObjectStore
from claimwatch.domain.contract.contract import MAX_COLUMNS
from claimwatch.domain.contract.contract_draft import draft_contract
from claimwatch.domain.files.csv_reader import FieldReader
from claimwatch.domain.files.dialect import Dialect
from claimwatch.ingest.contract_keys import draft_key
from claimwatch.ingest.staging import Prepared

SAMPLE = 1 << 20
"""Bytes of the file from which a draft is made."""

SAMPLE_ROWS = 5000


def write_draft(objects: ObjectStore, bucket: str, line: str, prepared: Prepared) -> None:
    """Write the draft, in place of that of an earlier file, which may have been a mistake."""
    objects.write(bucket, draft_key(line), [draft(objects, line, prepared).encode()])


def draft(objects: ObjectStore, line: str, prepared: Prepared) -> str:
    """Return a draft as YAML from the beginning of a prepared file."""
    end = min(prepared.size, prepared.body_start + SAMPLE)
    sample = b"".join(objects.read(prepared.source, prepared.body_start, end))
    if end < prepared.size:
        sample = sample[: sample.rfind(b"\n") + 1]
    text = sample.decode("utf-8", "replace").replace("\0", "\ufffd")
    if prepared.format == "csv":
        reader = FieldReader(Dialect(prepared.delimiter))
        table = islice(reader.read_all(text, final=True), SAMPLE_ROWS)
        width = len(prepared.header)
        sampled = [row.fields for row in table if row.fields is not None and len(row.fields) == width]
        return draft_contract(line, prepared.header, sampled)
    rows = [row for record in text.splitlines()[:SAMPLE_ROWS] if (row := _cells(record)) is not None]
    header = tuple(islice(dict.fromkeys(key for row in rows for key in row), MAX_COLUMNS))
    return draft_contract(line, header, [[row.get(key, "") for key in header] for row in rows])


def _cells(record: str) -> dict[str, str] | None:
    """Return the cells of a JSON object by key, or None for anything else."""
    try:
        item = json.loads(record)
        return {key: _cell(value) for key, value in item.items()} if isinstance(item, dict) else None
    except (ValueError, RecursionError):
        return None


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
