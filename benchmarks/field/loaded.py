"""Comparison of what the pipeline loads with what a generated file means."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from benchmarks.field.generated import LINE, GeneratedFile, TrueRow
from tests.integration.ingest.environment import Row, Site


@dataclass
class Tally:
    """Counts of files and rows, and what is wrong with them.

    ``wrong`` are rows with another value than the truth, rows that mean nothing and were loaded, and claims
    that exist twice or not at all. ``lost`` are plain rows that were not loaded, and files that must be
    accepted and were refused.
    """

    files: int = 0
    refused: int = 0
    read: int = 0
    loaded: int = 0
    quarantined: int = 0
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def load(site: Site, generated: GeneratedFile, tally: Tally) -> None:
    """Drop a generated file and compare the rows in PostgreSQL with the truth."""
    line = _line(site, generated)
    for earlier in generated.earlier:
        _load(site, line, earlier, tally)
    _load(site, line, generated, tally)
    if generated.claim_ids is not None:
        current = {
            row["claim_id"] for row in site.query(f"SELECT claim_id FROM claimwatch.current_claim_{line}")
        }
        for claim_id in current ^ generated.claim_ids:
            there = "is a claim and should not be" if claim_id in current else "is no claim"
            tally.wrong.append(f"{generated.name}: {claim_id!r} {there}")


def _line(site: Site, generated: GeneratedFile) -> str:
    """Apply the contract to a line; return its name. A file whose claims are counted has its own line."""
    distinct = generated.content if generated.claim_ids is not None else b""
    digest = hashlib.sha256(generated.contract.encode() + distinct).hexdigest()
    line = f"f{digest[:12]}"
    if not site.query("SELECT FROM claimwatch.contract WHERE line = %s AND status = 'applied'", line):
        applied = site.put_contract(line, generated.contract.replace(LINE, line))
        assert applied.status == "applied", f"{generated.name}: its contract was {applied}"
    return line


def _load(site: Site, line: str, generated: GeneratedFile, tally: Tally) -> None:
    file = site.drop(f"claims/{line}/{generated.name}", generated.content)
    tally.files += 1
    if file["status"] != "committed":
        tally.refused += 1
        if not generated.refusable:
            tally.lost.append(f"{generated.name}: {file['status']}: {file['error']}")
        return
    stored = site.query(f"SELECT * FROM claimwatch.claim_{line} WHERE file_id = %s", file["file_id"])
    quarantine = site.quarantine(file["file_id"])
    tally.read += file["rows_read"]
    tally.loaded += len(stored)
    tally.quarantined += len(quarantine)
    if file["rows_read"] != len(generated.rows):
        tally.wrong.append(f"{generated.name}: {file['rows_read']} rows read, {len(generated.rows)} written")
    for row in stored:
        tally.wrong += _differences(generated, row)
    for number, true in enumerate(generated.rows, 1):
        if true.plain and number in quarantine:
            tally.lost.append(f"{generated.name}, row {number}: {quarantine[number]}")


def _differences(generated: GeneratedFile, row: Row) -> list[str]:
    number = row["row_number"]
    where = f"{generated.name}, row {number}"
    true = generated.rows[number - 1] if number <= len(generated.rows) else TrueRow(None)
    if true.values is None:
        return [f"{where}: loaded, but must not be"]
    return [
        f"{where}: {name} is {row[name]!r}, should be {value!r}"
        for name, value in true.values.items()
        if not _same(row[name], value)
    ]


def _same(stored: Any, true: Any) -> bool:
    return type(stored) is type(true) and bool(stored == true)
