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


KNOWN: tuple[Known, ...] = (
    Known(
        "M7: a notification quotes the key",
        ("keys/M7-escape-sequence-in-a-name",),
        frozenset({"SNS rejects the subject of a notice", "a notice is not printable"}),
    ),
    Known("M8: deeply nested NDJSON", ("json/M8-nested",), frozenset({"RecursionError in inspect._keys"})),
    Known(
        "M9: a key with a control character",
        ("json/M9-control-character-in-key", "json/M9-separator-in-key"),
        frozenset({"EngineFault in duckdb_errors.redact_duckdb_errors"}),
    ),
    Known("M13: thousands of equal names", ("csv/M13-equal-names",), frozenset({"the reading hangs"})),
    Known("M14: an open quote in a draft", ("csv/M14-open-quote",), frozenset({"Error in drafting.draft"})),
)

FINDINGS = {file: known.finding for known in KNOWN for file in known.files}


def is_known(target: str, signature: str) -> bool:
    """Return whether a crash of this target is known; of files of claims, each may contain any other."""
    targets = {file.split("/")[0] for known in KNOWN if signature in known.signatures for file in known.files}
    return target in targets or (
        bool(targets & {"csv", "json"}) and target in {"csv", "json", "gzip", "parquet"}
    )
