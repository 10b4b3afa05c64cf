"""Numbers in many notations, in contracts that describe these or other notations."""

import csv
import io
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random

import duckdb

from benchmarks.field.generated import GeneratedFile, TrueRow, contract_text

FIELDS = ("claim_id", "reported_at", "amount", "pieces")
REPORTED = "2026-03-02T08:15:00Z"


@dataclass(frozen=True)
class Notation:
    """How the numbers of a contract are written."""

    decimal: str = "."
    thousands: str = ""
    unit: str = ""
    negatives: tuple[str, ...] = ()

    def contract(self) -> str:
        """Return a contract with this notation."""
        properties = [
            f'{{property: decimalSeparator, value: "{self.decimal}"}}',
            f'{{property: thousandsSeparator, value: "{self.thousands}"}}',
            f"{{property: negativeNumbers, value: [{', '.join(self.negatives)}]}}",
        ]
        unit = f", {{property: numberUnit, value: {json.dumps(self.unit)}}}" if self.unit else ""
        amount = (
            "{name: amount, logicalType: number, required: false, "
            f"customProperties: [{{property: role, value: feature}}{unit}]}}"
        )
        return contract_text([amount, "{name: pieces, logicalType: integer, required: false}"], properties)


CONTRACTS = (
    Notation(),
    Notation(".", ","),
    Notation(",", ""),
    Notation(",", "."),
    Notation(",", " "),
    Notation(".", "'"),
    Notation(".", ",", "$", ("brackets",)),
    Notation(",", ".", "EUR", ("trailing",)),
    Notation(".", "", "%", ("brackets", "trailing")),
)
ALIKE = {" ": " \u00a0\u202f\u2009", "'": "'\u2019"}
type Written = tuple[str, Decimal | None, bool]
"""A text, its value or None if it must never be loaded, and whether it must be loaded."""


def draw(random: Random) -> GeneratedFile:
    """Return a file of 1 to 60 rows, as CSV, NDJSON or Parquet."""
    notation = random.choice(CONTRACTS)
    cells: list[tuple[str | Decimal, str | int]] = []
    rows = []
    of_json = random.random() < 0.4
    for number in range(random.randint(1, 60)):
        amount, amount_meant, amount_plain = random.choice(AMOUNTS)(random, notation)
        pieces, pieces_meant, pieces_plain = random.choice(PIECES)(random, notation)
        if of_json and random.random() < 0.3:  # a number of JSON, in whatever notation the contract has
            amount_meant, amount_plain = _value(random), True
            cells.append((amount_meant, pieces))
        else:
            cells.append((amount, pieces))
        if amount_meant is None or pieces_meant is None:
            rows.append(TrueRow(None))
            continue
        values = {"claim_id": f"N{number}", "amount": amount_meant, "pieces": int(pieces_meant)}
        rows.append(TrueRow(values, plain=amount_plain and pieces_plain))
    if not of_json and random.random() < 0.2:
        return _parquet(random, notation)
    write = _ndjson if of_json else _csv
    name = "numbers.ndjson" if of_json else "numbers.csv"
    return GeneratedFile(name, write(cells), notation.contract(), rows)


