"""Publication of the packaged contract for a line that has none."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any, Protocol

from claimwatch.aws.events import object_created_event
from claimwatch.aws.objects import ObjectRef
from claimwatch.domain.contract.contract import LINE_NAME
from claimwatch.ingest.contract_keys import contract_key


class Contracts(Protocol):
    """The part of S3 that publishing needs."""

    def latest(self, bucket: str, key: str) -> tuple[ObjectRef, datetime] | None:
        """Return the current version of a key and when it was stored, or None."""

    def write(self, bucket: str, key: str, blocks: Iterable[bytes]) -> ObjectRef:
        """Write a new version."""


class ContractsQueue(Protocol):
    """The queue of contracts to be applied."""

    def send(self, messages: list[Mapping[str, Any]]) -> None:
        """Send messages."""


def publish_contract(objects: Contracts, queue: ContractsQueue, bucket: str, line: str) -> bool:
    """Write the packaged contract of a line to the bucket unless one exists; return whether it was written.

    The line's contract is also announced to the queue, whoever wrote it: S3 sends no events in the first
    minutes after a bucket's creation. Applying a contract twice has one effect. Raises ``LookupError`` if no
    contract of this line ships with the code.
    """
    key = contract_key(line)
    text = packaged_contract(line)
    written = objects.latest(bucket, key) is None
    if written:
        objects.write(bucket, key, [text.encode()])
    current = objects.latest(bucket, key)
    if current is not None:
        queue.send([object_created_event(*current)])
    return written


def packaged_contract(line: str) -> str:
    """Return the text of the packaged contract of a line. Raises ``LookupError`` if there is none."""
    folder = files("claimwatch").joinpath("contracts")
    if not LINE_NAME.fullmatch(line) or not (file := folder.joinpath(f"{line}.yaml")).is_file():
        raise LookupError(f"no contract for line '{line}' ships with the code; see contracts/")
    return file.read_text("utf-8")
