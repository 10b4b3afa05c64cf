"""Seeded mutation of bytes: small edits, hostile snippets, and numbers at the edges of their types."""

from collections.abc import Sequence
from random import Random

MOST_BYTES = 4 << 20
"""Size limit of a mutated input."""

HOSTILE_TEXTS = (
    "\0",
    "\ufeff",
    "\u2028",
    "\x85",
    "\x1a",
    "\x1b[2J",
    "\x1c",
    "\u202e",
    "\u00a0",
    "\x7f",
    '"',
    '""',
    '"\n',
    "'",
    ",",
    ";",
    "\t",
    "|",
    "\r",
    "\n",
    "\r\n",
    "\n\n\n\n",
    "\\",
    "\\.",
    "\\N",
    "$$",
    "%s",
    "{}",
    "[",
    "=1+1",
    "NULL",
    "NaN",
    "Infinity",
    "-0",
    "1e400",
    "1e-400",
    "0x1F",
    "1_000",
    "\u0661\u0662",
    "0001-01-01 BC",
    "9999-12-31T23:59:60",
    "1" * 20,
    "9" * 400,
    "é",
    "e\u0301",
    "\U0001f600",
    "ﬁ",
)
"""Texts that parsers, databases or terminals treat in a special way."""

LONG_TEXTS = (
    "9" * 5_000,
    "1" * 140_000,
    "x" * 4_000,
    "é" * 3_000,
    "[" * 10_000,
    '{"a":' * 10_000,
    '"' * 5_000,
    "," * 3_000,
    "\n" * 20_000,
    "x" * 1_100_000,
)
"""Texts that are long in some way; rarely used, because reading them takes long."""

HOSTILE_BYTES = (
    b"\xff",
    b"\xfe\xff",
    b"\xff\xfe",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\x80",
    b"\x1f\x8b\x08",
    b"PAR1",
    b"PK\x03\x04",
    bytes(64),
)


def hostile_text(random: Random, *, longest: int = 1 << 21) -> str:
    """Draw a hostile text; a long one rarely, and never one of more than ``longest`` characters."""
    text = random.choice(LONG_TEXTS if random.random() < 0.03 else HOSTILE_TEXTS)
    return text if len(text) <= longest else random.choice(HOSTILE_TEXTS)


def mutated(random: Random, data: bytes, *, others: Sequence[bytes] = (), most: int = 6) -> bytes:
    """Return the data after one to ``most`` random edits; pieces of ``others`` may be inserted."""
    result = bytearray(data)
    for _ in range(random.randint(1, most)):
        _edit(random, result, others)
    return bytes(result[:MOST_BYTES])


def _edit(random: Random, data: bytearray, others: Sequence[bytes]) -> None:
    at = random.randint(0, len(data))
    end = min(len(data), at + int(random.paretovariate(0.6)))
    match random.randrange(12):
        case 0 | 1:
            if at < len(data):
                data[at] ^= 1 << random.randrange(8)
        case 2:
            if at < len(data):
                data[at] = random.choice((0, 9, 10, 13, 0x22, 0x2C, 0x7F, 0x80, 0xFE, 0xFF))
        case 3 | 4:
            data[at:at] = hostile_text(random).encode()
        case 5:
            data[at : at + random.randint(0, 4)] = random.choice(HOSTILE_BYTES)
        case 6:
            del data[at:end]
        case 7:
            data[at:at] = data[at:end]
        case 8:
            if end - at > 0:
                data[at:at] = data[at:end] * random.choice((2, 3, 10, 100, min(5_000, 100_000 // (end - at))))
        case 9:
            if random.random() < 0.5:
                del data[at:]
            else:
                del data[:at]
        case 10:
            size = random.choice((1, 2, 4, 8))
            data[at : at + size] = edge_number(random, size).to_bytes(size, random.choice(("big", "little")))
        case _:
            other = random.choice(others or (bytes(data),))
            start = random.randint(0, len(other))
            data[at:end] = other[start : start + int(random.paretovariate(0.5))]


def edge_number(random: Random, size: int) -> int:
    """Draw an unsigned number of ``size`` bytes at which types end or lengths are exceeded."""
    bits = 8 * size
    edges = (0, 1, 2, (1 << bits) - 1, (1 << bits) - 2, 1 << (bits - 1), (1 << (bits - 1)) - 1)
    return random.choice((*edges, random.getrandbits(bits), random.getrandbits(bits // 2)))
