"""Recognition of files in unsupported formats by their bytes, so that they are refused with advice."""

import re
import zlib

from claimwatch.domain.files.encoding import Encoding, detect_encoding, is_utf8
from claimwatch.domain.files.file_format import count_controls

SEND_TEXT = "send the table as CSV, NDJSON or Parquet"
_UNPACK = "send the file inside, as it is or compressed with gzip"
_PHOTO = "damage photos go under images/"
_EXCEL = 'open it and save the sheet with File > Save As > "CSV UTF-8 (Comma delimited)"'
_SPREADSHEET = 'open it and export the sheet as CSV in "Unicode (UTF-8)"'
_DECRYPT = "send it decrypted; the bucket encrypts it"
_STATISTICS = f"{SEND_TEXT} (in Python with pandas, in R with arrow)"

_MAGIC = (
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        f"an old Excel workbook (.xls), one with a password, or another Office file; {_EXCEL}",
    ),
    (b"%PDF-", f"a PDF document; {SEND_TEXT}"),
    (b"\x89PNG", f"a PNG image; {_PHOTO}"),
    (b"\xff\xd8\xff", f"a JPEG image; {_PHOTO}"),
    (b"GIF8", f"a GIF image; {_PHOTO}"),
    (b"II*\0", f"a TIFF image; {_PHOTO}"),
    (b"MM\0*", f"a TIFF image; {_PHOTO}"),
    (b"RIFF", f"a WebP image, a sound or a video; {_PHOTO}"),
    (b"\0\0\0\x01Bud1", "a .DS_Store file of macOS; leave it out"),
    (b"\0\x05\x16\x07", "an AppleDouble file of macOS (._name); leave it out"),
    (b"BZh", f"a bzip2 archive; {_UNPACK}"),
    (b"\xfd7zXZ\0", f"an xz archive; {_UNPACK}"),
    (b"]\0\0", f"an LZMA archive; {_UNPACK}"),
    (b"\x28\xb5\x2f\xfd", f"a Zstandard archive; {_UNPACK}"),
    (b"\x04\x22\x4d\x18", f"an LZ4 archive; {_UNPACK}"),
    (b"\x02\x21\x4c\x18", f"an LZ4 archive; {_UNPACK}"),
    (b"\xff\x06\0\0sNaPpY", f"a Snappy archive; {_UNPACK}"),
    (b"\x89LZO\0", f"an lzop archive; {_UNPACK}"),
    (b"LZIP\x01", f"an lzip archive; {_UNPACK}"),
    (b"\x1f\x9d", f"a compress archive (.Z); {_UNPACK}"),
    (b"7z\xbc\xaf\x27\x1c", f"a 7-Zip archive; {_UNPACK}"),
    (b"Rar!\x1a\x07", f"a RAR archive; {_UNPACK}"),
    (b"MSCF\0", f"a cabinet archive; {_UNPACK}"),
    (b"SQLite format 3\0", f"an SQLite database; {SEND_TEXT}"),
    (b"\0\x01\0\0Standard", f"an Access database; {SEND_TEXT}"),
    (b"PGDMP", f"a dump of PostgreSQL; {SEND_TEXT}"),
    (b"Obj\x01", f"an Avro file; {SEND_TEXT}"),
    (b"ORC", f"an ORC file; {SEND_TEXT}"),
    (b"SEQ\x06", f"a Hadoop sequence file; {SEND_TEXT}"),
    (b"ARROW1\0\0", f"an Arrow file; {SEND_TEXT}"),
    (b"\xff\xff\xff\xff", f"an Arrow stream or other binary data; {SEND_TEXT}"),
    (b"FEA1", f"a Feather file; {SEND_TEXT}"),
    (b"PARE", "an encrypted Parquet file; send it unencrypted (the bucket encrypts it)"),
    (b"\x89HDF\r\n\x1a\n", f"an HDF5 file; {_STATISTICS}"),
    (b"\x93NUMPY", f"a NumPy array; {_STATISTICS}"),
    (b"\x80\x03", f"a pickle of Python; {_STATISTICS}"),
    (b"\x80\x04\x95", f"a pickle of Python; {_STATISTICS}"),
    (b"\x80\x05\x95", f"a pickle of Python; {_STATISTICS}"),
    (b"X\n\0\0\0", f"data of R (.rds); {_STATISTICS}"),
    (b"RDX", f"data of R (.RData); {_STATISTICS}"),
    (b"\0" * 12 + b"\xc2\xea\x81\x60", f"a SAS data set (.sas7bdat); {_STATISTICS}"),
    (b"$FL2", f"an SPSS file (.sav); {_STATISTICS}"),
    (b"$FL3", f"an SPSS file (.zsav); {_STATISTICS}"),
    (b"<stata_dta>", f"a Stata file (.dta); {_STATISTICS}"),
    (b"r\x02\x01\0", f"a Stata file (.dta); {_STATISTICS}"),
    (b"s\x02\x01\0", f"a Stata file (.dta); {_STATISTICS}"),
    (b"Salted__", f"a file that OpenSSL encrypted; {_DECRYPT}"),
    (b"\x85\x01", f"a file that PGP encrypted; {_DECRYPT}"),
    (b"\x85\x02", f"a file that PGP encrypted; {_DECRYPT}"),
    (b"\x84\x5e", f"a file that PGP encrypted; {_DECRYPT}"),
    (b"\x8c\x0d\x04", f"a file that PGP encrypted; {_DECRYPT}"),
    (b"age-encryption.org/", f"a file that age encrypted; {_DECRYPT}"),
    (b"\x7fELF", f"a program; {SEND_TEXT}"),
    (b"MZ\x90\0", f"a program; {SEND_TEXT}"),
)
_PLAIN_MAGIC = frozenset({b"%PDF-", b"<stata_dta>", b"age-encryption.org/", b"Salted__"})
"""Beginnings that no name of a column has, so that they decide even if no control character follows."""

