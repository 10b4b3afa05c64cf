"""Files of the stream: which keys they have, and what a record says about its own line."""

import re

from claimwatch.domain.contract.contract import LINE_NAME

ROUTING_KEY = "line"
"""The member of a record by which the stream finds the folder of its line."""

UNDELIVERED = "claims-stream-errors/"
"""The folder of records that belong to no line."""

_FAILED_OUTPUT = frozenset({"processing-failed", "format-conversion-failed"})
_ROUTED = re.compile(r"claims/([^/]+)/stream/.+")


def routed_line(key: str) -> str | None:
    """Return the line to which the stream routed the records of a file; None if it is not its file."""
    found = _ROUTED.fullmatch(key)
    return found[1] if found and LINE_NAME.fullmatch(found[1]) else None


def is_failed_output(key: str) -> bool:
    """Return whether a key is in a folder to which streams of Firehose write what they could not process.

    Those are streams of others: the one of the stack has a folder of its own, outside of those of lines.
    """
    return not _FAILED_OUTPUT.isdisjoint(key.split("/")[2:-1])


def is_undelivered(key: str) -> bool:
    """Return whether a file has records of the stream that belong to no line."""
    return key.startswith(UNDELIVERED) and not key.endswith("/")
