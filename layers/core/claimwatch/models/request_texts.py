"""Rules for the texts of requests to train or promote a model; they are stored permanently."""

import re

from claimwatch.domain.contract.contract import LINE_NAME
from claimwatch.errors import RefusedData

NAME_LIMIT = 200
REASON_LIMIT = 2000
"""Characters."""

_VERSION = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ID = re.compile(r"[ -~]{1,64}")  # EC2 accepts 64 characters as a client token


def check_line(line: str) -> None:
    """Refuse a text that is not the name of a line."""
    if not LINE_NAME.fullmatch(line):
        raise RefusedData("'line' is not the name of a line of business")


def check_version(version: str) -> None:
    """Refuse a text that is not the version of a model."""
    if not _VERSION.fullmatch(version):
        raise RefusedData("'version' must have 1 to 64 letters, digits, '.', '_' or '-'")


def check_id(request_id: str) -> None:
    """Refuse a text that cannot be the id of a request."""
    if not _ID.fullmatch(request_id):
        raise RefusedData("the id of a request must have 1 to 64 printable characters of ASCII")


def check_name(field: str, name: str) -> None:
    """Refuse a name of a person or of a system that is blank, too long or not printable."""
    if not name.strip() or len(name) > NAME_LIMIT or not name.isprintable():
        raise RefusedData(f"'{field}' must be a name of 1 to {NAME_LIMIT} printable characters")


def check_reason(why: str) -> None:
    """Refuse a reason that is blank, too long or not printable."""
    if not why.strip() or len(why) > REASON_LIMIT or not why.isprintable():
        raise RefusedData(
            f"give a reason (why) of 1 to {REASON_LIMIT:,} printable characters, on one line:"
            " it is stored permanently"
        )
