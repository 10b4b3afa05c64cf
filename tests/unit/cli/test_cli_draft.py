"""`claimwatch infer` reads the beginning of a file only, however much it unpacks to."""

import gzip
from collections.abc import Iterable
from pathlib import Path

import pytest

from claimwatch.aws.objects import ObjectRef
from cli import draft
from cli.local_file import LocalFiles


def test_a_draft_unpacks_the_beginning_of_a_file_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    write = LocalFiles.write

    def counting(files: LocalFiles, bucket: str, key: str, blocks: Iterable[bytes]) -> ObjectRef:
        ref = write(files, bucket, key, blocks)
        written.append(files.size(ref))
        return ref

    monkeypatch.setattr(LocalFiles, "write", counting)
    path = tmp_path / "claims.csv.gz"
    row = b"C%07d,2026-03-01,12.50\n"
    path.write_bytes(gzip.compress(b"claim_id,day,amount\n" + b"".join(row % n for n in range(700_000)), 1))
    described, text = draft.draft(path, "glass")
    assert described == "csv, gzip"
    assert "name: amount" in text
    assert written
    assert max(written) <= draft.ENOUGH + (1 << 20)
