"""A model's bundle where it is kept: a folder in S3, held to the hash of its manifest."""

from collections.abc import Callable
from functools import lru_cache

from claimwatch.aws.objects import ModelStore, ObjectMissing
from claimwatch.scoring.bundle import Bundle, BundleMismatch, verify

_MOST = 2
"""Bundles that are kept."""


def read_bundle(objects: ModelStore, uri: str, sha256: str) -> Bundle:
    """What serves, of the bundle in the folder ``s3://bucket/key``.

    Raises ``BundleMismatch`` where a part is missing or has other bytes than when its hash was pinned.
    """
    return Bundle.read(_reader(objects, uri), sha256)


class BundleCache:
    """Bundles that this process has read of late."""

    def __init__(self, objects: ModelStore) -> None:
        self._read = lru_cache(maxsize=_MOST)(lambda uri, sha256: read_bundle(objects, uri, sha256))

    def get(self, uri: str, sha256: str) -> Bundle:
        """The bundle, read and held to its hash when it is first needed; raises ``BundleMismatch``."""
        return self._read(uri, sha256)


def columns_of(objects: ModelStore, uri: str, sha256: str) -> set[str]:
    """The columns that a bundle's model wants, once every part of it has been held to its hash."""
    reader = _reader(objects, uri)
    verify(reader, sha256)
    return set(Bundle.read(reader, sha256).spec.kinds)


def _reader(objects: ModelStore, uri: str) -> Callable[[str], bytes]:
    bucket, _, folder = uri.removeprefix("s3://").partition("/")

    def read(name: str) -> bytes:
        try:
            return objects.newest(bucket, f"{folder.rstrip('/')}/{name}")
        except ObjectMissing as error:
            raise BundleMismatch(f"the bundle in {uri} has no {name} (any more)") from error

    return read
