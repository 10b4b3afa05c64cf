"""The training code as one archive, whose bytes depend only on the code.

The archive holds the packages `training` and `claimwatch` of the function that publishes it.
"""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

from claimwatch.aws.objects import ModelStore

PACKAGES = ("claimwatch", "training")


def publish_training_code(objects: ModelStore, bucket: str) -> tuple[str, str]:
    """Write the archive to the bucket unless it exists; return its SHA-256 and its key."""
    archive = training_code()
    sha256 = hashlib.sha256(archive).hexdigest()
    key = f"code/{sha256}/training.tar.gz"
    if not objects.exists(bucket, key):
        objects.create(bucket, key, [archive])
    return sha256, key


def training_code() -> bytes:
    """Return the archive, a gzipped tar file."""
    packed = io.BytesIO()
    # No name, time or owner, so that the same code always gives the same bytes.
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for package in PACKAGES:
            for path, content in sorted(_files(files(package), package)):
                entry = tarfile.TarInfo(path)
                entry.size, entry.mode = len(content), 0o644
                archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _files(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.name == "__pycache__" or entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _files(entry, f"{path}/{entry.name}")
        else:
            yield f"{path}/{entry.name}", entry.read_bytes()
