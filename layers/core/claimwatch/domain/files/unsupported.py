"""Recognition of files in unsupported formats, so that they are refused with advice."""

import re

from claimwatch.domain.files.encoding import Encoding, detect_encoding, is_utf8
from claimwatch.domain.files.file_format import count_controls

_SEND_TEXT = "send the table as CSV, NDJSON or Parquet"
_UNPACK = "send the file inside, as it is or compressed with gzip"
_PHOTO = "damage photos go under images/"
_MAGIC = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook or another Office file; save it as CSV"),
    (b"%PDF-", f"a PDF document; {_SEND_TEXT}"),
    (b"\x89PNG", f"a PNG image; {_PHOTO}"),
    (b"\xff\xd8\xff", f"a JPEG image; {_PHOTO}"),
    (b"GIF8", f"a GIF image; {_PHOTO}"),
    (b"II*\0", f"a TIFF image; {_PHOTO}"),
    (b"MM\0*", f"a TIFF image; {_PHOTO}"),
    (b"BZh", f"a bzip2 archive; {_UNPACK}"),
    (b"\xfd7zXZ\0", f"an xz archive; {_UNPACK}"),
    (b"\x28\xb5\x2f\xfd", f"a Zstandard archive; {_UNPACK}"),
    (b"\x04\x22\x4d\x18", f"an LZ4 archive; {_UNPACK}"),
    (b"7z\xbc\xaf\x27\x1c", f"a 7-Zip archive; {_UNPACK}"),
    (b"Rar!\x1a\x07", f"a RAR archive; {_UNPACK}"),
    (b"SQLite format 3\0", f"an SQLite database; {_SEND_TEXT}"),
    (b"Obj\x01", f"an Avro file; {_SEND_TEXT}"),
    (b"ORC", f"an ORC file; {_SEND_TEXT}"),
    (b"ARROW1\0\0", f"an Arrow file; {_SEND_TEXT}"),
    (b"FEA1", f"a Feather file; {_SEND_TEXT}"),
    (b"PARE", "an encrypted Parquet file; send it unencrypted (the bucket encrypts it)"),
    (b"\x7fELF", f"a program; {_SEND_TEXT}"),
)
_ZIPPED = (
    (b"xl/", "an Excel workbook; save it as CSV"),
    (b"opendocument.spreadsheet", "an OpenDocument spreadsheet; save it as CSV"),
    (b"word/", f"a Word document; {_SEND_TEXT}"),
    (b"ppt/", f"a presentation; {_SEND_TEXT}"),
    (b"[Content_Types].xml", "an Office document, perhaps an Excel workbook; save it as CSV"),
)
_MARKUP = (
    (re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.I), f"a web page; {_SEND_TEXT}"),
    (re.compile(r"<\?xml\b", re.I), f"an XML document; {_SEND_TEXT}"),
    (re.compile(r"\{\\rtf"), f"a rich text document; {_SEND_TEXT}"),
)


def detect_unsupported_format(head: bytes) -> str | None:
    """Return what the file seems to be and what to send instead, or None.

    The first bytes decide.
    """
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return next((what for trace, what in _ZIPPED if trace in head), f"a zip archive; {_UNPACK}")
    if head[257:262] == b"ustar":
        return f"a tar archive; {_UNPACK}"
    controls = count_controls(head)
    for magic, what in _MAGIC:
        if head.startswith(magic) and (controls or not magic.isalnum()):
            return what
    encoding, _ = detect_encoding(head)
    if encoding is Encoding.UTF_8:
        share = controls / max(1, len(head))
        if share > 0.3 or (share > 0.06 and not is_utf8(head)):
            return f"binary data; {_SEND_TEXT}"
    return None


def detect_unsupported_text(sample: str) -> str | None:
    """Return what the text seems to be and what to send instead, or None if it may be a table."""
    begin = sample[:1024].lstrip()
    return next((what for pattern, what in _MARKUP if pattern.match(begin)), None)
