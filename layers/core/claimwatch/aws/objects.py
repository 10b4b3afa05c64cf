"""Objects in S3: read a version as a stream, write a stream as an object."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from claimwatch.errors import TransientFault

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

READ_BLOCK = 1 << 20
"""Bytes handed on at a time."""

PART = 8 << 20
"""Bytes of a multipart upload's part; S3 takes no less than 5 MiB, and 10,000 parts at most."""

_GONE = {"NoSuchKey", "NoSuchVersion", "404", "NoSuchBucket", "MethodNotAllowed"}


@dataclass(frozen=True)
class ObjectRef:
    """One version of one object."""

    bucket: str
    key: str
    version_id: str


class ObjectMissing(Exception):
    """The version is not there (any more)."""


class ObjectStore(Protocol):
    """What the use cases need of S3."""

    def size(self, ref: ObjectRef) -> int:
        """Bytes of the object; ``ObjectMissing`` if it is gone."""

    def read(self, ref: ObjectRef, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from ``start`` to ``end`` (exclusive) in blocks of any size."""

    def exists(self, bucket: str, key: str) -> bool:
        """Whether there is an object of this key now."""

    def write(self, bucket: str, key: str, blocks: Iterable[bytes]) -> ObjectRef:
        """Write a new version; nothing becomes visible unless ``blocks`` ends without an error."""


class ModelStore(ObjectStore, Protocol):
    """Where models are kept: their parts are asked for by name, and held to their hashes."""

    def newest(self, bucket: str, key: str) -> bytes:
        """All bytes of the key's newest version; ``ObjectMissing`` if there is none."""


class S3Objects:
    """The object store that S3 is."""

    def __init__(self, client: "S3Client") -> None:
        self._client = client

    def size(self, ref: ObjectRef) -> int:
        try:
            head = self._client.head_object(Bucket=ref.bucket, Key=ref.key, VersionId=ref.version_id)
        except (ClientError, BotoCoreError) as error:
            raise _translated(error, ref) from error
        return head["ContentLength"]

    def read(self, ref: ObjectRef, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        if end is not None and end <= start:
            return
        span = f"bytes={start}-{'' if end is None else end - 1}"
        try:
            body = self._client.get_object(
                Bucket=ref.bucket, Key=ref.key, VersionId=ref.version_id, Range=span
            )["Body"]
            yield from body.iter_chunks(READ_BLOCK)
        except ClientError as error:
            if error.response["Error"]["Code"] == "InvalidRange":  # the object ends before ``start``
                return
            raise _translated(error, ref) from error
        except (BotoCoreError, OSError) as error:
            raise TransientFault(f"reading s3://{ref.bucket}/{ref.key} broke off: {error}") from error

    def newest(self, bucket: str, key: str) -> bytes:
        try:
            return self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise _translated(error, ObjectRef(bucket, key, "newest")) from error
        except OSError as error:
            raise TransientFault(f"reading s3://{bucket}/{key} broke off: {error}") from error

    def exists(self, bucket: str, key: str) -> bool:
        # Listed, not asked for by HEAD: who may list only a prefix is told "forbidden" of what is not there.
        try:
            found = self._client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        except (ClientError, BotoCoreError) as error:
            raise _translated(error, ObjectRef(bucket, key, "")) from error
        return any(item.get("Key") == key for item in found.get("Contents", ()))

    def write(self, bucket: str, key: str, blocks: Iterable[bytes]) -> ObjectRef:
        upload = self._client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
        try:
            parts: list[CompletedPartTypeDef] = [
                {
                    "PartNumber": number,
                    "ETag": self._client.upload_part(
                        Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=part
                    )["ETag"],
                }
                for number, part in enumerate(_parts(blocks), start=1)
            ]
            done = self._client.complete_multipart_upload(
                Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
            )
        except BaseException as error:
            self._client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
            if isinstance(error, ClientError | BotoCoreError):
                raise _translated(error, ObjectRef(bucket, key, "")) from error
            raise
        return ObjectRef(bucket, key, done["VersionId"])


def _parts(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Blocks gathered into parts; an empty stream is one empty part."""
    pending = bytearray()
    sent = False
    for block in blocks:
        pending += block
        while len(pending) >= PART:
            yield bytes(pending[:PART])
            sent = True
            del pending[:PART]
    if pending or not sent:
        yield bytes(pending)


def _translated(error: ClientError | BotoCoreError, ref: ObjectRef) -> Exception:
    """Ours for theirs: what is gone is gone, what S3 or the network did passes, and denial is a bug."""
    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        if code in _GONE:
            return ObjectMissing(f"s3://{ref.bucket}/{ref.key} (version {ref.version_id}) is not there")
        if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500 and code not in {
            "SlowDown",
            "RequestTimeout",
            "Throttling",
            "ThrottlingException",
        }:
            return error
    return TransientFault(f"S3 did not answer for s3://{ref.bucket}/{ref.key}: {error}")
