"""Trial of a draft: what the loader refuses of the sample from which the draft was made."""

from collections import Counter

from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.files.header import csv_layout, ndjson_layout
from claimwatch.errors import RefusedContract, RefusedFile
from claimwatch.ingest.plan import cutter
from claimwatch.ingest.staging import Prepared
from claimwatch.ingest.validation import Validator

MOST_COLUMNS = 400
"""Columns of the widest table that is tried: DuckDB takes 32 KiB of memory for each expression."""


def refusals(
    text: str, line: str, prepared: Prepared, sample: bytes, keys: tuple[str, ...]
) -> dict[str, str]:
    """Return what the loader refuses of the sample by this draft, as a sentence for each column by name.

    The sentence on whole rows has the name "". ``keys`` are those of NDJSON. A draft that lacks something,
    such as the identifier, is not tried.
    """
    if len(prepared.header or keys) > MOST_COLUMNS:
        return {}
    try:
        contract = parse_contract(text, line)
        if prepared.format == "csv":
            layout = csv_layout(contract, prepared.header, prepared.delimiter)
        else:
            layout = ndjson_layout(contract, keys)
    except (RefusedContract, RefusedFile):
        return {}
    cut = cutter(layout.delimiter, len(layout.fields))
    records = cut.cut([sample])
    read = 0
    found: dict[str, Counter[str]] = {}
    with Validator(layout, b"trial") as validator:
        while (result := validator.check(records, read + 1)).read:
            read += result.read
            for row in result.refused:
                for problem in row.problems:
                    found.setdefault(problem.column or "", Counter())[problem.message] += 1
    return {column: _refused(messages, read) for column, messages in found.items()}


def _refused(messages: Counter[str], read: int) -> str:
    ((message, _),) = messages.most_common(1)
    return f"{messages.total()} of {read} rows of the sample are quarantined: {message}"
