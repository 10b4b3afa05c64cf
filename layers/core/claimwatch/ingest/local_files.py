"""Local files that are read like objects of S3."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from claimwatch.aws.objects import READ_BLOCK, ObjectMissing, ObjectRef


class LocalFiles:
    """An object store whose keys are paths, without buckets and versions."""

    def size(self, ref: ObjectRef) -> int:
        try:
            return Path(ref.key).stat().st_size
        except FileNotFoundError as error:
            raise ObjectMissing(f"{ref.key} does not exist") from error

    def read(self, ref: ObjectRef, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        left = max(0, (self.size(ref) if end is None else end) - start)
        with Path(ref.key).open("rb") as file:
            file.seek(start)
            while left and (block := file.read(min(left, READ_BLOCK))):
                left -= len(block)
                yield block

    def exists(self, bucket: str, key: str) -> bool:
        return Path(bucket, key).exists()

    def write(self, bucket: str, key: str, blocks: Iterable[bytes]) -> ObjectRef:
        with Path(key).open("wb") as file:
            file.writelines(blocks)
        return ObjectRef(bucket, key, "")


def local_ref(path: Path) -> ObjectRef:
    """Return the reference of a local file."""
    return ObjectRef("", str(path), "")


def blocks_of(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file."""
    return LocalFiles().read(local_ref(path))
