"""Plain rows in plain CSV: all of them must be loaded."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from benchmarks.field.generated import GeneratedFile, TrueRow, contract_text

CONTRACT = contract_text(
    [
        "{name: amount, logicalType: number, required: false}",
        "{name: witnesses, logicalType: integer, required: false}",
        "{name: cause, logicalType: string, required: false}",
    ]
)
FIELDS = ("claim_id", "reported_at", "amount", "witnesses", "cause")


def draw(random: Random) -> GeneratedFile:
    """Return a file of 1 to 40 rows."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(FIELDS)
    rows = []
    for number in range(random.randint(1, 40)):
        reported = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=random.randrange(100_000))
        values = {
            "claim_id": f"P{number}",
            "reported_at": reported,
            "amount": random.choice([None, Decimal(random.randrange(10**7)) / 100]),
            "witnesses": random.choice([None, random.randrange(9)]),
            "cause": random.choice([None, "hail", "fire, then water", 'a "crash"', "two\nlines"]),
        }
        rows.append(TrueRow(values, plain=True))
        writer.writerow([values["claim_id"], reported.isoformat(), *(values[name] for name in FIELDS[2:])])
    return GeneratedFile("plain.csv", text.getvalue().encode(), CONTRACT, rows)
