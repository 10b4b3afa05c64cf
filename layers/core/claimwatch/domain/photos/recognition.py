"""Recognition of photo formats, and of what people send instead of a photo, from the content alone."""

import re

from claimwatch.errors import RefusedPhoto

_SEND = "send the photo as JPEG, PNG, WebP, TIFF, GIF, BMP, AVIF or HEIC"
_AS_JPEG = "send the photo as JPEG"
_UNPACKED = "send each photo as its own file"
_IN_BINARY = "send the original file again, in binary mode"
_BYTES_ONLY = "send only the bytes of the photo"
MANGLED = f"the file was changed as if it were text (%s); {_IN_BINARY}"

_SIGNATURES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}
FORMATS = (*dict.fromkeys(_SIGNATURES.values()), "WEBP", "AVIF", "HEIF")

_BITMAP_HEADERS = {12, 16, 40, 52, 56, 64, 108, 124}
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_RAW_BRANDS, _AUDIO_BRANDS = {b"crx "}, {b"M4A ", b"M4B "}
_VIDEO_BOXES = {b"moov", b"mdat", b"wide", b"skip", b"pnot"}
"""Boxes that QuickTime files of old cameras start with."""

_CANON_RAW = b"CR\x02"
_RAW = f"a camera's raw data; {_AS_JPEG}"
_SOUND = f"a sound recording; {_SEND}"
_VIDEO = "a video; send a picture of it as JPEG"
_OTHERS = (
    (0, b"%PDF", f"a PDF; {_SEND}"),
    (0, b"8BPS", f"a Photoshop document; {_SEND}"),
    (0, b"gimp xcf", f"a GIMP document; {_SEND}"),
    (0, b"PK\x03\x04", f"a ZIP archive; {_UNPACKED}"),
    (0, b"PK\x05\x06", f"an empty ZIP archive; {_UNPACKED}"),
    (0, b"Rar!\x1a\x07", f"a RAR archive; {_UNPACKED}"),
    (0, b"7z\xbc\xaf\x27\x1c", f"a 7-Zip archive; {_UNPACKED}"),
    (257, b"ustar", f"a tar archive; {_UNPACKED}"),
    (0, b"\x1f\x8b\x08", f"compressed with gzip; {_SEND}, uncompressed"),
    (0, b"BZh", f"compressed with bzip2; {_SEND}, uncompressed"),
    (0, b"\xfd7zXZ\0", f"compressed with xz; {_SEND}, uncompressed"),
    (0, b"\x28\xb5\x2f\xfd", f"compressed with Zstandard; {_SEND}, uncompressed"),
    (0, b"\x00\x00\x00\x0cjP  ", f"JPEG 2000; {_SEND}"),
    (0, b"\xff\x4f\xff\x51", f"JPEG 2000; {_SEND}"),
    (0, b"\x00\x00\x00\x0cJXL ", f"JPEG XL; {_SEND}"),
    (0, b"\xff\x0a", f"JPEG XL; {_SEND}"),
    (0, b"II\xbc\x01", f"JPEG XR; {_SEND}"),
    (8, _CANON_RAW, _RAW),
    (0, b"IIU\0", _RAW),
    (0, b"IIRO", _RAW),
    (0, b"IIRS", _RAW),
    (0, b"MMOR", _RAW),
    (0, b"FUJIFILMCCD-RAW", _RAW),
    (0, b"FOVb", _RAW),
    (0, b"\0MRM", _RAW),
    (6, b"HEAPCCDR", _RAW),
    (8, b"AVI ", _VIDEO),
    (0, b"\x1a\x45\xdf\xa3", _VIDEO),
    (0, b"\x00\x00\x01\xba", _VIDEO),
    (0, b"\x00\x00\x01\xb3", _VIDEO),
    (0, b"FLV\x01", _VIDEO),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _VIDEO),
    (8, b"WAVE", _SOUND),
    (0, b"ID3", _SOUND),
    (0, b"#!AMR", _SOUND),
    (
        0,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        f"an Office document or a list of previews (Thumbs.db); {_SEND}",
    ),
    (0, b"\x00\x05\x16\x07", f"a side file of macOS (AppleDouble), not the photo; {_SEND}"),
    (0, b"bplist00", f"a property list of Apple, not the photo; {_SEND}"),
    (0, b"L\0\0\0\x01\x14\x02\0", f"a shortcut of Windows, not the photo; {_SEND}"),
    (128, b"DICM", f"a DICOM file; {_SEND}"),
    (0, b"AT&TFORM", f"a DjVu document; {_SEND}"),
    (0, b"\0\0\x01\0", f"an icon; {_SEND}"),
    (0, b"%!PS", f"a PostScript document; {_SEND}"),
)
"""Offset, signature and description of other binary files."""

