"""Pictures of a multi-picture file (CIPA DC-007): the frames of it, and what else a JPEG contains."""

import struct
from collections.abc import Iterator

from claimwatch.domain.photos.jpeg.segments import APP1, APP2, Structure, parse

_ENTRIES = 0xB002
"""Tag of the list of pictures."""
_MULTI_FRAME, _UNDEFINED = 0x02, 0x000000
"""Types of pictures: one of a panorama, a stereo pair or several angles; or not stated."""
_AUXILIARY = (b"hdrgm:", b"HDRGainMap", b"urn:iso:std:iso:ts:21496", b"AuxiliaryImageType")
"""Texts in the metadata of a gain map, a depth map or a mask."""


def frames(data: bytes) -> int:
    """Return the number of frames: neither previews nor gain maps, depth maps and masks count."""
    primary = parse(data, header_only=True)
    for segment in primary.segments:
        if segment.marker == APP2 and segment.content(data).startswith(b"MPF\0"):
            try:
                pictures = list(_pictures(data, segment.start + 8, segment.end))
            except struct.error:
                return 1
            return 1 + sum(
                _is_frame(data, primary, kind, data[start:end]) for kind, start, end in pictures[1:]
            )
    return 1


def _pictures(data: bytes, base: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield the type, start and end of each picture; offsets count from the segment's own header."""
    order = "<" if data[base : base + 2] == b"II" else ">"
    (directory,) = struct.unpack_from(f"{order}I", data, base + 4)
    (tags,) = struct.unpack_from(f"{order}H", data, base + directory)
    first = base + directory + 2
    for at in range(first, min(first + 12 * tags, end), 12):
        tag, _, length, offset = struct.unpack_from(f"{order}HHII", data, at)
        if tag == _ENTRIES:
            for entry in range(base + offset, min(base + offset + length, end), 16):
                attribute, size, start = struct.unpack_from(f"{order}III", data, entry)
                yield attribute & 0xFFFFFF, base + start, base + start + size


def _is_frame(data: bytes, primary: Structure, kind: int, picture: bytes) -> bool:
    header = parse(picture, header_only=True)
    if _is_auxiliary(picture, header):
        return False
    same_size = {header.width, header.height} == {primary.width, primary.height}
    return kind >> 16 == _MULTI_FRAME or (
        kind == _UNDEFINED and same_size and not _is_auxiliary(data, primary)
    )


def _is_auxiliary(data: bytes, header: Structure) -> bool:
    """Return whether the metadata says that the picture is or has a gain map, a depth map or a mask."""
    metadata = [one.content(data) for one in header.segments if one.marker in {APP1, APP2}]
    return any(text in content for text in _AUXILIARY for content in metadata)