_ZIPPED = (
    (b"xl/", f"an Excel workbook; {_EXCEL}"),
    (b"opendocument.spreadsheet", f"an OpenDocument spreadsheet; {_SPREADSHEET}"),
    (b".iwa", f"a Numbers spreadsheet; {_SPREADSHEET}"),
    (b"word/", f"a Word document; {SEND_TEXT}"),
    (b"ppt/", f"a presentation; {SEND_TEXT}"),
    (b"[Content_Types].xml", f"an Office document, perhaps an Excel workbook; {_EXCEL}"),
)
_DBASE_VERSIONS = frozenset(b"\x02\x03\x04\x05\x30\x31\x32\x43\x63\x83\x8b\x8c\xcb\xf5\xfb")


def detect_unsupported_format(head: bytes) -> str | None:
    """Return what the file seems to be and what to send instead, or None.

    The first bytes decide.
    """
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return next((what for trace, what in _ZIPPED if trace in head), f"a zip archive; {_UNPACK}")
    if head[257:262] == b"ustar":
        return f"a tar archive; {_UNPACK}"
    if head[4:8] == b"ftyp" and head[:1] == b"\0":
        return f"a HEIC or AVIF image, or a video; {_PHOTO}"
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":
        return f"a BMP image; {_PHOTO}"
    if head[:2] in (b"\x78\x01", b"\x78\x9c", b"\x78\xda") and _is_zlib(head):
        return f"zlib data; {_UNPACK}"
    if head[8:12] == b"DUCK" and b"\0" in head[:20]:
        return f"a DuckDB database; {SEND_TEXT}"
    controls = count_controls(head)
    for magic, what in _MAGIC:
        if head.startswith(magic) and (controls or magic in _PLAIN_MAGIC or not magic.isascii()):
            return what
    if _is_dbase(head):
        return f"a dBASE table (.dbf); {SEND_TEXT}"
    encoding, mark = detect_encoding(head)
    if encoding is Encoding.UTF_8 and not mark:
        if _is_ebcdic(head):
            return "text in EBCDIC, the encoding of mainframes; convert it to UTF-8 and " + SEND_TEXT
        share = controls / max(1, len(head))
        if share > 0.3 or (share > 0.06 and not is_utf8(head)):
            return f"binary data, perhaps compressed or encrypted; {SEND_TEXT}"
    return None


def _is_zlib(head: bytes) -> bool:
    try:
        return bool(zlib.decompressobj().decompress(head, 1024))
    except zlib.error:
        return False


def _is_dbase(head: bytes) -> bool:
    """Return whether this is the header of a dBASE table: a version, a date, and the length of the header."""
    if len(head) < 68 or head[0] not in _DBASE_VERSIONS or not (1 <= head[2] <= 12 and 1 <= head[3] <= 31):
        return False
    end = int.from_bytes(head[8:10], "little")
    return end % 32 in (0, 1, 8) and (end > len(head) or b"\r" in head[end - 264 : end + 1][-265:])


_EBCDIC_TEXT = bytes(
    code for code in range(256) if bytes([code]).decode("cp037") in
    " abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;:-/+'\"_()\x85\n\r"
)  # fmt: skip


def _is_ebcdic(head: bytes) -> bool:
    """Return whether nearly all bytes are letters, digits and signs in EBCDIC, and few are in ASCII."""
    begin = head[: 64 << 10]
    if len(begin) < 16 or begin.isascii() or is_utf8(begin):
        return False
    in_ebcdic = len(begin) - len(begin.translate(None, _EBCDIC_TEXT))
    in_ascii = len(re.findall(rb"[A-Za-z0-9 \n]", begin))
    return in_ebcdic > 0.9 * len(begin) and in_ascii < 0.3 * len(begin)
