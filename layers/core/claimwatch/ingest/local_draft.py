"""Draft of a contract from a local file, made like the pipeline's draft from a dropped file."""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from claimwatch.aws.objects import ObjectRef
from claimwatch.domain.files.encoding import Encoding, EncodingDetector
from claimwatch.ingest import drafting
from claimwatch.ingest.local_files import LocalFiles, local_ref
from claimwatch.ingest.staging import SAMPLE, Prepared, prepare

ENOUGH = drafting.MOST_TRIED + 4 * SAMPLE
"""Bytes that are unpacked or converted: the header and the rows that a draft is tried on are within them."""


class BeginningOnly(LocalFiles):
    """Local files of which only the beginning is written, because a draft needs no more."""

    def write(self, bucket: str, key: str, blocks: Iterable[bytes]) -> ObjectRef:
        return super().write(bucket, key, _beginning(blocks))


def _beginning(blocks: Iterable[bytes]) -> Iterator[bytes]:
    written = 0
    for block in blocks:
        yield block
        written += len(block)
        if written >= ENOUGH:
            return


def draft(path: Path, line: str) -> tuple[str, str]:
    """Return a description of the file's format and a draft. Raises ``RefusedFile`` if it is not a table."""
    objects = BeginningOnly()
    with tempfile.TemporaryDirectory(prefix="claimwatch-") as folder:

        def prepared(encoding: Encoding | None) -> Prepared:
            return prepare(
                objects,
                local_ref(path),
                known_columns=(),
                staging_bucket="",
                staging_key=str(Path(folder, "staged")),
                encoding=encoding,
            )

        found = prepared(None)
        detector = EncodingDetector()
        for block in objects.read(found.source, 0, SAMPLE):
            detector.feed(block)
        if detector.encoding() is not Encoding.UTF_8:
            found = prepared(detector.encoding())
        return found.described, drafting.draft(objects, line, found)
