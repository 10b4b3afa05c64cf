"""Recognition of text that is not a table, so that it is refused with advice."""

import re

from claimwatch.domain.files.unsupported import SEND_TEXT

_FETCH = "fetch the file again and send that"
_DECRYPT = "send it decrypted; the bucket encrypts it"
_UTF_8 = "save it as UTF-8"
_EXCEL = 'open it in Excel and save the sheet with File > Save As > "CSV UTF-8 (Comma delimited)"'

_COMMENTS = r"(?:\s*(?:--[^\n]*\n|/\*.*?\*/;?))*+\s*"
_BEGINNINGS = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), what)
    for pattern, what in (
        (
            r"version https://git-lfs\.github\.com/spec/",
            "a Git LFS pointer, not the file it stands for; run `git lfs pull` and send that",
        ),
        (
            r"(?:[./]*\.git)?/annex/objects/",
            "a git-annex pointer, not the file it stands for; run `git annex get` and send that",
        ),
        (
            r"(?:<\?xml[^>]*>\s*)?<Error>\s*<Code>",
            f"an error message of a server in XML, not the file that was asked for; {_FETCH}",
        ),
        (
            r"<\?xml[^>]*>\s*<\?mso-application\s+progid=.Excel|(?:<\?xml[^>]*>\s*)?<(?:ss:)?Workbook\b",
            f"an Excel workbook in XML; {_EXCEL}",
        ),
        (
            r"(?:<!--.*?-->\s*)*+<(?:!doctype\s+html|html|head|body|script|meta|title|style|div|p)\b",
            f"a web page, perhaps one that asks for a login; {_FETCH}",
        ),
        (r"<table\b", f"a table in HTML, as some programs write .xls files; {_EXCEL}"),
        (r"<(?:\?xml\b|!doctype\b|!--)", f"an XML document; {SEND_TEXT}"),
        (r"<([a-z_][\w:.-]*)(?:\s[^<>]*)?(?:/>|>.*</(?:\1>|[a-z]))", f"an XML document; {SEND_TEXT}"),
        (r"\{\\rtf", f"a rich text document; {SEND_TEXT}"),
        (r"-----BEGIN PGP (?:MESSAGE|SIGNED)", f"a message of PGP, encrypted or signed; {_DECRYPT}"),
        (r"-----BEGIN [A-Z0-9 ]+-----", f"a key, a certificate or an encrypted message; {SEND_TEXT}"),
        (r"\$ANSIBLE_VAULT;", f"a file that Ansible encrypted; {_DECRYPT}"),
        (r"age-encryption\.org/", f"a file that age encrypted; {_DECRYPT}"),
        (r"Salted__|U2FsdGVkX1", f"a file that OpenSSL encrypted; {_DECRYPT}"),
        (r"\+/v[89+/]", f"text in UTF-7; {_UTF_8}"),
        (r"HTTP/\d(?:\.\d)? \d{3}\b", f"an answer of a web server with its headers; {_FETCH}"),
        (r"--[^\s,;|]+\r?\n(?:[^\n]*\n)?Content-Disposition:", f"an upload form (multipart); {SEND_TEXT}"),
        (
            r"(?:[A-Z][\w-]*:[^\n]*\n(?:[ \t][^\n]*\n)*+){1,50}?(?:Message-ID|MIME-Version|Received):",
            f"an e-mail; {SEND_TEXT}",
        ),
        (r"(?:Return-Path|Received|Delivered-To|MIME-Version): ", f"an e-mail; {SEND_TEXT}"),
        (r"From \S+@\S+ +\w{3} +\w{3} ", f"a mailbox; {SEND_TEXT}"),
        (r"BEGIN:V(?:CARD|CALENDAR)\b", f"a vCard or a calendar; {SEND_TEXT}"),
        (r"data:[\w/+.-]+;base64,", f"base64; decode it and {SEND_TEXT}"),
        (r"begin [0-7]{3} \S+\r?\n", f"uuencoded data; decode it and {SEND_TEXT}"),
        (
            r"(?:--[ \t]*\n)?-- (?:MySQL|MariaDB|PostgreSQL)\b|/\*!\d",
            f"a dump of a database in SQL; {SEND_TEXT}",
        ),
        (
            _COMMENTS
            + r"(?:CREATE\s+(?:TABLE|DATABASE|SCHEMA|TEMP)|INSERT\s+INTO|DROP\s+TABLE|LOCK\s+TABLES)\s",
            f"a script or dump of a database in SQL; {SEND_TEXT}",
        ),
        (
            _COMMENTS + r"(?:BEGIN(?:\s+TRANSACTION)?;|PRAGMA\s+\w+\s*=|"
            r"SET\s+(?:NAMES\s|\w+\s*=|\w+\s+ON\b)|COPY\s+\S+\s*\(|"
            r"USE\s+\[?\w+\]?(?:;|\s*\nGO\b))",
            f"a script or dump of a database in SQL; {SEND_TEXT}",
        ),
        (r"HEADER RECORD\*{7}(?:LIBRARY|LIBV8)", f"a SAS transport file (.xpt); {SEND_TEXT}"),
        (r"\s*@relation\s[^\n]*\n.*@data\b", f"an ARFF file of Weka; {SEND_TEXT}"),
        (r"UNA.{6}\s*UNB|UNB\+|ISA[*|].{100,110}?GS|MSH\|\^", f"an EDI message; {SEND_TEXT}"),
        (r"---\s*\n(?:- |\w+:)|- \w+: [^\n]*\n  \w+:", f"a YAML document; {SEND_TEXT}"),
        (
            r"(?:(?:var|let|const)\s+)?[a-z_$][\w.$]*\s*(?:=|\()\s*[\[{]\s*[\[{\"']",
            f"JavaScript; {SEND_TEXT}",
        ),
        (r"[\[\s]*\{\s*'[^'\n]*'\s*:", f"Python's notation of objects, not JSON; {SEND_TEXT}"),
    )
)
_BASE64 = re.compile(
    r"(?=[^\n]*[G-Z])(?=[^\n]*[g-z])(?:(?:[A-Za-z0-9+/]{64}\r?\n){2}|(?:[A-Za-z0-9+/]{76}\r?\n){2}|"
    r"[A-Za-z0-9+/]{200,}={0,2}\s*\Z)"
)
_DELIMITERS = re.compile(r"[,;|\t]")
_GAP = re.compile(r"\S {2,}\S")
_UTF_7 = re.compile(r"\+A[A-P][A-Za-z0-9+/]-")
_FRAME = "+-=\u250c\u2500\u252c\u2510\u2554\u2550\u2566\u2557"
_LINES, _FEW, _WIDEST = 200, 3, 4096


