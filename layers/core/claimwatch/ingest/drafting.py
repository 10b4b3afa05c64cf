"""Draft of a contract from the first file of a line that has none."""

import csv
import io
import json

from claimwatch.aws.objects import ObjectStore
from claimwatch.domain.contract.contract_draft import draft_contract
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
        table = csv.reader(io.StringIO(text, newline=""), delimiter=prepared.delimiter)
        width = len(prepared.header)
        sampled = [row for row, _ in zip(table, range(SAMPLE_ROWS), strict=False) if len(row) == width]
        return draft_contract(line, prepared.header, sampled)
    objects_read = []
    for record in text.splitlines()[:SAMPLE_ROWS]:
        try:
            item = json.loads(record)
        except ValueError:
            continue
        if isinstance(item, dict):
            objects_read.append(item)
    header = tuple(dict.fromkeys(key for item in objects_read for key in item))
    return draft_contract(line, header, [[_cell(item.get(key)) for key in header] for item in objects_read])


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
