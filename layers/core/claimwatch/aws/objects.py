"""Objects in S3: read a version as a stream, write a stream as a new version."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypedDict

from botocore.exceptions import BotoCoreError, ClientError

from claimwatch.aws.faults import aws_faults, error_code
from claimwatch.errors import ClaimwatchError, TransientFault

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

READ_BLOCK = 1 << 20
"""Bytes of each block that a read yields."""

PART = 8 << 20
"""Bytes of a part of a multipart upload; S3 accepts no less than 5 MiB, and at most 10,000 parts."""


class _Condition(TypedDict, total=False):
    """The condition of an upload.

    ``IfNoneMatch: "*"`` requires that the key has no object yet, ``IfMatch`` that it has one with this ETag.
    """

    IfNoneMatch: str
    IfMatch: str


_MISSING = {"NoSuchKey", "NoSuchVersion", "404", "NoSuchBucket", "MethodNotAllowed"}
_DENIED = {"AccessDenied", "403"}
_OVERTAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"}


@dataclass(frozen=True)
class ObjectRef:
    """One version of one object."""

    bucket: str
    key: str
    version_id: str


class ObjectMissing(Exception):
    """The object version does not exist, or no longer exists."""


class ObjectExists(ClaimwatchError):
    """The key has an object with other bytes, and its objects are never replaced."""


class ObjectStore(Protocol):
    """The part of S3 that the use cases need."""

    def size(self, ref: ObjectRef) -> int:
        """Return the object's size in bytes; raise ``ObjectMissing`` if it does not exist."""

    def read(self, ref: ObjectRef, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes from ``start`` to ``end`` (exclusive) in blocks of any size."""

    def exists(self, bucket: str, key: str) -> bool:
        """Return whether the key has an object now."""

    def write(self, bucket: str, key: str, blocks: Iterable[bytes]) -> ObjectRef:
        """Write a new version; nothing becomes visible unless ``blocks`` ends without an error."""


class LandingStore(Protocol):
    """An object store for objects that are written again when a step is repeated, and that are not read."""

    def listed_size(self, ref: ObjectRef) -> int:
        """Return the object's size in bytes; raise ``ObjectMissing`` if it does not exist."""

    def mark(self, bucket: str, key: str) -> str | None:
        """Return a mark of the bytes that the key has now, or None if it has no object."""

    def write_unless_same(
        self, bucket: str, key: str, blocks: Iterable[bytes], mark: str | None
    ) -> ObjectRef:
        """Write a new version, unless the key's newest version has the same bytes; return the newest version.

        Nothing becomes visible unless ``blocks`` ends without an error. ``mark`` is what the key had before
        the blocks were read: if another caller has written other bytes since, ``TransientFault`` is raised.
        """


class ModelStore(ObjectStore, Protocol):
    """An object store for files that are written once, and read by key alone and then verified."""

    def newest(self, bucket: str, key: str) -> bytes:
        """Return the key's newest version; raise ``ObjectMissing`` if there is none."""

    def create(self, bucket: str, key: str, blocks: Iterable[bytes]) -> None:
        """Write the only version of a key; writing the same bytes again changes nothing.

        Raises ``ObjectExists`` if the key has an object with other bytes.
        """


def read_whole(objects: ObjectStore, ref: ObjectRef, most: int) -> bytes | None:
    """Return the bytes of an object; None if it has more than ``most``."""
    content = bytearray()
    for block in objects.read(ref):
        content += block
        if len(content) > most:
            return None
    return bytes(content)


class S3Objects:
    """Objects in S3."""

    def __init__(self, client: "S3Client") -> None:
        self._client = client

    def size(self, ref: ObjectRef) -> int:
        with self._reading(ref.bucket, ref.key, ref.version_id):
            head = self._client.head_object(Bucket=ref.bucket, Key=ref.key, VersionId=ref.version_id)
        return head["ContentLength"]

    def read(self, ref: ObjectRef, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        if end is not None and end <= start:
            return
        span = f"bytes={start}-{'' if end is None else end - 1}"
        try:
            with self._reading(ref.bucket, ref.key, ref.version_id):
                body = self._client.get_object(
                    Bucket=ref.bucket, Key=ref.key, VersionId=ref.version_id, Range=span
                )["Body"]
                yield from body.iter_chunks(READ_BLOCK)
        except ClientError as error:
            if error_code(error) != "InvalidRange":  # the object ends before ``start``
                raise

    def newest(self, bucket: str, key: str) -> bytes:
        with self._reading(bucket, key):
            return self._client.get_object(Bucket=bucket, Key=key)["Body"].read()

    def latest(self, bucket: str, key: str) -> tuple[ObjectRef, datetime] | None:
        """Return the current version of a key and when it was stored; None if it is missing or deleted."""
        with _s3_faults(bucket):
            found = self._client.list_object_versions(Bucket=bucket, Prefix=key, MaxKeys=1)
        for version in found.get("Versions", ()):
            if version["Key"] == key and version["IsLatest"]:
                return ObjectRef(bucket, key, version["VersionId"]), version["LastModified"]
        return None

    def exists(self, bucket: str, key: str) -> bool:
        # Listed instead of HEAD: a role that may list only a prefix gets 403 for a missing key, not 404.
        with _s3_faults(bucket):
            found = self._client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        return any(item.get("Key") == key for item in found.get("Contents", ()))

    def write(self, bucket: str, key: str, blocks: Iterable[bytes]) -> ObjectRef:
        return self._upload(bucket, key, blocks, {})

    def mark(self, bucket: str, key: str) -> str | None:
        with _s3_faults(bucket):
            found = self._client.list_object_versions(Bucket=bucket, Prefix=key, MaxKeys=1)
        for version in found.get("Versions", ()):
            if version["Key"] == key and version["IsLatest"]:
                return version["ETag"]
        return None

    def write_unless_same(
        self, bucket: str, key: str, blocks: Iterable[bytes], mark: str | None
    ) -> ObjectRef:
        condition: _Condition = {"IfNoneMatch": "*"} if mark is None else {"IfMatch": mark}
        try:
            return self._upload(bucket, key, blocks, condition, unless_same=True)
        except ClientError as error:
            if error_code(error) not in _OVERTAKEN:
                raise
            raise TransientFault(f"another attempt has stored an object in s3://{bucket} meanwhile") from None

    def create(self, bucket: str, key: str, blocks: Iterable[bytes]) -> None:
        digest = hashlib.sha256()
        try:
            self._upload(bucket, key, _hashed(blocks, digest), {"IfNoneMatch": "*"})
        except ClientError as error:
            if error_code(error) != "PreconditionFailed":
                raise
            if self._sha256(bucket, key) != digest.hexdigest():
                raise ObjectExists(
                    f"s3://{bucket}/{key} exists with other bytes, and its objects are never replaced"
                ) from error

    def add(self, bucket: str, key: str, content: bytes) -> str | None:
        """Store the only version of a key and return its id; adding the same bytes again changes nothing.

        Returns None if the key has other bytes. Whether it has is read from its listing, so that the caller
        needs no permission to read objects.
        """
        with _s3_faults(bucket):
            try:
                return self._client.put_object(Bucket=bucket, Key=key, Body=content, IfNoneMatch="*")[
                    "VersionId"
                ]
            except ClientError as error:
                if error_code(error) != "PreconditionFailed":
                    raise
            found = self._client.list_object_versions(Bucket=bucket, Prefix=key, MaxKeys=1)
        # With SSE-S3, the ETag of an object that was not uploaded in parts is the MD5 of its bytes.
        etag = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
        for version in found.get("Versions", ()):
            if version["Key"] == key and version["IsLatest"]:
                return version["VersionId"] if version["ETag"] == etag else None
        raise TransientFault(f"an object in s3://{bucket} was deleted while it was being stored")

    def _sha256(self, bucket: str, key: str) -> str:
        digest = hashlib.sha256()
        with self._reading(bucket, key):
            for block in self._client.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(READ_BLOCK):
                digest.update(block)
        return digest.hexdigest()

    @contextmanager
    def _reading(self, bucket: str, key: str, version: str | None = None) -> Iterator[None]:
        """Raise ``ObjectMissing`` if the object does not exist, and the errors of ``_s3_faults``.

        S3 answers 404 for a missing object only to callers that may list the whole bucket, and 403 to all
        others. The functions may list only their prefixes. So after a 403, the listing decides whether the
        object is missing or access is denied.
        """
        with _s3_faults(bucket):
            try:
                yield
            except ClientError as error:
                code = error_code(error)
                if code in _MISSING or (code in _DENIED and not self._is_listed(bucket, key, version)):
                    raise ObjectMissing(
                        f"an object in s3://{bucket} (version {version or 'newest'}) does not exist"
                    ) from None
                raise
            except OSError as error:
                raise TransientFault(
                    f"reading an object in s3://{bucket} broke off: {type(error).__name__}"
                ) from None

    def _is_listed(self, bucket: str, key: str, version: str | None) -> bool:
        """Return whether the key, or this version of it, is listed; True if the caller may not list it."""
        try:
            if version is None:
                return self.exists(bucket, key)
            pages = self._client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
            for item in (item for page in pages for item in page.get("Versions", ())):
                if item["Key"] != key:  # keys are sorted, so the versions of this key have ended
                    return False
                if item["VersionId"] == version:
                    return True
        except ClientError as error:
            if error_code(error) in _DENIED:
                return True
            raise
        return False

    def listed_size(self, ref: ObjectRef) -> int:
        with _s3_faults(ref.bucket):
            pages = self._client.get_paginator("list_object_versions").paginate(
                Bucket=ref.bucket, Prefix=ref.key
            )
            for item in (item for page in pages for item in page.get("Versions", ())):
                if item["Key"] != ref.key:  # keys are sorted, so the versions of this key have ended
                    break
                if item["VersionId"] == ref.version_id:
                    return item["Size"]
        raise ObjectMissing(f"an object in s3://{ref.bucket} (version {ref.version_id}) does not exist")

    def _same_version(self, bucket: str, key: str, etags: list[str]) -> ObjectRef | None:
        """Return the newest version of the key if it was uploaded in parts with these ETags, or None.

        It is read from the listing, so that the caller needs no permission to read objects.
        """
        found = self._client.list_object_versions(Bucket=bucket, Prefix=key, MaxKeys=1)
        for version in found.get("Versions", ()):
            if version["Key"] == key and version["IsLatest"] and version["ETag"] == _etag_of_parts(etags):
                return ObjectRef(bucket, key, version["VersionId"])
        return None

    def _upload(
        self,
        bucket: str,
        key: str,
        blocks: Iterable[bytes],
        condition: "_Condition",
        *,
        unless_same: bool = False,
    ) -> ObjectRef:
        with _s3_faults(bucket):
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
                same = unless_same and self._same_version(bucket, key, [part["ETag"] for part in parts])
                if same:
                    self._client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
                    return same
                done = self._client.complete_multipart_upload(
                    Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}, **condition
                )
            except BaseException:
                self._client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
                raise
        return ObjectRef(bucket, key, done["VersionId"])


def _etag_of_parts(etags: list[str]) -> str | None:
    """Return the ETag of an object from those of its parts, or None if it cannot be told.

    With SSE-S3, the ETag of a part is the MD5 of its bytes, and that of the object is the MD5 of those.
    """
    try:
        digests = b"".join(bytes.fromhex(etag.strip('"')) for etag in etags)
    except ValueError:
        return None
    return f'"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(etags)}"'


def _hashed(blocks: Iterable[bytes], digest: "hashlib._Hash") -> Iterator[bytes]:
    """Yield the blocks, and add each to the digest."""
    for block in blocks:
        digest.update(block)
        yield block


def _parts(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Gather blocks into parts; an empty stream becomes one empty part."""
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


@contextmanager
def _s3_faults(bucket: str) -> Iterator[None]:
    """Raise ``TransientFault`` for errors that a retry may cure; other errors pass without S3's words.

    Those name the key, which may contain personal data, and errors end up in logs, traces and states.
    """
    with aws_faults(f"S3, asked for an object in s3://{bucket},"):
        try:
            yield
        except BotoCoreError as error:
            raise TransientFault(
                f"S3, asked for an object in s3://{bucket}, did not answer: {type(error).__name__}"
            ) from None
        except ClientError as error:
            redacted = error.response | {"Error": {"Code": error_code(error), "Message": f"s3://{bucket}"}}
            raise ClientError(redacted, error.operation_name) from None