_ENVELOPES = (
    (r"data:[\w/+.;=-]*;base64,", "base64 text in a data: URL; send the decoded bytes"),
    (
        r"--[^\r\n]+\r?\n(?:[\w-]+:[^\r\n]*\r?\n)*?content-(?:disposition|type):",
        f"a form upload (multipart/form-data) that contains more than the photo; {_BYTES_ONLY}",
    ),
    (r"HTTP/\d[\d.]* \d{3}", f"an HTTP response with its header; {_BYTES_ONLY}"),
    (
        r"(?:[\w-]+:[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*)*?(?:mime-version|content-[\w-]+|received):",
        f"an e-mail or a part of one; {_BYTES_ONLY}",
    ),
    (r"begin(?:-base64)? [0-7]{3} ", "uuencoded text; send the decoded bytes"),
    (
        r"version https://(?:git-lfs|hawser)\.github\.com/spec/",
        "a Git LFS pointer; send the photo that it stands for",
    ),
)
"""Beginnings of what a photo may be wrapped in."""
_TEXTS = (
    (
        r"(?:<\?xml[^>]*>\s*|<!--(?:(?!-->).)*-->\s*|<!doctype svg[^>]*>\s*)*<svg\b",
        f"an SVG drawing; {_SEND}",
    ),
    (r"(?:<\?xml[^>]*>\s*)?<error\b", f"an error message in XML; {_SEND}"),
    (
        r"(?:<!--(?:(?!-->).)*-->\s*|<\?xml[^>]*>\s*)*<(?:!doctype html|html|head|body|script|meta|div|p)\b",
        f"a web page (HTML); {_SEND}",
    ),
    (r"<\?xml\b|<[a-z][\w:.-]*[\s>/]", f"an XML document; {_SEND}"),
    (r"[{\[]", f"JSON text; {_BYTES_ONLY}"),
    (r"\[InternetShortcut\]", f"a shortcut to a web page; {_SEND}"),
)
"""Beginnings of texts; the first that fits."""


def _compiled(patterns: tuple[tuple[str, str], ...]) -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(pattern, re.I | re.S), what) for pattern, what in patterns]


_ENVELOPE_PATTERNS, _TEXT_PATTERNS = _compiled(_ENVELOPES), _compiled(_TEXTS)
_BASE64 = re.compile(r"[A-Za-z0-9+/_\s-]{40,}={0,2}\s*")
_HEXADECIMAL = re.compile(r"(?:0x|\\x)?[0-9A-Fa-f\s]{40,}")
_CONTROL = re.compile(r"[\0-\x08\x0e-\x1a\x1c-\x1f]")
_HEAD, _SIGNATURE = 4096, 32
"""Bytes that decide about texts, and about signatures."""

MANGLED = f"the file was changed as if it were text (%s); {_IN_BINARY}"
_REPLACEMENT = "\ufffd".encode()
"""What programs write instead of bytes that are not UTF-8."""
_MANGLED_SIGNATURES = (
    (b"\x89PNG\n\x1a\n", "line ends"),
    (b"\x89PNG\r\n\x1a\r\n", "line ends"),
    (b"\x89PNG\r\r\n\x1a\r\n", "line ends"),
    (b"\x89PNG\r\x1a\r", "line ends"),
    (b"\x89PNG\n\n\x1a\n", "line ends"),
    (b"\tPNG", "bytes of seven bits"),
    (b"\x7fX\x7f", "bytes of seven bits"),
    (b"?PNG", "character set"),
    (b"PNG\r\n\x1a", "character set"),
    (b"????", "character set"),
    (b"\xc2\x89PNG", "UTF-8"),
    (b"\xe2\x80\xb0PNG", "UTF-8"),
    (b"\xc3\xbf\xc3\x98\xc3\xbf", "UTF-8"),
    (b"\xff\xfe\x89\0P\0N\0G\0", "UTF-16"),
    (b"\xff\xfe\xff\0\xd8\0\xff\0", "UTF-16"),
    (b"\\x89PNG", "escape sequences"),
)
_TAIL = 1 << 16
_LEAST_LINES, _LEAST_BYTES = 16, 200
"""Line feeds, and different bytes among which they are, that follow a carriage return not by chance."""
_LONE_FEED = re.compile(rb"[^\r]\n")
_AFTER_RETURN = re.compile(rb"\r(.)", re.S)
_LEAST_RETURNS, _LEAST_FOLLOWERS = 5000, 240
"""Carriage returns, and different bytes after them, among which a line feed is not missing by chance."""

_JUNK = b" \t\r\n\0\xef\xbb\xbf"
_MOST_JUNK = 1024


