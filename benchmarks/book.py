"""The files that are loaded: a sample motor book with bad rows, and its good rows alone for raw COPY."""

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
    """A file in the landing bucket; ``bad`` maps the number of each bad row to its damage."""

    ref: ObjectRef
    path: Path
    size: int
    rows: int
    bad: dict[int, Kind]

    @property
    def good(self) -> int:
        """The number of rows that meet the contract."""
        return self.rows - len(self.bad)


def book_file(folder: Path, rows: int, seed: int) -> BookFile:
    """Return the file with this many rows; write it unless this version of the generator has written it."""
    ref = ObjectRef(LANDING, f"claims/motor/{rows}-rows-seed-{seed}-{_generator_version()}.csv", "1")
    path = FilesystemObjectStore(folder).path(ref)
    description = path.with_name("manifest.json")
    if not description.exists():
        path.unlink(missing_ok=True)
        written = write_claims(path, rows, seed=seed, bad_share=BAD_SHARE)
        damage = {damaged.row: damaged.kind for damaged in written.damaged}
        description.write_text(json.dumps({"rows": written.rows, "bad": damage}), "utf-8")
    manifest = json.loads(description.read_text("utf-8"))
    bad = {int(row): Kind(kind) for row, kind in manifest["bad"].items()}
    return BookFile(ref, path, path.stat().st_size, manifest["rows"], bad)


def good_rows(book: BookFile) -> Path:
    """Return the path of the same file without its bad rows; write it on the first call."""
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


def _generator_version() -> str:
    """Return a digest of the generator's source files and the contract."""
    sources = [MOTOR, *sorted((Path(__file__).parent.parent / "samples").glob("*.py"))]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:8]
