"""Detection of the character encoding of a file."""

import codecs
from enum import StrEnum

import numpy as np


class Encoding(StrEnum):
    """A character encoding that can be read."""

    UTF_8 = "utf-8"
    UTF_16_LE = "utf-16-le"
    UTF_16_BE = "utf-16-be"
    UTF_32_LE = "utf-32-le"
    UTF_32_BE = "utf-32-be"
    CP1252 = "cp1252"
    """Latin-1 in practice: windows-1252, and Latin-1 for the five bytes undefined there."""

    @property
    def common_name(self) -> str:
        """The usual name, without the byte order."""
        return "latin-1" if self is Encoding.CP1252 else self.value.removesuffix("-le").removesuffix("-be")


_MARKS = (
    (codecs.BOM_UTF8, Encoding.UTF_8),
    (codecs.BOM_UTF32_LE, Encoding.UTF_32_LE),  # before UTF-16, whose mark is a prefix of this one
    (codecs.BOM_UTF32_BE, Encoding.UTF_32_BE),
    (codecs.BOM_UTF16_LE, Encoding.UTF_16_LE),
    (codecs.BOM_UTF16_BE, Encoding.UTF_16_BE),
)


def detect_encoding(head: bytes) -> tuple[Encoding, int]:
    """Return the encoding suggested by the first bytes, and the length of the byte order mark.

    Without a mark and without the zero bytes of UTF-16 and UTF-32, the answer is UTF-8. ``EncodingDetector``
    gives a better answer after it has read the whole file.
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    share = head.count(0) / max(1, len(head))
    if share < 0.01 or share > 0.9 or (share < 0.3 and is_utf8(head)):
        return Encoding.UTF_8, 0
    begin = head[:1024]  # only the beginning: a lost byte shifts everything after it
    quads = np.frombuffer(begin, "<u4", len(begin) // 4)
    for encoding, units in ((Encoding.UTF_32_LE, quads), (Encoding.UTF_32_BE, quads.byteswap())):
        if len(units) and np.count_nonzero(units <= _LAST_CHARACTER) > 0.9 * len(units):
            return encoding, 0
    pairs = np.frombuffer(begin, "<u2", len(begin) // 2)
    little, big = (int(np.count_nonzero(units <= _LAST_ASCII)) for units in (pairs, pairs.byteswap()))
    # A few Chinese characters look like ASCII in the wrong byte order; delimiters and line breaks outnumber
    # them.
    if max(little, big) > 2 * min(little, big) and max(little, big) > 0.03 * len(pairs):
        return Encoding.UTF_16_LE if little > big else Encoding.UTF_16_BE, 0
    return Encoding.UTF_8, 0


_LAST_ASCII, _LAST_CHARACTER = 0x7F, 0x10FFFF


def is_utf8(head: bytes) -> bool:
    """Return whether the bytes are UTF-8; the last character may be cut off."""
    try:
        codecs.utf_8_decode(head, "strict", False)
    except UnicodeDecodeError:
        return False
    return True


class EncodingDetector:
    """Decides whether bytes that are not all ASCII are damaged UTF-8 or a one-byte encoding.

    Feed it the whole file in blocks of any size. UTF-8 text has more valid sequences than stray bytes; in
    Latin-1 text it is the other way round. Bytes that are rare in Latin-1 text count as damage.
    """

    def __init__(self) -> None:
        self.sequences = 0
        """Number of characters of two to four bytes."""
        self.strays = 0
        """Number of bytes outside of any UTF-8 character that could be a windows-1252 character."""
        self.damage = 0
        """Number of bytes that are a character in neither encoding."""
        self._pending = b""

    def feed(self, block: bytes) -> None:
        """Count the characters of a block. ASCII blocks are processed at memory speed."""
        if not self._pending and block.isascii():
            return
        data = self._pending + block if self._pending else block
        try:
            _, used = codecs.utf_8_decode(data, "strict", False)
            self.sequences += int(np.count_nonzero(np.frombuffer(data, np.uint8, used) >= _LEAD))
        except UnicodeDecodeError:
            used = self._count_damaged(data)
        self._pending = data[used:]

    def _count_damaged(self, data: bytes) -> int:
        """Count bytes that are not all UTF-8, sequences by their shape alone; return the number counted."""
        padded = np.frombuffer(data + bytes(3), np.uint8)
        high = np.flatnonzero(padded >= 0x80)
        continues = (padded & 0xC0) == 0x80
        lengths = np.array([0, 2, 3, 4])[np.searchsorted(_LEADS, padded[high], "right")]
        lengths[padded[high] > _LAST_LEAD] = 0
        cut = high + lengths > len(data)
        used = int(high[cut][0]) if cut.any() else len(data)
        high, lengths = high[high < used], lengths[high < used]
        covered = np.zeros(len(padded), np.bool_)
        for length in (2, 3, 4):
            places = high[lengths == length]
            for offset in range(1, length):
                places = places[continues[places + offset]]
            for part in range(length):
                covered[places + part] = True
            self.sequences += len(places)
        strays = padded[high][~covered[high]]
        damage = int(np.count_nonzero(np.isin(strays, _UNLIKELY_STRAYS)))
        self.strays += len(strays) - damage
        self.damage += damage
        return used

    def encoding(self) -> Encoding:
        """Return UTF-8 or CP1252, judging by the blocks fed so far."""
        strays = self.strays + (1 if self._pending else 0)
        return Encoding.CP1252 if strays > self.sequences + self.damage else Encoding.UTF_8


_LEAD = 0xC0
_LEADS = np.array([0xC2, 0xE0, 0xF0], np.uint8)
"""Smallest lead bytes of two, three and four bytes."""
_LAST_LEAD = 0xF4
# The bytes that windows-1252 leaves undefined, and 0xFF: hardly any word contains that letter.
_UNLIKELY_STRAYS = np.array([0x81, 0x8D, 0x8F, 0x90, 0x9D, 0xFF], np.uint8)