def detect_format(data: bytes) -> str:
    """Return the format of a photo, one of ``FORMATS``; only that format's plug-in reads the rest.

    Raises ``RefusedPhoto``, with the name of what the file is and with advice.
    """
    if not data:
        raise RefusedPhoto("the file is empty; send it again")
    file_format = _format(data)
    if file_format is None:
        raise RefusedPhoto(_refusal(data))
    return file_format


def without_leading_junk(data: bytes) -> bytes:
    """Return a JPEG, PNG or GIF without the blanks, zeros or byte order mark before it."""
    if data[:1] not in {bytes([byte]) for byte in _JUNK}:
        return data
    rest = data[:_MOST_JUNK].lstrip(_JUNK)
    at = min(len(data), _MOST_JUNK) - len(rest)
    return data[at:] if data[at:].startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8")) else data


def check_line_ends(data: bytes) -> None:
    """Refuse a photo whose line ends were changed as if it were text, although it begins like a photo.

    In compressed data, a line feed follows a carriage return as often as any other byte does.
    """
    tail = data[-_TAIL:]
    if not _LONE_FEED.search(tail) and tail.count(b"\n") >= _LEAST_LINES and len(set(tail)) >= _LEAST_BYTES:
        raise RefusedPhoto(MANGLED % "line ends")
    if b"\r" not in tail and len(tail) == _TAIL and len(set(tail)) >= _LEAST_FOLLOWERS:
        raise RefusedPhoto(MANGLED % "line ends")
    if b"\r\n" not in data:
        followers = _AFTER_RETURN.findall(data)
        if len(followers) >= _LEAST_RETURNS and len(set(followers)) >= _LEAST_FOLLOWERS:
            raise RefusedPhoto(MANGLED % "line ends")


def has_replaced_bytes(data: bytes) -> bool:
    """Return whether a program replaced bytes that are not UTF-8."""
    return data[:_TAIL].count(_REPLACEMENT) >= _LEAST_LINES


def _format(data: bytes) -> str | None:
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    brands = _brands(data)
    if brands & _AVIF_BRANDS:
        return "AVIF"
    if brands & _HEIF_BRANDS:
        return "HEIF"
    file_format = next((name for signature, name in _SIGNATURES.items() if data.startswith(signature)), None)
    is_other = data.startswith(_CANON_RAW, 8) or (file_format == "BMP" and not _is_bitmap(data))
    return None if is_other else file_format


def _brands(data: bytes) -> set[bytes]:
    """Return the brands of a file of boxes, such as HEIC, AVIF and MP4."""
    if data[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(data[:4]), 256)
    return {data[at : at + 4] for at in (8, *range(16, end, 4))}


def _is_bitmap(data: bytes) -> bool:
    """Return whether the size of the second header is one that exists: text can start with BM, too."""
    return int.from_bytes(data[14:18], "little") in _BITMAP_HEADERS


def _refusal(data: bytes) -> str:
    how = next((how for signature, how in _MANGLED_SIGNATURES if data.startswith(signature)), None)
    if how is None and _REPLACEMENT in data[:_SIGNATURE]:
        how = "UTF-8"
    if how is None and data.startswith((b"b'", b'b"')) and b"\\x" in data[:_HEAD]:
        how = "escape sequences"
    if how:
        return MANGLED % how
    other = next((what for at, mark, what in _OTHERS if data.startswith(mark, at)), None)
    other = other or _other_boxes(data) or _text(data)
    if other:
        return f"the file is {other}"
    if not data.strip(b"\0"):
        return "the file contains only zeros; send it again"
    return f"the file is not a photo, or its beginning is damaged; {_SEND}"


def _other_boxes(data: bytes) -> str | None:
    brands = _brands(data)
    if brands & _RAW_BRANDS:
        return _RAW
    if brands & _AUDIO_BRANDS:
        return _SOUND
    return _VIDEO if brands or data[4:8] in _VIDEO_BOXES else None


def _text(data: bytes) -> str | None:
    """Return what a text is, or what text a photo is wrapped in."""
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    head = data[:_HEAD].decode(encoding, "replace").lstrip()
    envelope = next((what for pattern, what in _ENVELOPE_PATTERNS if pattern.match(head)), None)
    if envelope or not head or _CONTROL.search(head) or head.count("\ufffd") > 1:
        return envelope
    quoted = head.strip("\"'")
    if _HEXADECIMAL.fullmatch(quoted):
        return "hexadecimal text; send the decoded bytes"
    if _BASE64.fullmatch(quoted):
        return "base64 text; send the decoded bytes"
    return next((what for pattern, what in _TEXT_PATTERNS if pattern.match(head)), f"text; {_SEND}")
