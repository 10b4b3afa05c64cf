"""What is not a table is recognised by its content and refused with what to do."""

import base64
import bz2
import gzip
import io
import lzma
import re
import sqlite3
import tarfile
import time
import zipfile
import zlib
from contextlib import closing

import pytest

from claimwatch.domain.files.unsupported import detect_unsupported_format
from claimwatch.domain.files.unsupported_text import detect_unsupported_text
from claimwatch.errors import RefusedFile
from tests.unit.formats.offered import offer

KNOWN = ["claim_id", "reported_at", "amount"]
TABLE = b"claim_id,reported_at,amount\nC-1,2026-03-02,5\n"
EXCEL = 'save the sheet with File > Save As > "CSV UTF-8 (Comma delimited)"'
SPREADSHEET = 'export the sheet as CSV in "Unicode (UTF-8)"'
TEXT = "send the table as CSV, NDJSON or Parquet"
INSIDE = "send the file inside, as it is or compressed with gzip"
PHOTOS = "damage photos go under images/"
DECRYPT = "send it decrypted"


def zipped(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, "x" * 100)
    return packed.getvalue()


def tarred() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("claims.csv")
        entry.size = len(TABLE)
        archive.addfile(entry, io.BytesIO(TABLE))
    return packed.getvalue()


def sqlite() -> bytes:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE claim (claim_id text)")
        return database.serialize()


def dbase() -> bytes:
    field = b"CLAIM_ID".ljust(11, b"\0") + b"C" + bytes(4) + bytes([10]) + bytes(15)
    head = b"\x03\x7e\x03\x02" + (2).to_bytes(4, "little") + (65).to_bytes(2, "little")
    return (head + (11).to_bytes(2, "little")).ljust(32, b"\0") + field + b"\r" + b" C-1       " * 2


FIXED = """\
claim_id  reported_at  amount
C-1       2026-03-02        5
C-2       2026-03-03       17
C-3       2026-03-04      100
"""
SQLCMD = """\
claim_id reported_at      amount
-------- ---------------- -----------
C-1      2026-03-02                 5

(1 rows affected)
"""
PSQL = """\
 claim_id | reported_at | amount
----------+-------------+--------
 C-1      | 2026-03-02  |      5
(1 row)
"""
MYSQL = """\
+----------+-------------+--------+
| claim_id | reported_at | amount |
+----------+-------------+--------+
| C-1      | 2026-03-02  |      5 |
"""
MARKDOWN = """\
| claim_id | reported_at | amount |
|----------|-------------|-------:|
| C-1      | 2026-03-02  |      5 |
"""
MAIL = """\
From: Claims <claims@example.com>
To: fraud@example.com
Subject: the file of March
Message-ID: <1@example.com>

claim_id,amount
"""
EBCDIC = "".join(f"C-{n:06} 2026-03-02 {n:09} THEFT     " for n in range(200)).encode("cp037")

