"""Reading numbers and times from words of eight bytes, thousands at once."""

import numpy as np
import numpy.typing as npt

from claimwatch.domain.files.records import Positions
from claimwatch.domain.validation.fast_path.cells import FIRST_BYTES, WORD, Cells, Mask, Words

type Values = npt.NDArray[np.float64]

MOST_DIGITS = 15
"""A float has room for so many, whichever they are."""

LAST_DAY = 9999_12_29
"""Days up to it, in every time zone, are days to everybody who reads them."""


def _word(text: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(text, "little"))


def _bytes(first: int, behind: int) -> np.uint64:
    """All bits of these bytes of a word."""
    return np.uint64(FIRST_BYTES[behind] ^ FIRST_BYTES[first])


_ZEROS, _POINTS = _word(b"0" * WORD), _word(b"." * WORD)
_ONES, _HIGHS = _word(b"\x01" * WORD), _word(b"\x80" * WORD)
_HALVES, _SIXES = _word(b"\xf0" * WORD), _word(b"\x06" * WORD)
_JOINING = tuple(
    (np.uint64(kept), np.uint64(joined), np.uint64(bits))
    for kept, joined, bits in (
        (0x0F0F0F0F0F0F0F0F, (10 << 8) + 1, 8),
        (0x00FF00FF00FF00FF, (100 << 16) + 1, 16),
        (0x0000FFFF0000FFFF, (10_000 << 32) + 1, 32),
    )
)
_LEADING = np.array([_word(b"0" * (WORD - number)) for number in range(WORD + 1)])
_POWERS = np.array([10**number for number in range(WORD + 1)], np.float64)
_ONE_BYTE, _TWO_BYTES = np.uint64(8), np.uint64(16)

_LEAP = np.array([year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) for year in range(10_000)])
_DAYS = np.zeros(10_000, np.bool_)
"""Which numbers MMDD are days, in a leap year at least."""
for _month, _last in enumerate((31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), start=1):
    _DAYS[_month * 100 + 1 : _month * 100 + _last + 1] = True
_29_FEBRUARY = 229


def whole_numbers(cells: Cells) -> tuple[Mask, Values]:
    """Which cells are digits, perhaps with a minus, and the numbers that they are."""
    negative, digits = _unsigned(cells)
    found, value = _digits(digits, digits.lengths)
    return found, np.where(negative, -value, value)


def numbers(cells: Cells) -> tuple[Mask, Values]:
    """Which cells are digits, perhaps with a minus and a point among them, and the numbers that they are."""
    negative, digits = _unsigned(cells)
    point = np.minimum(_first_point(digits), digits.lengths)
    found, value = _digits(digits, point)
    behind = digits.lengths - point - 1
    pointed = behind >= 0
    if pointed.any():
        few = np.minimum(np.maximum(behind, 0), WORD)
        read, fraction = _eight_digits(_aligned(digits.words_at(digits.starts + point + 1), few))
        found &= ~pointed | (read & (behind > 0) & (behind <= WORD))
        # All digits as one number, and then divided once: the float that is nearest.
        value = np.where(pointed, (value * _POWERS[few] + fraction) / _POWERS[few], value)
    return found, np.where(negative, -value, value)


def days(cells: Cells) -> tuple[Mask, Values]:
    """Which cells are a day as YYYY-MM-DD, and the numbers YYYYMMDD."""
    found, value = _day(cells)
    return found & (cells.lengths == len("YYYY-MM-DD")), value


def seconds(cells: Cells) -> tuple[Mask, Values]:
    """Which cells are a time as YYYY-MM-DDThh:mm:ss, perhaps with a Z, and the numbers YYYYMMDDhhmmss."""
    length = len("YYYY-MM-DDThh:mm:ss")
    found, day = _day(cells)
    between, last = cells.byte(cells.starts + 10), cells.byte(cells.starts + length)
    found &= (between == b"T"[0]) | (between == b" "[0])
    found &= (cells.lengths == length) | ((cells.lengths == length + 1) & (last == b"Z"[0]))
    word = cells.whole_word(11)
    found &= word & (_bytes(2, 3) | _bytes(5, 6)) == _word(b"\0\0:\0\0:")
    hour, minute = word & _bytes(0, 2), word >> _ONE_BYTE & _bytes(2, 4)
    digits = hour | minute | word >> _TWO_BYTES & _bytes(4, 6)
    read, time = _eight_digits(digits << _TWO_BYTES | _LEADING[6])
    found &= read & (time < 24_00_00) & (time % 1_00_00 < 60_00) & (time % 1_00 < 60)
    return found, day * 1e6 + time


def _unsigned(cells: Cells) -> tuple[Mask, Cells]:
    """Which cells have a minus, and all of them without."""
    negative: Mask = cells.byte(cells.starts) == b"-"[0]
    return negative, cells.without_first(negative) if negative.any() else cells


def _digits(cells: Cells, number: Positions) -> tuple[Mask, Values]:
    """Which cells begin with so many digits, at least one, and the numbers that these are."""
    last = np.minimum(number, WORD)
    found, value = _eight_digits(_aligned(cells.words_at(cells.starts + number - last), last))
    found &= (number > 0) & (number <= MOST_DIGITS)
    if (number > WORD).any():
        first = np.minimum(np.maximum(number - WORD, 0), WORD)
        read, high = _eight_digits(_aligned(cells.whole_word(), first))
        found &= read
        value = high * _POWERS[WORD] + value
    return found, value


def _aligned(word: Words, number: Positions) -> Words:
    """The first so many digits of each word, with zeros before them that make them eight."""
    aligned: Words = word << (8 * (WORD - number)).astype(np.uint64) | _LEADING[number]
    return aligned


def _eight_digits(word: Words) -> tuple[Mask, Values]:
    """Which words are eight digits, and their values.

    Two digits are joined to a number below 100, two of these to one below 10,000, and these to the value, at
    all places of a word at once (Daniel Lemire, "Quickly parsing eight digits", 2018).
    """
    found: Mask = ((word & _HALVES) == _ZEROS) & (((word + _SIXES) & _HALVES) == _ZEROS)
    for kept, joined, bits in _JOINING:
        word = (word & kept) * joined >> bits
    return found, word.astype(np.float64)


def _first_point(cells: Cells) -> Positions:
    """The place of the first point among the first eight bytes of each, or 8."""
    word = cells.word() ^ _POINTS
    zero = (word - _ONES) & ~word & _HIGHS  # its lowest bit is the highest of the first byte that was a point
    return (np.bitwise_count((zero & (~zero + np.uint64(1))) - np.uint64(1)) >> 3).astype(np.int64)


def _day(cells: Cells) -> tuple[Mask, Values]:
    """Which cells begin with a day as YYYY-MM-DD, and the numbers YYYYMMDD."""
    first, third = cells.whole_word(), cells.whole_word(2)
    year, month, day = first & _bytes(0, 4), first >> _ONE_BYTE & _bytes(4, 6), third & _bytes(6, 8)
    found, value = _eight_digits(year | month | day)
    found &= first & (_bytes(4, 5) | _bytes(7, 8)) == _word(b"\0\0\0\0-\0\0-")
    number = np.where(found, value, 0).astype(np.int64)
    of_year = number % 1_00_00
    found &= _DAYS[of_year] & ((of_year != _29_FEBRUARY) | _LEAP[number // 1_00_00])
    return found & (number >= 1_00_00) & (number <= LAST_DAY), value
