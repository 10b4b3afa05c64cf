"""Seals in S3, in a bucket with Object Lock: nobody can delete or change the first version of an object."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import ClientError

from claimwatch.aws.faults import aws_faults, error_code
from claimwatch.aws.objects import ObjectExists

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "seals/"
"""Prefix of the keys; each continues with the number of the seal."""

_SUFFIX = ".json"


@dataclass(frozen=True)
class SealObject:
    """The first version of a seal's object; ``touched`` if somebody overwrote or deleted it."""

    number: int
    version_id: str
    touched: bool


class SealStore(Protocol):
    """Stores each seal once."""

    def uri(self, number: int) -> str:
        """Return the address of a seal."""

    def create(self, number: int, content: bytes) -> str:
        """Store a seal and return the id of its version; raise ``ObjectExists`` if the number has one."""

    def listing(self) -> dict[int, SealObject]:
        """Return all seals by their numbers."""

    def find(self, number: int) -> SealObject | None:
        """Return a seal; None if there is none with this number."""

    def read(self, stored: SealObject) -> bytes:
        """Return the content of a seal."""


class S3SealStore:
    """The seals of a bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def uri(self, number: int) -> str:
        return f"s3://{self._bucket}/{_key(number)}"

    def create(self, number: int, content: bytes) -> str:
        try:
            with aws_faults("S3"):
                # The SDK adds the checksum that S3 demands for a bucket with Object Lock.
                stored = self._client.put_object(
                    Bucket=self._bucket,
                    Key=_key(number),
                    Body=content,
                    ContentType="application/json",
                    IfNoneMatch="*",
                )
        except ClientError as error:
            if error_code(error) != "PreconditionFailed":
                raise
            raise ObjectExists(f"{self.uri(number)} exists") from None
        return stored["VersionId"]

    def listing(self) -> dict[int, SealObject]:
        return self._listed(PREFIX)

    def find(self, number: int) -> SealObject | None:
        return self._listed(_key(number)).get(number)

    def _listed(self, prefix: str) -> dict[int, SealObject]:
        found: dict[int, SealObject] = {}
        markers: set[int] = set()
        with aws_faults("S3"):
            pages = self._client.get_paginator("list_object_versions").paginate(
                Bucket=self._bucket, Prefix=prefix
            )
            for page in pages:
                # The versions of a key are listed from the newest to the first.
                for version in page.get("Versions", ()):
                    number = _number(version["Key"])
                    if number is not None:
                        found[number] = SealObject(number, version["VersionId"], number in found)
                markers.update(
                    number
                    for marker in page.get("DeleteMarkers", ())
                    if (number := _number(marker["Key"])) is not None
                )
        return {
            number: SealObject(number, each.version_id, each.touched or number in markers)
            for number, each in found.items()
        }

    def read(self, stored: SealObject) -> bytes:
        with aws_faults("S3"):
            return self._client.get_object(
                Bucket=self._bucket, Key=_key(stored.number), VersionId=stored.version_id
            )["Body"].read()


def _key(number: int) -> str:
    return f"{PREFIX}{number}{_SUFFIX}"


def _number(key: str) -> int | None:
    """Return the number of the seal with this key; None for the key of anything else."""
    digits = key.removeprefix(PREFIX).removesuffix(_SUFFIX)
    return int(digits) if digits.isascii() and digits.isdigit() and key == _key(int(digits)) else None
