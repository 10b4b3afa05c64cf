"""Chunks of PNG files: check sums, and the colour encoding that Pillow does not read.

Pillow refuses a PNG for a wrong check sum of a text, and does not look at those of the picture. Here, what is
not part of the picture may be damaged, and the picture may not.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"IEND"
_PICTURE = {b"IHDR", b"PLTE", b"tRNS", b"IDAT"}
"""Chunks without which the picture looks different."""
_COLOUR_TYPE, _TRANSPARENCY = 25, {0: 2, 2: 6}
"""Offset of the colour type, and the length that its chunk tRNS needs."""
_BLOCK, _MOST_UNPACKED = 1 << 20, 1 << 30


class DamagedPixels(Exception):
    """The check sums show that the picture itself is damaged."""


@dataclass(frozen=True)
class Chunk:
    """A chunk: its type, where its content is, and whether its check sum is right."""

    kind: bytes
    start: int
    end: int
    intact: bool

    @property
    def is_critical(self) -> bool:
        """Whether a decoder may not ignore it."""
        return not self.kind[0] & 0x20


def chunks(data: bytes) -> Iterator[Chunk]:
    """Yield the chunks up to the end of the file or of the picture; the last one may be cut off."""
    view, at = memoryview(data), len(SIGNATURE)
    while at + 8 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4])
        checksum = int.from_bytes(data[end : end + 4])
        intact = end + 4 <= len(data) and zlib.crc32(view[at + 4 : end]) == checksum
        kind = data[at + 4 : at + 8]
        if not kind.isalpha():  # the length of the chunk before is wrong
            return
        yield Chunk(kind, at + 8, min(end, len(data)), intact)
        if kind == _END:
            return
        at = end + 4


def checked(data: bytes) -> bytes:
    """Return the PNG without damaged metadata.

    Raises ``DamagedPixels`` if a chunk of the picture has a wrong check sum, unless the check sum of the
    compressed data in it is right. Pillow finds out whether a picture that is cut off is complete.
    """
    found = list(chunks(data))
    damaged = [chunk for chunk in found if not chunk.intact]
    if not damaged:
        return data
    if any(chunk.is_critical and chunk.kind not in {b"IDAT", _END} for chunk in damaged):
        raise DamagedPixels
    is_cut = damaged[-1].end == len(data)
    if any(chunk.kind == b"IDAT" for chunk in (damaged[:-1] if is_cut else damaged)):
        _check_compressed(data, found)
    return _written(data, [chunk for chunk in found if chunk.intact or chunk.is_critical])


def without_metadata(data: bytes) -> bytes:
    """Return the PNG with nothing but its picture, an animation's first frame."""
    found = [chunk for chunk in chunks(data) if chunk.kind in _PICTURE and chunk.intact]
    colour_type = data[_COLOUR_TYPE] if len(data) > _COLOUR_TYPE else 0
    least = _TRANSPARENCY.get(colour_type, 0)
    return _written(data, [one for one in found if one.kind != b"tRNS" or one.end - one.start >= least])


def colour_codes(data: bytes) -> tuple[int, int] | None:
    """Return the code points of primaries and transfer function from the chunk cICP (ITU-T H.273)."""
    for chunk in chunks(data):
        if chunk.kind == b"IDAT":
            return None
        if chunk.kind == b"cICP" and chunk.intact and chunk.end - chunk.start == 4:
            return data[chunk.start], data[chunk.start + 1]
    return None


def _check_compressed(data: bytes, found: list[Chunk]) -> None:
    """Decompress the picture, which checks its own check sum."""
    stream, unpacked = zlib.decompressobj(), 0
    for chunk in found:
        if chunk.kind == b"IDAT":
            pending = data[chunk.start : chunk.end]
            while pending and not stream.eof:
                try:
                    unpacked += len(stream.decompress(pending, _BLOCK))
                except zlib.error as error:
                    raise DamagedPixels from error
                if unpacked > _MOST_UNPACKED:
                    raise DamagedPixels
                pending = stream.unconsumed_tail
    if not stream.eof:
        raise DamagedPixels


def _written(data: bytes, kept: list[Chunk]) -> bytes:
    pieces = [SIGNATURE]
    for chunk in kept:
        if chunk.kind != _END:
            content = chunk.kind + data[chunk.start : chunk.end]
            pieces += (len(content) - 4).to_bytes(4), content, zlib.crc32(content).to_bytes(4)
    return b"".join((*pieces, bytes(4), _END, zlib.crc32(_END).to_bytes(4)))
