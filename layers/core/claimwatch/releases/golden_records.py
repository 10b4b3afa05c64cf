"""Records of how a release answered golden claims: a later rollback to it has to answer alike."""

import json
from dataclasses import dataclass
from typing import Protocol

from claimwatch.aws.objects import ObjectMissing
from claimwatch.aws.published import Pointer
from claimwatch.domain.releases.answers import Prints, from_json, to_json

FORMAT = 1


class RecordStore(Protocol):
    """The part of S3 that records need."""

    def newest(self, bucket: str, key: str) -> bytes:
        """Return the key's newest version; raise ``ObjectMissing`` if there is none."""

    def exists(self, bucket: str, key: str) -> bool:
        """Return whether the key has an object now."""

    def write(self, bucket: str, key: str, blocks: list[bytes]) -> object:
        """Write a new version of a key."""


@dataclass(frozen=True)
class Subject:
    """What was asked: golden claims of a model, under a contract."""

    contract: Pointer
    champion: Pointer


class GoldenRecords:
    """Records in the artifact bucket, by tree, line and bundle. They hold fingerprints, and no value."""

    def __init__(self, objects: RecordStore, bucket: str) -> None:
        self._objects = objects
        self._bucket = bucket

    def find(self, tree_sha256: str, subject: Subject) -> Prints | None:
        """Return how a tree answered; None if it was not asked, or under another contract."""
        try:
            content = self._objects.newest(self._bucket, _key(tree_sha256, subject))
        except ObjectMissing:
            return None
        record = json.loads(content)
        if record.get("format") != FORMAT or record.get("contract_sha256") != subject.contract.sha256:
            return None
        return from_json(record["members"])

    def put(self, tree_sha256: str, subject: Subject, prints: Prints) -> None:
        """Store how a tree answered, in place of an earlier record."""
        record = {
            "format": FORMAT,
            "line": subject.champion.line,
            "model_version": subject.champion.version,
            "bundle_sha256": subject.champion.sha256,
            "contract_version": subject.contract.version,
            "contract_sha256": subject.contract.sha256,
            "members": to_json(prints),
        }
        self._objects.write(self._bucket, _key(tree_sha256, subject), [json.dumps(record).encode()])

    def was_released(self, tree_sha256: str) -> bool:
        """Return whether a tree has had traffic, or was allowed to."""
        return self._objects.exists(self._bucket, _release_key(tree_sha256))

    def put_release(self, tree_sha256: str) -> None:
        """Store that a tree has traffic, or may have it."""
        if not self.was_released(tree_sha256):
            record = {"format": FORMAT, "tree_sha256": tree_sha256}
            self._objects.write(self._bucket, _release_key(tree_sha256), [json.dumps(record).encode()])


def _release_key(tree_sha256: str) -> str:
    return f"releases/{tree_sha256}/release.json"


def _key(tree_sha256: str, subject: Subject) -> str:
    return f"releases/{tree_sha256}/{subject.champion.line}-{subject.champion.sha256}.json"
