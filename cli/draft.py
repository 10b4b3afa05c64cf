"""Drafting a contract from a file on this machine, as the pipeline drafts one from a dropped file."""

import tempfile
from pathlib import Path

from claimwatch.domain.files.encoding import Encoding, EncodingDetector
from claimwatch.ingest import drafting
from claimwatch.ingest.staging import SAMPLE, Prepared, prepare
from cli.local_file import LocalFiles, local_ref


def draft(path: Path, line: str) -> tuple[str, str]:
    """What the file is, in words, and the draft made from it; ``RefusedFile`` if it holds no table."""
    objects = LocalFiles()
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
        census = EncodingDetector()
        for block in objects.read(found.source, 0, SAMPLE):
            census.feed(block)
        if census.encoding() is not Encoding.UTF_8:
            found = prepared(census.encoding())
        return found.described, drafting.draft(objects, line, found)
