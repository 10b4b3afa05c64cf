"""An object store in a folder, for tests and benchmarks that do not need S3."""

import filecmp
import hashlib
import itertools
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

from claimwatch.aws.objects import READ_BLOCK, ObjectExists, ObjectMissing, ObjectRef
from claimwatch.errors import TransientFault


class FilesystemObjectStore:
    """Stores every version of an object as a file: ``<bucket>/<quoted key>/<version>``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def size(self, ref: ObjectRef) -> int:
        """Return the size of a version in bytes."""
        path = self.path(ref)
        if not path.is_file():
            raise ObjectMissing(f"s3://{ref.bucket}/{ref.key} (version {ref.version_id}) does not exist")
        return path.stat().st_size

    def listed_size(self, ref: ObjectRef) -> int:
        """Return the size of a version in bytes."""
        return self.size(ref)

    def read(self, ref: ObjectRef, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Read the bytes from ``start`` to ``end`` (exclusive) in blocks."""
        remaining = max(0, min(self.size(ref), self.size(ref) if end is None else end) - start)
        with self.path(ref).open("rb") as file:
            file.seek(start)
            while remaining and (block := file.read(min(remaining, READ_BLOCK))):
                remaining -= len(block)
                yield block

    def newest(self, bucket: str, key: str) -> bytes:
        """Return all bytes of the newest version."""
        folder = self.path(ObjectRef(bucket, key, ""))
        versions = [int(path.name) for path in folder.glob("[0-9]*")]
        if not versions:
            raise ObjectMissing(f"s3://{bucket}/{key} does not exist")
        return (folder / str(max(versions))).read_bytes()

    def exists(self, bucket: str, key: str) -> bool:
        """Return whether the key has any version."""
        return any(self.path(ObjectRef(bucket, key, "1")).parent.glob("[0-9]*"))

    def write(self, bucket: str, key: str, blocks: Iterable[bytes]) -> ObjectRef:
        """Write a new version, which becomes visible only if ``blocks`` ends without an error."""
        return self.store(bucket, key, blocks, None)

    def store(self, bucket: str, key: str, blocks: Iterable[bytes], version: int | None) -> ObjectRef:
        """Write a new version; raise ``TransientFault`` if it cannot have the wanted number."""
        folder = self.path(ObjectRef(bucket, key, ""))
        folder.mkdir(parents=True, exist_ok=True)
        # The name is unique: another writer may write the same key now, or may have been killed doing so.
        unfinished = folder / f"unfinished-{os.getpid()}-{threading.get_ident()}"
        unfinished.unlink(missing_ok=True)
        try:
            with unfinished.open("wb") as file:
                file.writelines(blocks)
            for number in itertools.count(version or 1):  # a version is never overwritten
                try:
                    (folder / str(number)).hardlink_to(unfinished)
                    return ObjectRef(bucket, key, str(number))
                except FileExistsError:
                    if version is not None:
                        raise TransientFault("another attempt has stored the object meanwhile") from None
        finally:
            unfinished.unlink(missing_ok=True)
        raise AssertionError("unreachable: itertools.count never ends")

    def mark(self, bucket: str, key: str) -> str | None:
        """Return a mark of the bytes that the key has now, or None if it has no object."""
        newest = self._newest_version(bucket, key)
        if not newest:
            return None
        with self.path(ObjectRef(bucket, key, str(newest))).open("rb") as file:
            return f"{hashlib.file_digest(file, 'sha256').hexdigest()} {newest}"

    def write_unless_same(
        self, bucket: str, key: str, blocks: Iterable[bytes], mark: str | None
    ) -> ObjectRef:
        """Write a new version, unless the newest version has the same bytes; return the newest version.

        Raises ``TransientFault`` if another caller has written other bytes since ``mark`` was taken.
        """
        expected = int(mark.rpartition(" ")[2]) if mark else 0
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.folder) as spool:
            spool.writelines(blocks)
            spool.flush()
            newest = self._newest_version(bucket, key)
            if newest:
                path = self.path(ObjectRef(bucket, key, str(newest)))
                if filecmp.cmp(path, spool.name, shallow=False):
                    return ObjectRef(bucket, key, str(newest))
            spool.seek(0)
            return self.store(bucket, key, iter(partial(spool.read, READ_BLOCK), b""), expected + 1)

    def _newest_version(self, bucket: str, key: str) -> int:
        folder = self.path(ObjectRef(bucket, key, ""))
        return max((int(path.name) for path in folder.glob("[0-9]*")), default=0)

    def create(self, bucket: str, key: str, blocks: Iterable[bytes]) -> None:
        """Write the only version of a key; writing the same bytes again changes nothing."""
        content = b"".join(blocks)
        if not self.exists(bucket, key):
            self.write(bucket, key, [content])
        elif self.newest(bucket, key) != content:
            raise ObjectExists(f"s3://{bucket}/{key} exists with other bytes")

    def add(self, bucket: str, key: str, content: bytes) -> str | None:
        """Write the only version of a key and return its id; return None if the key has other bytes."""
        path = self.path(ObjectRef(bucket, key, "1"))
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.parent / f"unfinished-{os.getpid()}-{threading.get_ident()}"
        unfinished.write_bytes(content)
        try:
            path.hardlink_to(unfinished)
        except FileExistsError:
            return "1" if self.newest(bucket, key) == content else None
        finally:
            unfinished.unlink()
        return "1"

    def path(self, ref: ObjectRef) -> Path:
        """Return the path of a version."""
        return self.folder / ref.bucket / quote(ref.key, safe="") / ref.version_id
