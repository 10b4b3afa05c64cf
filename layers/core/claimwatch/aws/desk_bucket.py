"""The bucket of the web application. CloudFront reads what is below ``site/``, and nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Protocol

from claimwatch.aws.faults import aws_faults

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SITE = "site/"
RECORD = "published.json"

_MOST = 1000
"""Keys that one request may delete."""


@dataclass(frozen=True)
class DeskFile:
    """A file as browsers get it."""

    name: str
    content: bytes
    content_type: str
    cache_control: str


class DeskStore(Protocol):
    """Stores the files that browsers may ask for, and a record of them that they may not."""

    def record(self) -> bytes | None:
        """Return the record of an earlier deployment; None before the first."""

    def put_record(self, record: bytes) -> None:
        """Replace the record."""

    def put(self, file: DeskFile) -> None:
        """Write a file."""

    def remove(self, names: Iterable[str]) -> None:
        """Remove files; one that does not exist counts as removed."""

    def clear(self) -> None:
        """Remove everything, the record too."""


class S3DeskStore:
    """The files of the web application, and the record of them."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def record(self) -> bytes | None:
        if RECORD not in self._keys(RECORD):
            return None
        with aws_faults("S3"):
            return self._client.get_object(Bucket=self._bucket, Key=RECORD)["Body"].read()

    def put_record(self, record: bytes) -> None:
        with aws_faults("S3"):
            self._client.put_object(
                Bucket=self._bucket, Key=RECORD, Body=record, ContentType="application/json"
            )

    def put(self, file: DeskFile) -> None:
        with aws_faults("S3"):
            self._client.put_object(
                Bucket=self._bucket,
                Key=SITE + file.name,
                Body=file.content,
                ContentType=file.content_type,
                CacheControl=file.cache_control,
            )

    def remove(self, names: Iterable[str]) -> None:
        self._delete(SITE + name for name in names)

    def clear(self) -> None:
        self._delete(self._keys(""))

    def _keys(self, prefix: str) -> list[str]:
        with aws_faults("S3"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return [item["Key"] for page in pages for item in page.get("Contents", ())]

    def _delete(self, keys: Iterable[str]) -> None:
        for some in batched(keys, _MOST, strict=False):
            with aws_faults("S3"):
                answer = self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in some], "Quiet": True}
                )
            if errors := answer.get("Errors"):
                raise RuntimeError(f"{len(errors)} objects of the desk were not deleted: {errors[0]['Code']}")
