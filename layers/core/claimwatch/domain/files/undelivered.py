"""Files of records that the stream could not route: how many there are, why, and their content.

Firehose writes a JSON document for each record on a line of its own: the code of the error and, in base64,
the record. A message names codes and numbers only, because a record has personal data.
"""

import base64
import binascii
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from claimwatch.domain.files.file_format import GZIP
from claimwatch.errors import RefusedFile

LONGEST_LINE = 4 << 20
"""Bytes of a line: a record has at most 1,000 KiB, which base64 makes a third longer."""

MOST_CODES = 5
"""Different codes that a sentence lists."""

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,39}(?:\.[A-Za-z][A-Za-z0-9]{0,59})?")
_PIECE = 1 << 20
UNKNOWN = "unknown"


@dataclass(frozen=True)
class UndeliveredRecord:
    """A record with the code of the error; ``data`` is None if the line about it is damaged."""

    number: int
    code: str
    data: bytes | None


def describe_undelivered(blocks: Iterable[bytes]) -> str:
    """Return a sentence about a file: the number of its records, the codes, and what to do."""
    codes = Counter(record.code for record in undelivered_records(blocks))
    total = codes.total()
    if not total:
        return "the file of records that belong to no line is empty: there is nothing to do"
    listed = ", ".join(f"{number:,} {code}" for code, number in codes.most_common(MOST_CODES))
    more = f", {len(codes) - MOST_CODES} other codes" if len(codes) > MOST_CODES else ""
    return (
        f"{total:,} record{'' if total == 1 else 's'} of the stream could not be routed ({listed}{more}): "
        "each must be a JSON object whose member 'line' is the name of a line; correct their sender, and "
        "send them again with `claimwatch stream replay`"
    )


def undelivered_records(blocks: Iterable[bytes]) -> Iterator[UndeliveredRecord]:
    """Yield the records of a file, which may be compressed, in bounded memory.

    Raises ``RefusedFile`` if the file is damaged.
    """
    for number, line in enumerate(filter(None, map(bytes.strip, _lines(_unpacked(blocks)))), start=1):
        yield _record(number, line)


def _record(number: int, line: bytes) -> UndeliveredRecord:
    try:
        described = json.loads(line)
        code = described.get("errorCode")
        data = base64.b64decode(described["rawData"], validate=True)
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError, binascii.Error):
        return UndeliveredRecord(number, UNKNOWN, None)
    known = isinstance(code, str) and _CODE.fullmatch(code) is not None
    return UndeliveredRecord(number, code if known else UNKNOWN, data)


def _lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines; of one that is too long, the beginning."""
    pending, skipping = bytearray(), False
    for block in blocks:
        *whole, rest = block.split(b"\n")
        for part in whole:
            if not skipping:
                yield bytes(pending + part)
            pending.clear()
            skipping = False
        if not skipping:
            pending += rest
            if len(pending) > LONGEST_LINE:
                yield bytes(pending[:_PIECE])
                pending.clear()
                skipping = True
    if pending:
        yield bytes(pending)


def _unpacked(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the content; members of gzip may follow each other."""
    unpacker = None
    for position, block in enumerate(blocks):
        if position == 0 and block.startswith(GZIP):
            unpacker = zlib.decompressobj(31)
        if unpacker is None:
            yield block
            continue
        data = block
        try:
            while data:
                if unpacker.eof:
                    unpacker = zlib.decompressobj(31)
                yield unpacker.decompress(data, _PIECE)
                data = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
        except zlib.error as error:
            raise RefusedFile(
                "the file of records that belong to no line is damaged: not valid gzip"
            ) from error
    if unpacker is not None and not unpacker.eof:
        raise RefusedFile("the file of records that belong to no line is damaged: its end is missing")
