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
from claimwatch.domain.files.stream_files import ROUTING_KEY
from claimwatch.ingest.contract_keys import draft_key
from claimwatch.ingest.draft_calendar import calendar_checks
from claimwatch.ingest.draft_trial import Trial, try_draft
from claimwatch.ingest.staging import Prepared, join_blocks

SAMPLE = 1 << 20
"""Bytes at the beginning of the file from which a draft is made."""

LATER_SAMPLE = 1 << 17
"""Bytes in the middle and at the end of the file from which a draft is made, too."""

MOST_TRIED = 1 << 30
"""Bytes of the file on which a draft is tried, at most twice, in the 15 minutes of InspectFile."""

_MOST_ATTEMPTS = 8
"""Columns with refused rows that a draft learns from: each takes as long as a draft of the sample."""

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
    """Return a draft as YAML from some rows of a prepared file, tried on all of them.

    Rows that the loader refuses by the draft, and those with extreme values, join the sample, unless a column
    changes its type for their sake: a word in a million numbers is more likely a mistake.
    """
    sample = _read(prepared, list(_pieces(objects, prepared)))
    remarks = []
    if sample.ragged:
        remarks.append(
            f"{sample.ragged} rows of the sample have more or fewer cells than the header and are quarantined"
        )
    end = min(prepared.size, prepared.body_start + MOST_TRIED)

    def tried(text: str) -> Trial | None:
        blocks = objects.read(prepared.source, prepared.body_start, end)
        return try_draft(text, line, prepared, join_blocks(blocks, SAMPLE), sample.header)

    text = draft_contract(line, sample.header, sample.rows, remarks=remarks)
    trial = tried(text)
    if trial is None:
        if sample.total > len(sample.rows) + sample.ragged:
            seen = f"the file has about {sample.total:,} rows; those beyond the sample may differ from it"
            text = draft_contract(line, sample.header, sample.rows, remarks=[seen, *remarks])
        return text
    rows = [*sample.rows, *_telling_rows(line, prepared, sample, trial, text)]
    if len(rows) > len(sample.rows):
        trial = tried(draft_contract(line, sample.header, rows, remarks=remarks)) or trial
    refused = trial.sentences()
    whole_rows = refused.pop("", None)
    if whole_rows and not sample.ragged:
        remarks.append(whole_rows)
    if end < prepared.size:
        share = (end - prepared.body_start) / (prepared.size - prepared.body_start)
        remarks.append(
            f"the draft was tried on the first {trial.read:,} rows, {100 * share:.0f} % of the file"
        )
    late = set(trial.extra) - set(sample.header)
    if late and prepared.format == "ndjson":
        remarks.append(f"{len(late)} keys occur only in rows beyond the sample and are left out")
    checks = {
        name: f"{refused[name]}; {check}" if name in refused else check
        for name, check in calendar_checks(text, line, sample.header, sample.rows).items()
    }
    return draft_contract(
        line,
        sample.header,
        rows,
        remarks=remarks,
        found=refused | checks,
        tried=trial.read if end == prepared.size else 0,
    )


def _telling_rows(
    line: str, prepared: Prepared, sample: _Sample, trial: Trial, text: str
) -> list[Sequence[str]]:
    """Return the rows of a trial that say more than the sample and leave each column its type."""
    types = _types(text)
    often = sorted(trial.witnesses, key=lambda column: -trial.reasons[column].total())
    known = set(map(tuple, sample.rows))
    found: list[Sequence[str]] = []
    for records in (trial.extremes, *(trial.witnesses[column] for column in often[:_MOST_ATTEMPTS])):
        new = [row for row in _rows_of(prepared, sample.header, records) if tuple(row) not in known]
        rows = [*found, *new]
        if len(rows) > len(found) and types == _types(
            draft_contract(line, sample.header, [*sample.rows, *rows])
        ):
            found = rows
            known.update(map(tuple, new))
    return found


def _types(text: str) -> list[str]:
    """Return the lines of a draft that name a column or its type."""
    return [row for row in text.splitlines() if row.startswith(("      - name: ", "        logicalType: "))]


def _rows_of(prepared: Prepared, header: Sequence[str], records: Sequence[bytes]) -> list[Sequence[str]]:
    texts = [record.decode("utf-8", "replace").replace("\0", "\ufffd") for record in dict.fromkeys(records)]
    if prepared.format == "ndjson":
        cells = filter(None, map(_cells, texts))
        return [[row.get(key, "") for key in header] for row in cells]
    found = FieldReader(Dialect(prepared.delimiter)).read_all("\n".join([*texts, ""]), final=True)
    return [row.fields for row in found if row.fields is not None and len(row.fields) == len(header)]


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
        keys = dict.fromkeys(key for row in some for key in row)
        if prepared.routed is not None:
            keys.pop(ROUTING_KEY, None)
        header = tuple(islice(keys, MAX_COLUMNS))
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
