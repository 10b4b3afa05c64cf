"""Bundles in S3: each is a folder, verified against the hash of its manifest."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from claimwatch.aws.objects import ModelStore, ObjectMissing
from claimwatch.scoring.bundle import Bundle, BundleMismatch, verified_files, verify

_CACHED = 2
"""Bundles kept in memory."""


def read_bundle(objects: ModelStore, uri: str, sha256: str) -> Bundle:
    """Read the bundle in the folder ``s3://bucket/key``, without cards and plots.

    Raises ``BundleMismatch`` if a part is missing or differs from the promoted one.
    """
    return Bundle.read(_reader(objects, uri), sha256)


class BundleCache:
    """LRU cache of bundles."""

    def __init__(self, objects: ModelStore) -> None:
        self._read = lru_cache(maxsize=_CACHED)(lambda uri, sha256: read_bundle(objects, uri, sha256))

    def get(self, uri: str, sha256: str) -> Bundle:
        """Return the bundle, read and verified on first use; raises ``BundleMismatch``."""
        return self._read(uri, sha256)


def columns_of(objects: ModelStore, uri: str, sha256: str) -> set[str]:
    """Verify every part of a bundle, and return the columns that its model needs."""
    reader = _reader(objects, uri)
    verify(reader, sha256)
    return set(Bundle.read(reader, sha256).spec.kinds)


def download_bundle(objects: ModelStore, uri: str, sha256: str, folder: Path) -> None:
    """Write every file of a bundle to a new folder, once all of them are verified.

    Raises ``BundleMismatch``, and then writes nothing.
    """
    files = dict(verified_files(_reader(objects, uri), sha256))
    folder.mkdir()
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)


def _reader(objects: ModelStore, uri: str) -> Callable[[str], bytes]:
    bucket, _, folder = uri.removeprefix("s3://").partition("/")

    def read(name: str) -> bytes:
        try:
            return objects.newest(bucket, f"{folder.rstrip('/')}/{name}")
        except ObjectMissing as error:
            raise BundleMismatch(f"the bundle in {uri} has no {name}") from error

    return read
