"""Exports of access events that somebody without access to the stack can verify.

An export consists of the events (NDJSON or CSV), of the seals exactly as they are in S3, one in each line,
and of a manifest with the hashes of both files.
"""

import csv
import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from claimwatch.aws.seal_store import SealStore
from claimwatch.domain.audit.raw_event import RawEvent, microseconds, moment
from claimwatch.domain.audit.seal import NO_SEAL, hash_of
from claimwatch.domain.audit.verification import Finding, StoredSeal, Verification, verify
from claimwatch.errors import RefusedData
from claimwatch.storage import audit_seals
from claimwatch.storage.connection import Database

FORMAT = 1
FIELDS = RawEvent._fields

_SEPARATOR = re.compile(r"([,;|\t\r\n])")
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20'")


def files_of(file: Path) -> tuple[Path, Path, Path]:
    """Return the files of an export: the events, the seals and the manifest."""
    return file, file.with_name(f"{file.name}.seals.ndjson"), file.with_name(f"{file.name}.manifest.json")


def export_audit(
    database: Database, seals: SealStore, file: Path, *, by: str, purpose: str
) -> dict[str, Any]:
    """Write an export and return its manifest; raise ``RefusedData`` for a name of another format."""
    writes = {".ndjson": _write_ndjson, ".csv": _write_csv}.get(file.suffix)
    if writes is None:
        raise RefusedData(f"the name of {file.name} must end with .ndjson or .csv")
    _, seals_file, manifest_file = files_of(file)
    listed = seals.listing()
    head = NO_SEAL
    with seals_file.open("xb") as written:
        for number in sorted(listed):
            content = seals.read(listed[number])
            head = hash_of(content)
            written.write(content.replace(b"\n", b" ") + b"\n")
    with database.transaction() as cursor, audit_seals.all_events(cursor) as events:
        count = writes(file, events)
    newest = listed[max(listed)] if listed else None
    manifest = {
        "format": FORMAT,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "exported_by": by,
        "purpose": purpose,
        "events": count,
        "events_sha256": _sha256(file),
        "seals": len(listed),
        "seals_sha256": _sha256(seals_file),
        "newest_seal_sha256": head.hex(),
        "newest_seal": newest and {"uri": seals.uri(newest.number), "version_id": newest.version_id},
    }
    with manifest_file.open("x", encoding="utf-8") as written_manifest:
        json.dump(manifest, written_manifest, indent=2)
        written_manifest.write("\n")
    return manifest


def verify_export(file: Path) -> Verification:
    """Verify the events of an export by the seals next to it; raise ``RefusedData`` if it cannot be read."""
    _, seals_file, manifest_file = files_of(file)
    try:
        manifest = json.loads(manifest_file.read_bytes())
        offsets = dict(_offsets(seals_file))
        with seals_file.open("rb") as opened:

            def read(number: int) -> StoredSeal:
                opened.seek(offsets[number])
                return StoredSeal(number, opened.readline().removesuffix(b"\n"))

            events = _read_csv(file) if file.suffix == ".csv" else _read_ndjson(file)
            result = verify(offsets, read, None, events)
        expected = (manifest["events_sha256"], manifest["seals_sha256"], manifest["newest_seal_sha256"])
    except (ValueError, KeyError, TypeError, csv.Error, RecursionError) as error:
        raise RefusedData(f"{file.name} is not an export of access events: {type(error).__name__}") from None
    if (_sha256(file), _sha256(seals_file), result.head.hex()) != expected:
        result.counts["seal_changed"] += 1
        sentence = "the files differ from the manifest: they are not the files that were exported"
        result.findings.append(Finding("seal_changed", sentence))
    return result


def _offsets(seals: Path) -> Iterator[tuple[int, int]]:
    """Yield number and position of each seal."""
    with seals.open("rb") as lines:
        place = 0
        for line in lines:
            yield int(json.loads(line)["number"]), place
            place += len(line)


def _write_ndjson(file: Path, events: Iterator[RawEvent]) -> int:
    count = 0
    with file.open("x", encoding="utf-8") as written:
        for event in events:
            written.write(json.dumps(_shown(event)) + "\n")
            count += 1
    return count


def _read_ndjson(file: Path) -> Iterator[RawEvent]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            fields = json.loads(line)
            yield RawEvent(**{**fields, "at": _parsed_time(fields["at"])})


def _write_csv(file: Path, events: Iterator[RawEvent]) -> int:
    count = 0
    with file.open("x", encoding="utf-8", newline="") as written:
        writer = csv.writer(written, quoting=csv.QUOTE_NOTNULL, lineterminator="\n")
        writer.writerow(FIELDS)
        for event in events:
            seq, *cells = _shown(event).values()
            writer.writerow([str(seq), *(None if cell is None else guarded(str(cell)) for cell in cells)])
            count += 1
    return count


def _read_csv(file: Path) -> Iterator[RawEvent]:
    with file.open(encoding="utf-8", newline="") as lines:
        reader = csv.reader(lines, quoting=csv.QUOTE_NOTNULL, strict=True)
        if tuple(next(reader, ())) != FIELDS:
            raise ValueError("the columns are others")
        row: list[str | None]  # an empty cell without quotes is None
        for row in reader:  # type: ignore[assignment]
            seq, at, *texts = (None if cell is None else unguarded(cell) for cell in row)
            yield RawEvent(int(seq or ""), _parsed_time(at), *texts)


def _shown(event: RawEvent) -> dict[str, Any]:
    """Return an event with its time in ISO 8601; a time outside of the calendar stays a number."""
    shown = None if event.at is None else moment(event.at)
    return {**event._asdict(), "at": shown.isoformat(timespec="microseconds") if shown else event.at}


def _parsed_time(at: Any) -> int | None:
    if at is None or isinstance(at, int):
        return at
    try:
        return microseconds(datetime.fromisoformat(at))
    except ValueError:
        return int(at)


def guarded(cell: str) -> str:
    """Return the cell, with an apostrophe in front of each part that a spreadsheet could compute.

    Unlike the guard of other exports, it can be undone: parts with an apostrophe get another one.
    """
    parts = _SEPARATOR.split(cell)
    for place in range(0, len(parts), 2):
        if parts[place].lstrip('"').startswith(_FORMULA):
            parts[place] = f"'{parts[place]}"
    if cell.startswith(_FORMULA) and not parts[0]:
        parts[0] = "'"
    return "".join(parts)


def unguarded(cell: str) -> str:
    """Return the cell that ``guarded`` was given."""
    parts = _SEPARATOR.split(cell)
    return "".join(part.removeprefix("'") if place % 2 == 0 else part for place, part in enumerate(parts))


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