CASES: dict[str, tuple[bytes | str, str, str]] = {
    # Pointers and answers of servers
    "Git LFS": (
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        "a Git LFS pointer",
        "git lfs pull",
    ),
    "git-annex": ("/annex/objects/MD5E-s12--0f3.csv\n", "a git-annex pointer", "git annex get"),
    "XML of S3": (
        '<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>',
        "an error message of a server in XML",
        "fetch the file again",
    ),
    "XML without declaration": (
        "<claims><claim id='1'><amount>5</amount></claim></claims>",
        "an XML document",
        TEXT,
    ),
    "XML in UTF-16": (
        '\ufeff<?xml version="1.0" encoding="UTF-16"?><claims/>'.encode("utf-16"),
        "an XML document",
        TEXT,
    ),
    "HTML": (
        "\ufeff\n<!DOCTYPE html>\n<html><title>Sign in</title></html>",
        "a web page, perhaps one that asks for a login",
        "fetch the file again",
    ),
    "HTML in UTF-16": ("<html><body>".encode("utf-16"), "a web page", "fetch the file again"),
    "HTML after comments": ("<!---->" * 40 + "<script>", "a web page", "fetch the file again"),
    "HTTP": (b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n\r\n" + TABLE, "an answer of a web server", ""),
    "upload form": (
        b'--x1\r\nContent-Disposition: form-data; name="f"; filename="c.csv"\r\n\r\n' + TABLE,
        "an upload form",
        TEXT,
    ),
    "JSON error": (
        '{"error": "access denied", "code": 403}',
        "an error message of a server in JSON",
        "fetch the file again",
    ),
    "JSON message": ('{"message":"Forbidden"}\n', "an error message of a server in JSON", "fetch"),
    "JSON of Django": ('{"detail": "Not found."}', "an error message of a server in JSON", "fetch"),
    "JSON of Google": (
        '{"error": {"code": 404, "errors": [{"reason": "notFound"}]}}',
        "an error message of a server in JSON",
        "fetch",
    ),
    # JSON without records
    "wrapped": (
        '{"data": [{"claim_id": "C-1", "amount": 5}], "next": "/2"}',
        "one JSON object with the records in its member 'data'",
        "jq -c '.data[]' FILE",
    ),
    "wrapped deeper": (
        '{"hits": {"total": 1, "hits": [{"_id": 1, "_source": {"claim_id": "C-1", "amount": 5}}]}}',
        "one JSON object with the records in its member 'hits.hits'",
        "jq -c '.hits.hits[]' FILE",
    ),
    "wrapped, larger than the sample": (
        '{"count": 9, "data": [' + ",\n".join(['{"claim_id": "C-1"}'] * 90_000) + "]}",
        "one JSON object with the records in its member 'data'",
        "jq -c '.data[]' FILE",
    ),
    "arrays": (
        '[["claim_id", "amount"], ["C-1", 5]]',
        "JSON with arrays of values",
        'orient="records", lines=True',
    ),
    "arrays by line": ('["claim_id", "amount"]\n["C-1", 5]\n', "JSON with arrays of values", "lines=True"),
    "columns of pandas": (
        '{"claim_id": {"0": "C-1", "1": "C-2"}, "amount": {"0": 5, "1": 6}}',
        "JSON with columns instead of records",
        "lines=True",
    ),
    "columns": (
        '{"claim_id": ["C-1", "C-2"], "amount": [5, 6]}',
        "JSON with columns instead of records",
        "lines=True",
    ),
    "index of pandas": (
        '{"0": {"claim_id": "C-1"}, "1": {"claim_id": "C-2"}}',
        "one JSON object with each record in a member",
        "jq -c '.[]' FILE",
    ),
    "split of pandas": (
        '{"columns": ["claim_id"], "index": [0], "data": [["C-1"]]}',
        "JSON with the names apart from the values",
        "lines=True",
    ),
    "empty array": (" []\n[]\n", "JSON without any record", ""),
    "JavaScript": ('callback([{"claim_id": "C-1"}]);', "JavaScript", TEXT),
    "Python": ("[{'claim_id': 'C-1'}]", "Python's notation of objects", TEXT),
    # Spreadsheets and documents
    "XLSX": (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook", EXCEL),
    "XLS": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old Excel workbook (.xls)", EXCEL),
    "XLS in XML": (
        '<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n<Workbook/>',
        "an Excel workbook in XML",
        EXCEL,
    ),
    "XLS in HTML": ("<table border=1><tr><td>claim_id</td></tr></table>", "a table in HTML", EXCEL),
    "ODS": (
        zipped("mimetypeapplication/vnd.oasis.opendocument.spreadsheet"),
        "an OpenDocument spreadsheet",
        SPREADSHEET,
    ),
    "Numbers": (zipped("Index/Document.iwa"), "a Numbers spreadsheet", SPREADSHEET),
    "DOCX": (zipped("word/document.xml"), "a Word document", TEXT),
    "PDF": (b"%PDF-1.7\n", "a PDF document", TEXT),
    "RTF": (r"{\rtf1\ansi claims}", "a rich text document", TEXT),
    "e-mail": (MAIL, "an e-mail", TEXT),
    "e-mail as received": ("Return-Path: <a@example.com>\nReceived: from x\n\nhi\n", "an e-mail", TEXT),
    "mailbox": ("From a@example.com Mon Mar  2 09:00:00 2026\nSubject: x\n", "a mailbox", TEXT),
    "YAML": ("---\n- claim_id: C-1\n  amount: 5\n", "a YAML document", TEXT),
    # Archives
    "ZIP": (zipped("claims.csv"), "a zip archive", INSIDE),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4", "a 7-Zip archive", INSIDE),
    "RAR": (b"Rar!\x1a\x07\x01\0", "a RAR archive", INSIDE),
    "tar": (tarred(), "a tar archive", INSIDE),
    "tar, compressed with gzip": (gzip.compress(tarred()), "a tar archive", INSIDE),
    "bzip2": (bz2.compress(TABLE), "a bzip2 archive", INSIDE),
    "xz": (lzma.compress(TABLE), "an xz archive", INSIDE),
    "LZMA": (lzma.compress(TABLE, format=lzma.FORMAT_ALONE), "an LZMA archive", INSIDE),
    "Zstandard": (b"\x28\xb5\x2f\xfd\x04\x00\x61\0\0" + TABLE, "a Zstandard archive", INSIDE),
    "LZ4": (b"\x04\x22\x4d\x18\x64\x40\xa7" + TABLE, "an LZ4 archive", INSIDE),
    "Snappy": (b"\xff\x06\0\0sNaPpY\x01\x09\0\0" + TABLE, "a Snappy archive", INSIDE),
    "zlib": (zlib.compress(TABLE), "zlib data", INSIDE),
    "compress": (b"\x1f\x9d\x90a\x02\x1d", "a compress archive (.Z)", INSIDE),
    # Binary tables and databases
    "Avro": (b"Obj\x01\x04\x14avro.codec\x08null", "an Avro file", TEXT),
    "ORC": (b"ORC\n\x0b\0\0\x03", "an ORC file", TEXT),
    "Arrow": (b"ARROW1\0\0\xff\xff\xff\xff", "an Arrow file", TEXT),
    "SQLite": (sqlite(), "an SQLite database", TEXT),
    "Access": (b"\0\x01\0\0Standard ACE DB\0", "an Access database", TEXT),
    "dBASE": (dbase(), "a dBASE table (.dbf)", TEXT),
    "SAS": (bytes(12) + bytes.fromhex("c2ea8160b31411cfbd92080009c7318c"), "a SAS data set", TEXT),
    "SAS transport": ("HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!000", "a SAS transport file", TEXT),
    "Stata": (b"<stata_dta><header><release>118</release>", "a Stata file (.dta)", TEXT),
    "old Stata": (b"r\x02\x01\0\x03\0" + bytes(100), "a Stata file (.dta)", TEXT),
    "SPSS": (b"$FL2@(#) SPSS DATA FILE\2\0\0\0", "an SPSS file (.sav)", TEXT),
    "RDS": (gzip.compress(b"X\n\0\0\0\3\0\4\1\2"), "data of R (.rds)", TEXT),
    "pickle": (b"\x80\x04\x95\x10\0\0\0\0\0\0\0]", "a pickle of Python", TEXT),
    "HDF5": (b"\x89HDF\r\n\x1a\n\0", "an HDF5 file", TEXT),
    "SQL": (
        "-- made by a tool\n/* of 2026 */\nINSERT INTO claim VALUES (1);",
        "a script or dump of a database",
        TEXT,
    ),
    "mysqldump": (
        "-- MySQL dump 10.13\n--\n/*!40101 SET NAMES utf8 */;",
        "a dump of a database in SQL",
        TEXT,
    ),
    "pg_dump": ("--\n-- PostgreSQL database dump\n--\n", "a dump of a database in SQL", TEXT),
    "pg_dump, custom": (b"PGDMP\x01\x0e\0", "a dump of PostgreSQL", TEXT),
    "SQL with settings": ("SET NAMES utf8;\nCREATE TABLE x (a int);", "a script or dump", TEXT),
    # Pictures
    "PNG": (b"\x89PNG\r\n\x1a\n\0\0", "a PNG image", PHOTOS),
    "JPEG": (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image", PHOTOS),
    "WebP": (b"RIFF\x10\0\0\0WEBPVP8 ", "a WebP image", PHOTOS),
    "HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC or AVIF image", PHOTOS),
    "BMP": (b"BM\x10\1\0\0\0\0\0\0\x36\0\0\0", "a BMP image", PHOTOS),
    # Encrypted
    "PGP in armour": ("-----BEGIN PGP MESSAGE-----\n\nhQEM\n", "a message of PGP", DECRYPT),
    "PGP": (b"\x85\x01\x0c\x03" + bytes(range(256)), "a file that PGP encrypted", DECRYPT),
    "OpenSSL": (b"Salted__\x01\x02" + bytes(range(256)), "a file that OpenSSL encrypted", DECRYPT),
    "age": ("age-encryption.org/v1\n-> X25519 abc\n", "a file that age encrypted", DECRYPT),
    # Other text
    "UTF-7": ("+/v8-claim_id,amount\nC-1,5\n", "text in UTF-7", "save it as UTF-8"),
    "UTF-7 without a mark": ("claim+AF8-id,claim+AF8-amount\n", "text in UTF-7", "save it as UTF-8"),
    "EBCDIC": (EBCDIC, "text in EBCDIC", "convert it to UTF-8"),
    "fixed width": (FIXED, "a table with columns of fixed width", TEXT),
    "sqlcmd": (SQLCMD, "a table with columns of fixed width", TEXT),
    "psql": (PSQL, "a table drawn with lines", TEXT),
    "MySQL": (MYSQL, "a table drawn with lines", TEXT),
    "Markdown": (MARKDOWN, "a table drawn with lines", TEXT),
    "base64": (base64.encodebytes(TABLE * 9), "base64; decode it", TEXT),
    "uuencode": ("begin 644 claims.csv\n#86)C\n`\nend\n", "uuencoded data", TEXT),
    "data URL": ("data:text/csv;base64,Y2xhaW0=", "base64; decode it", TEXT),
    "EDIFACT": ("UNA:+.? 'UNB+UNOC:3+A+B+260302:0900+1'", "an EDI message", TEXT),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("known", [KNOWN, []], ids=["with a contract", "without a contract"])
def test_what_is_not_a_table_is_refused_by_its_name_with_what_to_do(name: str, known: list[str]) -> None:
    content, what, advice = CASES[name]
    with pytest.raises(RefusedFile) as refused:
        offer(content if isinstance(content, bytes) else content.encode(), known)
    sentence = str(refused.value)
    assert f"this is {what}" in sentence
    assert advice in sentence
    assert len(sentence) < 300


TABLES = [
    "BM,b\x01\n1,2\n",
    "x\x01y\n1\x012\n",
    "ORC,b\n1,2\n",
    "<DATE>,<TIME>,<OPEN>\n2026-03-02,09:00,5\n",
    "From: 2026-03-01\nTo: 2026-03-31\n\nclaim_id,reported_at,amount\nC-1,2026-03-02,5\n",
    "Use case\n\nclaim_id,reported_at,amount\nC-1,2026-03-02,5\n",
    "Set,copy\n1,2\n",
    "claim_id|amount\n--------|------\nC-1|5\n",
    "| claim_id | amount |\n| C-1 | 5 |\n",
    "claim_id amount\nC-1 5\nC-2 6\nC-3 7\n",
    "claim  id,claim  amount\nC-1,5\nC-2,6\nC-3,7\n",
    "claim_id,note\nC-1,<b>bold</b>\n",
    "version,https\n1,2\n",
    "error,message\n1,2\n",
    '{"claim_id": "C-1", "items": [{"a": 1}, {"a": 2}], "note": "one claim with a long text about it"}\n',
    '{"claim_id": "C-1", "error": "none"}\n{"claim_id": "C-2", "error": "none"}\n',
    '{"claim_id": "C-1", "note": "one"}\n',
    "[claim_id],[amount]\nC-1,5\n",
    "+A,+B\n1,2\n",
    "Größe,Maß\n1,2\n",
    "a" * 70 + "\n" + "b" * 64 + "\n",
]


@pytest.mark.parametrize("content", TABLES)
def test_a_table_that_looks_a_little_like_something_else_is_read(content: str) -> None:
    assert offer(content.encode(), KNOWN).prepared.size > 0
    assert offer(content.encode()).prepared.size > 0


def test_text_in_latin_1_with_hardly_any_ascii_is_not_taken_for_ebcdic() -> None:
    content = ("Größe;Maß\n" + "ÄÖÜäöüß;éèêàâ\n" * 200).encode("cp1252")
    assert detect_unsupported_format(content) is None


@pytest.mark.parametrize(
    "piece",
    [
        "<!---->",
        "-" * 9 + " ",
        "/**/",
        "+AEB-",
        "X-a: b\n",
        "<a ",
        "{'a",
        "[ ",
        "a  ",
        "INSERT ",
        "--\n",
        "+-",
    ],
)
def test_hostile_text_is_recognised_or_not_in_linear_time(piece: str) -> None:
    text = (piece * (1 << 20))[: 1 << 20]
    started = time.process_time()
    detect_unsupported_text(text)
    assert time.process_time() - started < 2


def test_sentences_follow_one_pattern() -> None:
    with pytest.raises(RefusedFile) as refused:
        offer(zipped("xl/workbook.xml"))
    assert re.fullmatch(r"this is [^;]+; open it and save the sheet with .*", str(refused.value))
