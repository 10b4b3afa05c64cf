"""Whether a JPEG contains its whole picture.

libjpeg fills what is missing with gray, and reports that only as a warning that Pillow does not pass on. Many
cameras and gateways, on the other hand, leave off the end marker, and then every pixel is there.
"""

import re
from collections.abc import Callable, Iterator
from hashlib import shake_128
from math import ceil

from claimwatch.domain.photos.jpeg.segments import END_MARKER, Scan, Structure, parse

_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_PADDING = 64
"""Bytes at the end of a file in which the end marker is looked for before the file is parsed."""
_FILLER = bytes(1 + byte % 254 for byte in shake_128(b"filler").digest(4096))
_FILLERS = (_FILLER, bytes(255 - byte for byte in _FILLER), b"\x33" * 4096)
"""Continuations of entropy-coded data without markers. The first two differ in every bit, and are irregular:
decoders of regular ones soon read the same values again."""


class Incomplete(Exception):
    """The JPEG ends before its picture is complete."""


def completed(data: bytes, checksum: Callable[[bytes], int]) -> bytes:
    """Return the JPEG with an end marker; raises ``Incomplete`` if pixels are missing.

    A picture without an end marker is complete if its scans contain every bit of every coefficient, and no
    pixel depends on the bits that follow: different fillers in their place give the same picture.
    ``checksum`` decodes a JPEG in full and returns a checksum of its pixels.
    """
    if data[-_PADDING:].rstrip(b"\0\r\n ").endswith(END_MARKER):
        return data
    structure = parse(data)
    if structure.end is not None:
        return data
    if structure.scans and _has_every_coefficient(structure):
        for body in _bodies(data):
            if _ends_with_its_pixels(body, structure, checksum):
                return body + END_MARKER
    raise Incomplete


def check_end(data: bytes, checksum: Callable[[bytes], int]) -> None:
    """Raise ``Incomplete`` if pixels are missing before the end marker: some programs end a cut file.

    The picture is decoded twice.
    """
    structure = parse(data)
    if structure.end is None or not structure.scans:
        return
    if not _ends_with_its_pixels(data[: structure.end - len(END_MARKER)], structure, checksum):
        raise Incomplete


def _bodies(data: bytes) -> Iterator[bytes]:
    """Yield what the file may contain of the picture, without zeros that a broken transfer left in its place.

    The last byte of a picture can be zero: one or three zeros are that byte, with or without an end marker of
    zeros. Of more zeros none is taken for the picture's.
    """
    body = data.rstrip(b"\0")
    zeros = len(data) - len(body)
    if body.endswith(b"\xff"):  # half an end marker, or a byte of the picture with its stuffed zero
        yield body[:-1]
        yield body + b"\0"
    else:
        yield body + bytes(zeros % len(END_MARKER) if zeros <= len(END_MARKER) + 1 else 0)


def _has_every_coefficient(structure: Structure) -> bool:
    missing = {(component, number) for component in structure.sampling for number in range(64)}
    for scan in structure.scans:
        if scan.low_bit == 0:
            missing -= {(component, number) for component in scan.components for number in scan.coefficients}
    return not missing


def _ends_with_its_pixels(body: bytes, structure: Structure, checksum: Callable[[bytes], int]) -> bool:
    last = structure.scans[-1]
    if len(body) <= last.start:
        return False
    if last.restart_interval:
        # Where a restart marker is missing, libjpeg fills the rest with gray and reads no filler.
        restarts = sum(1 for _ in _RESTART.finditer(body, last.start))
        if restarts < ceil(_units(structure, last) / last.restart_interval) - 1:
            return False
    first, *others = (checksum(body + filler + END_MARKER) for filler in _FILLERS)
    return all(other == first for other in others)


def _units(structure: Structure, scan: Scan) -> int:
    """Return the number of the scan's minimum coded units, which restart intervals count."""
    across = max(horizontal for horizontal, _ in structure.sampling.values())
    down = max(vertical for _, vertical in structure.sampling.values())
    if len(scan.components) > 1:
        return ceil(structure.width / (8 * across)) * ceil(structure.height / (8 * down))
    horizontal, vertical = structure.sampling[scan.components[0]]
    columns = ceil(ceil(structure.width * horizontal / across) / 8)
    return columns * ceil(ceil(structure.height * vertical / down) / 8)
