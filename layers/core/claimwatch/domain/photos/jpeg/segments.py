"""Segments and scans of a JPEG."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

DHT, EOI, SOS, DQT, DRI, APP0, APP1, APP2, APP14 = 0xC4, 0xD9, 0xDA, 0xDB, 0xDD, 0xE0, 0xE1, 0xE2, 0xEE
SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
OPTIONAL = frozenset({*range(0xE0, 0xF0), 0xFE})
"""Application segments and comments."""
MEASURED = SOF | OPTIONAL | {DHT, 0xCC, SOS, DQT, 0xDC, DRI}
"""Markers that are followed by the length of their segment."""

START_MARKER, END_MARKER = b"\xff\xd8", b"\xff\xd9"
_MARKER = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")
"""A marker that ends entropy-coded data: not a stuffed byte, a restart marker or padding."""
_MOST_SCANS = 1000


@dataclass(frozen=True)
class Segment:
    """A segment from its marker to its end; that of a scan ends where its entropy-coded data starts."""

    marker: int
    start: int
    end: int

    def content(self, data: bytes) -> bytes:
        """Return the content after the length."""
        return data[self.start + 4 : self.end]


@dataclass(frozen=True)
class Scan:
    """A scan: components, the coefficients and the lowest bit of them that it adds, and where its data is."""

    components: tuple[int, ...]
    coefficients: range
    low_bit: int
    restart_interval: int
    start: int


@dataclass
class Structure:
    """A JPEG up to the end of its picture; ``end`` is None if the picture has no end marker.

    ``sampling`` are the horizontal and vertical factors of each component.
    """

    segments: list[Segment] = field(default_factory=list)
    width: int = 0
    height: int = 0
    sampling: dict[int, tuple[int, int]] = field(default_factory=dict)
    restart_interval: int = 0
    scans: list[Scan] = field(default_factory=list)
    end: int | None = None


def parse(data: bytes, *, header_only: bool = False) -> Structure:
    """Return the structure, as far as it can be read; ``header_only`` stops at the first scan."""
    found = Structure()
    for segment in _segments(data):
        if segment.marker == EOI:
            found.end = segment.end
            break
        found.segments.append(segment)
        try:
            _read(found, segment, segment.content(data))
        except (struct.error, ValueError, IndexError):
            break
        if segment.marker == SOS and (header_only or len(found.scans) == _MOST_SCANS):
            break
    return found


def _segments(data: bytes) -> Iterator[Segment]:
    at = len(START_MARKER)
    while found := _MARKER.search(data, at):
        marker, at = found[1][0], found.end()
        start = at - 2
        if marker in MEASURED:
            at += max(2, int.from_bytes(data[at : at + 2]))
        yield Segment(marker, start, at)


def _read(found: Structure, segment: Segment, content: bytes) -> None:
    if segment.marker in SOF:
        _, found.height, found.width, count = struct.unpack_from(">BHHB", content)
        for name, factors in zip(content[6 : 6 + 3 * count : 3], content[7 : 6 + 3 * count : 3], strict=True):
            found.sampling[name] = (max(1, factors >> 4), max(1, factors & 15))
    elif segment.marker == DRI:
        (found.restart_interval,) = struct.unpack_from(">H", content)
    elif segment.marker == SOS:
        count = content[0]
        first, last, bits = content[1 + 2 * count : 4 + 2 * count]
        components = tuple(content[1 : 1 + 2 * count : 2])
        coefficients = range(first, last + 1)
        found.scans.append(Scan(components, coefficients, bits & 15, found.restart_interval, segment.end))
