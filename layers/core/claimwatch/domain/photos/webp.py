"""Chunks of WebP files."""

from collections.abc import Iterator

_HEADER = 12
"""Bytes before the first chunk."""
_METADATA = {b"ICCP", b"EXIF", b"XMP "}


def repaired(data: bytes) -> Iterator[bytes]:
    """Yield the WebP, unless it is cut off, with the right size in its header, and then without metadata."""
    if is_cut(data):
        return
    chunks = list(_chunks(data))
    yield _written([content for _, content in chunks])
    yield _written([content for kind, content in chunks if kind not in _METADATA])


def is_cut(data: bytes) -> bool:
    """Return whether a chunk of the picture is cut off."""
    try:
        return not list(_chunks(data))
    except EOFError:
        return True


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield type and bytes of each chunk, until something follows that is not a chunk."""
    at = _HEADER
    while at + 8 <= len(data):
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if not (kind.isascii() and kind.rstrip().isalnum()):
            return
        end = at + 8 + length
        if end > len(data):
            if kind in _METADATA:
                return
            raise EOFError
        yield kind, data[at:end] + bytes(length & 1)
        at = end + (length & 1)


def _written(chunks: list[bytes]) -> bytes:
    content = b"WEBP" + b"".join(chunks)
    return b"RIFF" + len(content).to_bytes(4, "little") + content
