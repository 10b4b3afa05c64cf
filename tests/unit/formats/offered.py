"""Drop bytes as a file, and read the result like the rest of the pipeline."""

import csv
import io
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from claimwatch.aws.objects import READ_BLOCK, ObjectRef
from claimwatch.domain.files.encoding import Encoding
from claimwatch.domain.files.records import RecordCutter
from claimwatch.ingest.inspect import WholeFile
from claimwatch.ingest.staging import MOST_BYTES, Prepared, prepare


@dataclass(frozen=True)
class Offered:
    """Result of a dropped file. ``broken`` holds the raw text of each unreadable record."""

    prepared: Prepared
    in_place: bool
    content: bytes
    rows: list[list[str]]
    broken: list[str]


class MemoryObjects:
    """Objects in a dictionary; the version is the number of the write."""

    def __init__(self) -> None:
        self.versions: dict[ObjectRef, bytes] = {}

    def size(self, ref: ObjectRef) -> int:
        return len(self.versions[ref])

    def read(self, ref: ObjectRef, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        content = self.versions[ref][start:end]
        for at in range(0, len(content), READ_BLOCK):
            yield content[at : at + READ_BLOCK]

    def exists(self, bucket: str, key: str) -> bool:
        return any((ref.bucket, ref.key) == (bucket, key) for ref in self.versions)

    def write(self, bucket: str, key: str, blocks: Iterable[bytes]) -> ObjectRef:
        ref = ObjectRef(bucket, key, str(len(self.versions)))
        self.versions[ref] = b"".join(blocks)
        return ref


def offer(
    content: bytes,
    known: Collection[str] = (),
    *,
    encoding: Encoding | None = None,
    most_bytes: int = MOST_BYTES,
    decimal_commas: Collection[str] = (),
    key: str = "claims/motor/file",
    block: int = READ_BLOCK,
) -> Offered:
    """Prepare the content, and again if the whole of it is not what its beginning promises."""
    objects = MemoryObjects()
    ref = objects.write("landing", key, [content])

    def prepared(encoding: Encoding | None, joined: bool = False) -> tuple[Prepared, bytes]:
        done = prepare(
            objects,
            ref,
            known_columns=known,
            staging_bucket="artifacts",
            staging_key="staging/1/1",
            encoding=encoding,
            most_bytes=most_bytes,
            decimal_commas=decimal_commas,
            joined=joined,
        )
        assert done.size == objects.size(done.source)
        return done, b"".join(objects.read(done.source, done.body_start, done.size))

    done, content = prepared(encoding)
    seen = WholeFile(done)
    for at in range(0, len(content), block):
        seen.feed(content[at : at + block])
    if seen.encoding() is not Encoding.UTF_8 or seen.joined:
        done, content = prepared(seen.encoding(), seen.joined)
    return Offered(done, done.source == ref, content, *read(done, content))


def read(prepared: Prepared, content: bytes) -> tuple[list[list[str]], list[str]]:
    """Return the cells of readable records, and the raw text of unreadable ones."""
    cutter = RecordCutter(
        prepared.delimiter.encode() if prepared.format == "csv" else None, len(prepared.header)
    )
    rows, broken = list[list[str]](), list[str]()
    for batch in cutter.cut([content]):
        broken += [batch.raw(index) for index in batch.broken]
        text = batch.text().decode()
        if prepared.format == "ndjson":
            records = [[line] for line in text.split("\n")[:-1]]
        else:
            records = [*csv.reader(io.StringIO(text, newline=""), delimiter=prepared.delimiter, strict=True)]
        rows += [row for index, row in enumerate(records) if index not in batch.broken]
    return rows, broken


def written(rows: Collection[list[str]], **dialect: Any) -> str:
    """Return a table as written by Python's csv module."""
    text = io.StringIO()
    csv.writer(text, **({"lineterminator": "\n"} | dialect)).writerows(rows)
    return text.getvalue()
