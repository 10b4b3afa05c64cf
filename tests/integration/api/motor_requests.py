"""Motor claims as other systems write them in JSON: valid, broken, incomplete, and in unusual notations."""

import csv
import io
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random

from claimwatch.domain.contract.contract import Contract, LogicalType
from tests.cluster import MOTOR

_SHARE_OF_NOTATIONS = {
    LogicalType.INTEGER: 0.1,
    LogicalType.NUMBER: 0.5,
    LogicalType.BOOLEAN: 0.3,
    LogicalType.DATE: 0.2,
    LogicalType.TIMESTAMP: 0.8,
}
"""The share of cells, in unusual claims, that are not written as in the file."""

_FUELS = """\
        quality:
          - type: library
            metric: invalidValues
            arguments: {validValues: [petrol, diesel, hybrid, electric]}
            mustBe: 0
"""


def contract_with_open_fuels() -> str:
    """Return the contract of line motor that accepts every fuel, so that a model may not know one."""
    text = MOTOR.read_text("utf-8").replace("version: 1.1.0", "version: 1.2.0", 1)
    assert _FUELS in text
    return text.replace(_FUELS, "")


def claims(contract: Contract, files: list[Path], number: int, seed: int) -> list[str]:
    """Return the JSON of this many claims, made from the rows of CSV files."""
    random = Random(seed)
    rows = (row for file in files for row in csv.DictReader(io.StringIO(file.read_text("utf-8"), newline="")))
    return [_claim(contract, row, random) for row in islice(rows, number)]


def _claim(contract: Contract, row: dict[str, str], random: Random) -> str:
    members = list(_members(contract, row, random))
    if random.random() < 0.3:
        random.shuffle(members)
    if random.random() < 0.03:
        members.append((json.dumps(random.choice(["unknown", "", "Claim_Amount ", "x" * 300])), "[1, null]"))
    if random.random() < 0.01:
        members.append(random.choice(members))
    colon, comma = random.choice([(":", ","), (": ", ", "), (" :\t", " ,")])
    return "{" + comma.join(f"{key}{colon}{value}" for key, value in members) + "}"


def _members(contract: Contract, row: dict[str, str], random: Random) -> Iterator[tuple[str, str]]:
    odd = random.random() < 0.5
    for column in contract.columns:
        cell = row[column.name]
        missing = cell in ("", "?", "NA", "N/A")
        name = random.choice([column.name, *column.synonyms]) if odd else column.name
        if odd and random.random() < 0.02:
            name = random.choice([name.upper(), f" {name}", name.replace("_", " ")])
        if missing or (odd and random.random() < (0.004 if column.required else 0.15)):
            if random.random() < 0.3:
                continue
            value = random.choice(
                ["null", '""', '"?"', '"NA"', '" "', '"n/a"', "[]", "{}"][: 8 if odd else 4]
            )
        elif odd and random.random() < 0.01:
            value = _broken(random)
        elif column.name == "vehicle_fuel" and random.random() < 0.05:
            value = json.dumps(random.choice(["lpg", "LPG", "Hydrogène", "diesel ", "2", "nan"]))
        else:
            value = _written(column.logical_type, cell, random, odd=odd)
        yield json.dumps(name), value


def _written(kind: LogicalType, cell: str, random: Random, *, odd: bool) -> str:
    """Return a cell as JSON, as a value of its type or as a text, in one of many notations."""
    odd = odd and random.random() < _SHARE_OF_NOTATIONS.get(kind, 0.02)
    match kind:
        case LogicalType.INTEGER | LogicalType.NUMBER if odd:
            noise = [repr(float(cell) * 1.0000000000000002), f"{float(cell):.25g}"]
            notations = [
                cell,
                f"{cell}.0" if "." not in cell else f"{cell}0",
                f"{cell}e0",
                f'"{cell}"',
                f'" {cell} "',
                f'"+{cell}"',
                f'"0{cell}"',
                f'"{cell}\\u00a0"',
            ]
            return random.choice(notations + noise if kind is LogicalType.NUMBER else notations)
        case LogicalType.INTEGER | LogicalType.NUMBER:
            return cell
        case LogicalType.BOOLEAN:
            words = ["yes", "no", "TRUE", "False", "1", "0", " true "]
            return json.dumps(random.choice(words)) if odd else cell.lower()
        case LogicalType.DATE if odd:
            return json.dumps(random.choice([cell, cell, f"{cell}T00:00:00", f" {cell}", f"{cell} 00:00"]))
        case LogicalType.TIMESTAMP if odd:
            return json.dumps(
                random.choice(
                    [
                        cell,
                        cell,
                        cell.replace(" ", "T"),
                        f"{cell}Z",
                        f"{cell}+02:00",
                        f"{cell}.123456",
                        f"{cell}.9999999",
                        cell[:10],
                    ]
                )
            )
        case _:
            return json.dumps(random.choice([cell, cell, f" {cell}", f"{cell}\t"]) if odd else cell)


def _broken(random: Random) -> str:
    return random.choice(
        [
            '"abc"',
            "-1",
            "1e400",
            "99999999999999999999",
            "NaN",
            "-0.0",
            "12.5",
            "true",
            '"2026-02-30"',
            '"30.02.2026"',
            '"1,234.5"',
            '["a"]',
            '{"a": 1}',
            '"\\u0000"',
            '"\\ud800"',
            json.dumps("x" * 3000),
            '"é\\u0301"',
            '"=1+1"',
        ]
    )
