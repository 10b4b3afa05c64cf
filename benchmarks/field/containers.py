"""The same plain rows in the containers that tools write: joined, packed, padded and with marks."""

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from random import Random

from benchmarks.field.generated import GeneratedFile, TrueRow, contract_text

CONTRACT = contract_text(
    [
        "{name: amount, logicalType: number, required: false}",
        "{name: cause, logicalType: string, required: false}",
    ]
)
HEADER = "claim_id,reported_at,amount,cause"
MARK = "\ufeff"


def draw(random: Random) -> GeneratedFile:
    """Return a file of one to four parts; a header that is repeated is a row that must not be loaded."""
    parts, number = [], 0
    for _ in range(random.randint(1, 4)):
        size = random.randint(1, 6)
        parts.append([_values(random, number + place) for place in range(size)])
        number += size
    content, rows = random.choice((_csv, _csv, _json))(random, parts)
    if random.random() < 0.3:
        content += random.choice((b"\x1a", bytes(512), b"\r\n\x1a"))
    packed = content.startswith(b"\x1f\x8b")
    if random.random() < 0.3 and not packed:
        content = gzip.compress(content, mtime=0) + random.choice((b"", b"\r\n", bytes(100)))
    return GeneratedFile("container", content, CONTRACT, rows)


def _values(random: Random, number: int) -> dict[str, object]:
    return {
        "claim_id": f"{random.choice(('C-', 'claim_', 'cause'))}{number}",
        "reported_at": datetime(2026, 3, 2, 8, number, tzinfo=UTC),
        "amount": Decimal(random.randrange(10**6)) / 100,
        "cause": random.choice(("hail", "fire, then water", 'a "crash"', "two\nlines")),
    }


def _csv(random: Random, parts: list[list[dict[str, object]]]) -> tuple[bytes, list[TrueRow]]:
    newline, quoted = random.choice(("\n", "\r\n")), random.random() < 0.5
    headers, texts, rows = random.random() < 0.7, list[str](), list[TrueRow]()
    for number, part in enumerate(parts):
        text = MARK if random.random() < 0.6 else ""
        if number == 0 or headers:
            text += random.choice((HEADER, HEADER.upper())) + newline
        if number and headers:
            rows.append(TrueRow(None))
        for values in part:
            cells = [_text(value).replace('"', '""') for value in values.values()]
            text += (
                ",".join(f'"{cell}"' if quoted or set(cell) & set(',"\n') else cell for cell in cells)
                + newline
            )
            rows.append(TrueRow(values, plain=True))
        texts.append(text)
    if random.random() < 0.3:  # members of gzip
        return b"".join(gzip.compress(text.encode(), mtime=0) for text in texts), rows
    return "".join(texts).encode(), rows


def _json(random: Random, parts: list[list[dict[str, object]]]) -> tuple[bytes, list[TrueRow]]:
    indent, between = random.choice((None, 2)), random.choice(("", "\n", "\r\n\r\n", ",\n"))
    array, rows, texts = random.random() < 0.5, list[TrueRow](), list[str]()
    for part in parts:
        objects = []
        for values in part:
            text = json.dumps({key: _json_value(value) for key, value in values.items()}, indent=indent)
            twice = random.random() < 0.1
            if twice:
                text = text[:-1] + f', "{random.choice(("amount", "AMOUNT", "Amount "))}": 1}}'
            objects.append(text)
            rows.append(TrueRow(None) if twice else TrueRow(values, plain=True))
        text = f"[{','.join(objects)}]" if array else between.join(objects)
        texts.append((MARK if random.random() < 0.5 else "") + text)
    return between.join(texts).encode(), rows


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _json_value(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else _text(value)