def _csv(cells: Sequence[tuple[object, object]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(FIELDS)
    writer.writerows([f"N{number}", REPORTED, *row] for number, row in enumerate(cells))
    return text.getvalue().encode()


def _ndjson(cells: Sequence[tuple[object, object]]) -> bytes:
    lines = []
    for number, (amount, pieces) in enumerate(cells):
        written = str(amount) if isinstance(amount, Decimal) else json.dumps(amount)
        lines.append(
            f'{{"claim_id": "N{number}", "reported_at": "{REPORTED}", "amount": {written},'
            f' "pieces": {json.dumps(pieces)}}}\n'
        )
    return "".join(lines).encode()


def _parquet(random: Random, notation: Notation) -> GeneratedFile:
    """Return a file whose amounts are doubles or decimals, with two or three decimals."""
    places = random.choice([2, 3])
    amounts = [
        random.choice([None, Decimal(random.randrange(-(10**7), 10**7)).scaleb(-places)])
        for _ in range(random.randint(1, 40))
    ]
    kind = random.choice(["DOUBLE", f"DECIMAL(18, {places})"])
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as engine:
        path = Path(folder) / "numbers.parquet"
        engine.execute("CREATE TABLE numbers (claim_id VARCHAR, reported_at VARCHAR, pieces DOUBLE)")
        engine.execute(f"ALTER TABLE numbers ADD COLUMN amount {kind}")
        engine.executemany(
            "INSERT INTO numbers VALUES (?, ?, ?, ?)",
            [(f"N{number}", REPORTED, number, amount) for number, amount in enumerate(amounts)],
        )
        engine.execute(f"COPY numbers TO '{path}' (FORMAT parquet)")
        content = path.read_bytes()
    rows = [
        TrueRow({"claim_id": f"N{number}", "amount": amount, "pieces": number}, plain=True)
        for number, amount in enumerate(amounts)
    ]
    return GeneratedFile("numbers.parquet", content, notation.contract(), rows)


# -- Values --------------------------------------------------------------------------------------------------


def _value(random: Random) -> Decimal:
    """Return an amount with two decimals, usually one that has groups."""
    size = random.choice([1, 100, 10**4, 10**6, 10**9])
    return random.choice([1, 1, -1]) * Decimal(random.randrange(size, 100 * size)) / 100


def _groups(digits: str, separators: str, random: Random) -> str:
    text = digits
    for end in range(len(digits) - 3, 0, -3):
        text = text[:end] + random.choice(separators) + text[end:]
    return text


def _written(value: Decimal, decimal: str, separators: str, random: Random) -> str:
    """Return the absolute value of an amount, grouped if there are separators."""
    whole, fraction = f"{abs(value):.2f}".split(".")
    return (_groups(whole, separators, random) if separators else whole) + decimal + fraction


def _as_in(notation: Notation, value: Decimal, random: Random) -> str:
    separators = ALIKE.get(notation.thousands, notation.thousands)
    return _written(value, notation.decimal, random.choice(["", separators]), random)


def _minus(value: Decimal) -> str:
    return "-" if value < 0 else ""


# -- Amounts -------------------------------------------------------------------------------------------------


def _right(random: Random, notation: Notation) -> Written:
    value = _value(random)
    sign = "-" if value < 0 else random.choice(["", "", "+"])
    blanks = random.choice(["", "", "  "])
    return blanks + sign + _as_in(notation, value, random) + blanks, value, True


def _with_unit(random: Random, notation: Notation) -> Written:
    value = _value(random)
    unit = notation.unit or random.choice(["€", "EUR", "USD", "CHF ", "%", "km", "kr.", "Fr."])
    bare = _as_in(notation, value, random)
    text = random.choice(
        [
            f"{_minus(value)}{unit}{bare}",
            f"{unit} {_minus(value)}{bare}",
            f"{_minus(value)}{bare}\u00a0{unit}",
        ]
    )
    return text, value, bool(notation.unit)


def _other_unit(random: Random, notation: Notation) -> Written:
    return _as_in(notation, _value(random), random) + " " + random.choice(["GBP", "zł", "Stk"]), None, False


def _negative(random: Random, notation: Notation) -> Written:
    value = -abs(_value(random))
    bare = _as_in(notation, value, random)
    place = random.choice(["trailing", "brackets"])
    unit = f" {notation.unit}" if notation.unit and random.random() < 0.5 else ""
    text = f"{bare}-{unit}" if place == "trailing" else f"({bare}{unit})"
    return text, value, place in notation.negatives


def _unusual_minus(random: Random, notation: Notation) -> Written:
    value = -abs(_value(random))
    return random.choice("\u2212\u2013\ufe63\uff0d") + _as_in(notation, value, random), value, False


def _foreign(random: Random, notation: Notation) -> Written:
    """Write a number as in another country; it has two separators or more, so its meaning is known."""
    value = Decimal(random.randrange(10**8, 10**12)) / 100
    decimal, thousands = random.choice([(".", ","), (",", "."), (",", " "), (".", "'"), (",", "\u202f")])
    plain = decimal == notation.decimal and thousands in ALIKE.get(notation.thousands, notation.thousands)
    return _written(value, decimal, thousands, random), value, plain and bool(notation.thousands)


def _malformed(random: Random, notation: Notation) -> Written:
    """Write groups of other than three digits, two separators in a row, or a second fraction."""
    digits = str(random.randrange(10**6, 10**9))
    separator = random.choice(".,' _\u00a0\u2019")
    at = random.choice([1, 2, len(digits) - 4, len(digits) - 2])
    text = random.choice(
        [
            f"{digits[:at]}{separator}{digits[at:-3]}{separator}{digits[-3:]}7",
            f"{digits[:-3]}{separator}{separator}{digits[-3:]}",
            f"{digits[0]}{separator}{digits[1:3]}{separator}{digits[3:]}",
            f"{digits[:2]}{separator}{digits[2:4]}{separator}{digits[4:7]}",
            f"0{separator}{digits[:3]}{separator}{digits[3:6]}",
            f"1{notation.decimal}{digits[:3]}{notation.decimal}{digits[3:6]}{notation.decimal}",
        ]
    )
    return text, None, False


def _exponent(random: Random, notation: Notation) -> Written:
    mantissa, exponent = random.randrange(1, 100), random.randint(-3, 12)
    digits = str(mantissa) if mantissa < 10 else f"{mantissa // 10}{notation.decimal}{mantissa % 10}"
    scale = 0 if mantissa < 10 else 1
    value = (Decimal(mantissa) / 10**scale).scaleb(exponent)
    return f"{digits}{random.choice('eE')}{exponent:{random.choice(['+03', '', '+'])}}", value, False


def _many_digits(random: Random, notation: Notation) -> Written:
    value = Decimal(random.randrange(10**29)) / 10**9 + 10**20
    return f"{value:f}".replace(".", notation.decimal), value, True


NO_NUMBERS = (
    "NaN", "nan", "-nan", "inf", "-Infinity", "1_000", "0x1F", "+-5", "--5", "5-5", "\uff11\uff12",
    "\u0661\u0662", "1e", "e5", "1e400", "1e-99999", "N/A", "#REF!", "1d", "12:30", "\xbd", "1 / 2",
    ".",
)  # fmt: skip
"""Texts that are no number in any of the contracts."""


def _no_number(random: Random, notation: Notation) -> Written:  # noqa: ARG001 - none is right in any notation
    return (
        random.choice(NO_NUMBERS),
        None,
        False,
    )


AMOUNTS: Sequence[Callable[[Random, Notation], Written]] = (
    _right,
    _right,
    _right,
    _with_unit,
    _other_unit,
    _negative,
    _unusual_minus,
    _foreign,
    _malformed,
    _exponent,
    _many_digits,
    _no_number,
)


# -- Pieces, which are whole ---------------------------------------------------------------------------------


def _whole(random: Random, notation: Notation) -> Written:
    value = Decimal(random.randrange(-(10 ** random.choice([1, 3, 6, 18])), 2**63))
    separators = random.choice(["", ALIKE.get(notation.thousands, notation.thousands)])
    digits = str(abs(value))
    zeros = random.choice(["", "", notation.decimal, notation.decimal + "0", notation.decimal + "00"])
    return (
        _minus(value) + (_groups(digits, separators, random) if separators else digits) + zeros,
        value,
        True,
    )


def _leading_zeros(random: Random, notation: Notation) -> Written:  # noqa: ARG001 - alike in all notations
    value = random.randrange(1000)
    return f"{value:08}", Decimal(value), True


def _not_whole(random: Random, notation: Notation) -> Written:
    digits = random.randrange(1, 10**6)
    text = random.choice(
        [
            f"{digits}{notation.decimal}5",
            f"{digits}{notation.decimal}000001",
            f"{digits}e5",
            f"{digits}E+05",
            f"0x{digits}",
            f"{digits}_{digits}",
            str(random.choice([2**63, -(2**63) - 1, 10**30])),
            f"+-{digits}",
            "True",
            "NaN",
        ]
    )
    return text, None, False


PIECES: Sequence[Callable[[Random, Notation], Written]] = (_whole, _whole, _whole, _leading_zeros, _not_whole)
