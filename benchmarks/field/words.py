"""Truth words and tokens of missing values, in contracts that name some of them."""

import csv
import io
import json
from datetime import date
from decimal import Decimal
from random import Random

from benchmarks.field.generated import GeneratedFile, TrueRow, contract_text

FIELDS = ("claim_id", "reported_at", "police", "amount", "pieces", "day")
REPORTED = "2026-03-02T08:15:00Z"
WORDS = ("true", "T", "yes", "Y", "1", "1.0", "FALSE", "f", "No", "n", "0", "0.0")
NAMED = ((), ("ja", "nein"), ("J", "N"), ("x", "-"), ("Oui", "Non"), ("wahr", "falsch"))
OTHERS = (
    "ja",
    "nein",
    "J",
    "x",
    "Oui",
    "Non",
    "wahr",
    "falsch",
    "on",
    "off",
    "2",
    "-1",
    "11",
    "tru",
    "maybe",
)
TOKENS = (
    "NULL",
    "None",
    "nan",
    "NaN",
    "#N/A",
    "NA",
    "N/A",
    "-",
    "null",
    "?",
    "0000-00-00",
    "\\N",
    "<NA>",
    "NaT",
)


def draw(random: Random) -> GeneratedFile:
    """Return a CSV file of 1 to 60 rows."""
    named = random.choice(NAMED)
    tokens = random.sample(TOKENS, random.randint(0, 8))
    properties = [f"{{property: missingValues, value: {json.dumps(tokens)}}}"]
    if named:
        properties += [
            f"{{property: trueValues, value: {json.dumps(named[0])}}}",
            f"{{property: falseValues, value: [{json.dumps(named[1])}]}}",
        ]
    contract = contract_text(
        [
            "{name: police, logicalType: boolean, required: false}",
            "{name: amount, logicalType: number, required: false}",
            "{name: pieces, logicalType: integer, required: false}",
            "{name: day, logicalType: date, required: false}",
        ],
        properties,
    )
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=random.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer.writerow(FIELDS)
    rows = []
    for number in range(random.randint(1, 60)):
        word, meant, plain = _truth(random, named)
        cells: list[str] = [word]
        values: dict[str, object] = {"claim_id": f"W{number}", "police": meant}
        known = meant is not None or not word.strip() or word in tokens
        plain = plain or word in tokens
        if word in tokens:
            values["police"] = None
        for name, written, value in (
            ("amount", "12.5", Decimal("12.5")),
            ("pieces", "7", 7),
            ("day", "2026-02-03", date(2026, 2, 3)),
        ):
            token = random.choice(TOKENS)
            text_of_cell, of_cell = random.choice(
                [(written, value), (f" {written} ", value), ("", None), ("   ", None), (token, None)]
            )
            known = known and (text_of_cell != token or token in tokens)
            cells.append(text_of_cell)
            values[name] = of_cell
        writer.writerow([f"W{number}", REPORTED, *cells])
        rows.append(TrueRow(values, plain=plain) if known else TrueRow(None))
    return GeneratedFile("words.csv", text.getvalue().encode(), contract, rows)


def _truth(random: Random, named: tuple[str, ...]) -> tuple[str, bool | None, bool]:
    """Return a cell, what it means, and whether it must be loaded; a word without a meaning must not."""
    if random.random() < 0.1:
        return random.choice(["", "  ", "\t"]), None, True
    word = random.choice((*WORDS, *named, *OTHERS))
    meanings = {known.lower(): place < 6 for place, known in enumerate(WORDS)}
    meanings |= {known.lower(): place == 0 for place, known in enumerate(named)}
    meant = meanings.get(word.lower())
    return random.choice([word, f" {word}", word.upper()]), meant, meant is not None
