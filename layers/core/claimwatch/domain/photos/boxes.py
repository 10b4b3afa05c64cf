"""Boxes of HEIC and AVIF files (ISO/IEC 14496-12 and 23008-12) that Pillow and its plug-ins do not read."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_MOST_BOXES = 10_000
_FULL = 4
"""Bytes of version and flags at the beginning of some boxes."""


@dataclass(frozen=True)
class _Box:
    kind: bytes
    start: int
    end: int
    """Range of its content; ``end`` may be past the end of a file that is cut off."""


def is_cut(data: bytes) -> bool:
    """Return whether the file is shorter than its boxes say."""
    return any(box.end > len(data) for box in _boxes(data, 0, len(data)))


def colour_codes(data: bytes) -> tuple[int, int] | None:
    """Return the code points of primaries and transfer function of the primary image (ITU-T H.273)."""
    try:
        return _colour_codes(data)
    except struct.error:
        return None


def without_exif(data: bytes) -> bytes:
    """Return the file with its EXIF blocks hidden: an unreadable one is no reason to refuse a photo."""
    hidden = bytearray(data)
    for item in _inside(data, b"meta", b"iinf"):
        kind = item.start + _FULL + (4 if data[item.start] < 3 else 6)
        if item.kind == b"infe" and data[kind : kind + 4] == b"Exif":
            hidden[kind : kind + 4] = b"skip"
    return bytes(hidden)


def _colour_codes(data: bytes) -> tuple[int, int] | None:
    encodings: dict[int, tuple[int, int]] = {}
    for number, box in enumerate(_inside(data, b"meta", b"iprp", b"ipco"), 1):
        if box.kind == b"colr" and data[box.start : box.start + 4] == b"nclx":
            encodings[number] = struct.unpack_from(">2H", data, box.start + 4)
    primary = _primary_item(data)
    own = {
        encodings[number] for item, number in _associations(data) if item == primary and number in encodings
    }
    # A picture of tiles may leave its encoding to them.
    found = own or set(encodings.values())
    return found.pop() if len(found) == 1 else None


def _primary_item(data: bytes) -> int | None:
    for box in _inside(data, b"meta"):
        if box.kind == b"pitm":
            return int(struct.unpack_from(">I" if data[box.start] else ">H", data, box.start + _FULL)[0])
    return None


def _associations(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield pairs of an item and the number of a property of it."""
    for box in _inside(data, b"meta", b"iprp"):
        if box.kind != b"ipma":
            continue
        item_format, size = (">I", 4) if data[box.start] else (">H", 2)
        property_format, mask = (">H", 0x7FFF) if data[box.start + 3] & 1 else (">B", 0x7F)
        (items,) = struct.unpack_from(">I", data, box.start + _FULL)
        at = box.start + _FULL + 4
        for _ in range(min(items, _MOST_BOXES)):
            (item,) = struct.unpack_from(item_format, data, at)
            (count,) = struct.unpack_from(">B", data, at + size)
            at += size + 1
            for _ in range(count):
                (number,) = struct.unpack_from(property_format, data, at)
                yield item, number & mask
                at += struct.calcsize(property_format)


def _inside(data: bytes, *path: bytes) -> Iterator[_Box]:
    """Yield the boxes inside the first box of each kind of the path."""
    start, end = 0, len(data)
    for kind in path:
        outer = next((box for box in _boxes(data, start, end) if box.kind == kind), None)
        if outer is None:
            return
        start, end = outer.start, min(outer.end, len(data))
        if kind == b"meta":
            start += _FULL
        elif kind == b"iinf":
            start += _FULL + (4 if data[start : start + 1] > b"\0" else 2)
    yield from _boxes(data, start, end)


def _boxes(data: bytes, start: int, end: int) -> Iterator[_Box]:
    at = start
    for _ in range(_MOST_BOXES):
        if at + 8 > end:
            return
        size, header = int.from_bytes(data[at : at + 4]), 8
        kind = data[at + 4 : at + 8]
        if size == 1:
            size, header = int.from_bytes(data[at + 8 : at + 16]), 16
        elif size == 0:
            size = end - at
        if size < header or not kind.isascii():  # other bytes after the last box
            return
        yield _Box(kind, at + header, at + size)
        at += size
