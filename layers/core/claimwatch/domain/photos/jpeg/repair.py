"""Repair of JPEG headers that cannot be read: the segments of the picture itself are not changed."""

import re
from collections.abc import Iterator
from itertools import pairwise

from claimwatch.domain.photos.jpeg.segments import APP0, APP1, APP14, MEASURED, OPTIONAL, START_MARKER, parse

_SEGMENT = re.compile(rb"\xff[%b]" % re.escape(bytes(sorted(MEASURED))))
_LONGEST = 1 << 16
_HEADER = 4 * _LONGEST
_ESSENTIAL = ((APP0, b"JFIF\0", 14), (APP1, b"Exif\0\0", 6), (APP14, b"Adobe", 12))
"""Application segments that say how a picture is shown: marker, name and least length."""


def repaired(data: bytes) -> Iterator[bytes]:
    """Yield the JPEG with the right length in each segment, and then also without most of its metadata."""
    with_lengths = _with_segment_lengths(data)
    if with_lengths != data:
        yield with_lengths
    yield _with_essential_segments(with_lengths)


def _with_segment_lengths(data: bytes) -> bytes:
    """Correct the lengths of segments that do not end where another one starts."""
    pieces, at = [START_MARKER], len(START_MARKER)
    while _SEGMENT.match(data, at) and data[at + 1] in OPTIONAL:
        start, end = at, at + 2 + max(2, int.from_bytes(data[at + 2 : at + 4]))
        at = end if _SEGMENT.match(data, end) else _next_segment(data, start + 4)
        if at == end:
            pieces.append(data[start:end])
        elif at - start - 2 < _LONGEST:
            pieces += data[start : start + 2], (at - start - 2).to_bytes(2), data[start + 4 : at]
    return b"".join((*pieces, data[at:]))


def _next_segment(data: bytes, start: int) -> int:
    """Return where the header of the largest picture starts: a smaller one is the thumbnail in a segment."""
    largest, best = 0, start
    for found in _SEGMENT.finditer(data, start, start + _LONGEST):
        header = START_MARKER + data[found.start() : found.start() + _HEADER]
        structure = parse(header, header_only=True)
        gapless = all(one.end == two.start for one, two in pairwise(structure.segments))
        if gapless and structure.scans and structure.width * structure.height > largest:
            largest, best = structure.width * structure.height, found.start()
    return best


def _with_essential_segments(data: bytes) -> bytes:
    pieces, at = [START_MARKER], len(START_MARKER)
    for segment in parse(data, header_only=True).segments:
        if segment.marker in OPTIONAL:
            content = segment.content(data)
            kept = any(
                segment.marker == marker and content.startswith(name) and len(content) >= least
                for marker, name, least in _ESSENTIAL
            )
            pieces.append(data[at : segment.end if kept else segment.start])
            at = segment.end
    return b"".join((*pieces, data[at:]))