def detect_unsupported_text(sample: str) -> str | None:
    """Return what the text seems to be and what to send instead, or None if it may be a table."""
    begin = sample[:4096].lstrip(" \t\r\n\v\f\ufeff")
    for pattern, what in _BEGINNINGS:
        if pattern.match(begin):
            return what
    if _BASE64.match(begin):
        return f"base64; decode it and {SEND_TEXT}"
    lines = [line.rstrip("\r") for line in sample.split("\n", _LINES)[:_LINES] if line.strip()]
    lines = lines or [""]
    if len(_UTF_7.findall(lines[0])) > 1:
        return f"text in UTF-7; {_UTF_8}"
    if _is_drawn(*lines[:2]):
        return f"a table drawn with lines, as programs print it; {SEND_TEXT}"
    if _is_fixed_width(lines):
        return f"a table with columns of fixed width, without a separator; {SEND_TEXT}"
    return None


def _is_drawn(first: str, second: str = "") -> bool:
    """Return whether the first lines are those of MySQL, psql or Markdown; their cells end in spaces."""
    if first.startswith(("+-", "+=", "\u250c", "\u2554")) and set(first) <= set(_FRAME):
        return True
    line = second.strip()
    if first.lstrip().startswith("|") and line.startswith("|") and "--" in line and set(line) <= set("|-: "):
        return True
    return "-+-" in line and set(line) <= set("-+")


def _is_fixed_width(lines: list[str]) -> bool:
    """Return whether the cells are aligned by spaces.

    The first line has no delimiter and a gap of several spaces. The next line rules it off, or in all lines
    the same places are blank.
    """
    if len(lines) < 2 or _DELIMITERS.search(lines[0]) or not _GAP.search(lines[0].strip()):
        return False
    ruler = lines[1].strip()
    if "--" in ruler and " " in ruler and set(ruler) <= set("-= "):
        return True
    whole = lines[:-1] if len(lines) > _FEW else lines  # the sample may cut off the last line
    width = max(map(len, whole))
    rows = [line.ljust(width) for line in whole if not _DELIMITERS.search(line)]
    if width > _WIDEST or len(rows) < _FEW or len(rows) < 0.9 * len(whole):
        return False
    return not all(any(row[place] != " " for row in rows) for place in range(width))
