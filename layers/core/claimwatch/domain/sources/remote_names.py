"""Names of files of other servers, as text that PostgreSQL, JSON and S3 hold.

A name is a sequence of bytes, in UTF-8 on most servers. A byte that is not UTF-8 becomes a character for
private use, U+EF80 to U+EFFF, and so do the bytes of a name that has such a character itself. So every name
has a text of its own, and the text leads back to the name.
"""

import re

_ESCAPE = 0xEF00
_ESCAPED = re.compile("[\uef80-\uefff]")
_SURROGATE = 0xDC00
_SURROGATES = re.compile("[\udc80-\udcff]")


def name_of(raw: bytes) -> str:
    """Return the text of a name."""
    text = raw.decode("utf-8", "surrogateescape")
    text = _ESCAPED.sub(lambda found: "".join(chr(_ESCAPE + byte) for byte in found[0].encode()), text)
    return _SURROGATES.sub(lambda found: chr(ord(found[0]) - _SURROGATE + _ESCAPE), text)


def path_bytes(path: str) -> bytes:
    """Return the name, or the path of names, with this text."""
    text = _ESCAPED.sub(lambda found: chr(ord(found[0]) - _ESCAPE + _SURROGATE), path)
    return text.encode("utf-8", "surrogateescape")
