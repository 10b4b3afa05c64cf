"""The files that are loaded: a sample motor book with bad rows, and the same without them for raw COPY."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from claimwatch.aws.objects import ObjectRef
from claimwatch.ingest.plan import cutter
from local.filesystem_object_store import FilesystemObjectStore
from samples import Kind, write_claims
from samples.contract import MOTOR, motor_fields

BAD_SHARE = 0.01
LANDING, ARTIFACTS = "landing", "artifacts"
COLUMNS = tuple(field.name for field in motor_fields())
_BLOCK = 4 << 20


@dataclass(frozen=True)
class BookFile:
    """A file of the landing bucket; ``bad`` maps the number of each bad row to its damage."""

    ref: ObjectRef
    path: Path
    size: int
    rows: int
    bad: dict[int, Kind]

    @property
    def good(self) -> int:
        """Rows that keep the contract."""
        return self.rows - len(self.bad)


def book_file(folder: Path, rows: int, seed: int) -> BookFile:
    """The file of so many rows; written once for each version of what writes it."""
    ref = ObjectRef(LANDING, f"claims/motor/{rows}-rows-seed-{seed}-{_writer()}.csv", "1")
    path = FilesystemObjectStore(folder).path(ref)
    described = path.with_name("manifest.json")
    if not described.exists():
        path.unlink(missing_ok=True)
        manifest = write_claims(path, rows, seed=seed, bad_share=BAD_SHARE)
        damage = {damaged.row: damaged.kind for damaged in manifest.damaged}
        described.write_text(json.dumps({"rows": manifest.rows, "bad": damage}), "utf-8")
    facts = json.loads(described.read_text("utf-8"))
    bad = {int(row): Kind(kind) for row, kind in facts["bad"].items()}
    return BookFile(ref, path, path.stat().st_size, facts["rows"], bad)


def good_rows(book: BookFile) -> Path:
    """The same file without its bad rows."""
    path = book.path.with_name("good-rows.csv")
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        with unfinished.open("wb") as good:
            good.writelines(_without_bad(book))
        unfinished.replace(path)
    return path


def _without_bad(book: BookFile) -> Iterator[bytes]:
    with book.path.open("rb") as file:
        yield file.readline()
        cut = cutter(",", len(COLUMNS), places_only=True)
        row = 1
        for batch in cut.cut(iter(lambda: file.read(_BLOCK), b"")):
            if not len(batch):
                continue
            at = int(batch.starts[0])
            for index in range(len(batch)):
                if row + index in book.bad:
                    yield batch.data[at : int(batch.starts[index])]
                    at = int(batch.ends[index]) + 1
            yield batch.data[at : int(batch.ends[-1]) + 1]
            row += len(batch)


def _writer() -> str:
    """What tells one version of the generator and the contract from another."""
    sources = [MOTOR, *sorted((Path(__file__).parent.parent / "samples").glob("*.py"))]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:8]
