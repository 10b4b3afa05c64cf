"""Crashes that are known and not yet fixed: tests expect them, and fail when they no longer happen.

Whoever fixes one removes its entry; its file stays in the corpus.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """A known crash: the finding, its signatures, and the files of the corpus that reproduce it."""

    finding: str
    files: tuple[str, ...]
    signatures: frozenset[str]


KNOWN: tuple[Known, ...] = ()

_FILES = {"csv", "json", "gzip", "parquet"}

FINDINGS = {file: known.finding for known in KNOWN for file in known.files}


def is_known(target: str, signature: str) -> bool:
    """Return whether a crash of this target is known; of files of claims, each may contain any other."""
    found = {file.split("/")[0] for known in KNOWN if signature in known.signatures for file in known.files}
    return target in found or (target in _FILES and bool(found & _FILES))
