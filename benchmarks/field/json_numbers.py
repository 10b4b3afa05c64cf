"""Numbers of JSON in every notation: all digits are kept, in columns of every type and in unknown ones."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from random import Random

from benchmarks.field.generated import GeneratedFile, TrueRow, contract_text

REPORTED = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
CONTRACT = contract_text(
    [
        "{name: amount, logicalType: number, required: false}",
        "{name: witnesses, logicalType: integer, required: false}",
        "{name: policy, logicalType: string, required: false}",
    ],
    ["{property: extra, value: plain}"],
)
PLAIN_DIGITS = 2**53


def draw(random: Random) -> GeneratedFile:
    """Return NDJSON, an array, or objects back to back, of 1 to 20 rows."""
    objects, rows = [], []
    for number in range(random.randint(1, 20)):
        amount, other = _number(random), _number(random)
        whole = random.randint(-(10**18), 10**18)
        claim_id, true_id = _claim_id(random, number)
        policy, true_policy = _policy(random)
        cells = [
            ("claim_id", claim_id),
            ("reported_at", json.dumps(REPORTED.isoformat())),
            ("amount", amount),
            ("witnesses", str(whole)),
            ("policy", policy),
            ("story", json.dumps(random.choice(['he said "1.50"', "a: 1.50, b", "\\", '\\"2.0', "1e5"]))),
            ("other", random.choice([other, f'[{other}, "{other}", {{"a": {other}}}]'])),
        ]
        random.shuffle(cells)
        objects.append("{" + ", ".join(f'"{name}": {text}' for name, text in cells) + "}")
        if true_id is None or true_policy is None:
            rows.append(TrueRow(None))
            continue
        values = {
            "claim_id": true_id,
            "reported_at": REPORTED,
            "amount": Decimal(amount),
            "witnesses": whole,
            "policy": true_policy,
        }
        rows.append(TrueRow(values, plain=True))
    text = random.choice(["\n".join(objects) + "\n", "[" + ",\n".join(objects) + "]", "\n".join(objects)])
    return GeneratedFile("numbers.json", text.encode(), CONTRACT, rows)


def _number(random: Random) -> str:
    """Return a number of up to 38 digits, in a notation that JSON allows."""
    digits = str(random.randint(1, 9)) + "".join(
        random.choices("0123456789", k=random.choice([0, 2, 14, 15, 16, 17, 18, 30, 37]))
    )
    sign = random.choice(["", "", "-"])
    match random.randrange(6):
        case 0:
            return sign + digits
        case 1:
            return f"{sign}0.{digits}"
        case 2:
            return f"{sign}{digits}.{random.choice(['0', '10', '00', '5'])}"
        case 3:
            exponent = (
                random.choice("eE") + random.choice(["", "+", "-"]) + random.choice(["0", "5", "16", "40"])
            )
            return f"{sign}{digits[0]}.{digits[1:] or '0'}{exponent}"
        case 4:
            return random.choice(["0", "-0", "-0.0", "0.10", "100.10", "1e22", "0.30000000000000004"])
        case _:
            return f"{sign}{digits}{random.choice('eE')}2"


def _claim_id(random: Random, number: int) -> tuple[str, str | None]:
    """Return the id of a claim as JSON and as its sender means it; None if that cannot be told."""
    whole = random.randint(10**14, 10**15) * 10 + number % 10  # 16 digits
    exact = str(whole) if whole < PLAIN_DIGITS else None
    long = f"{random.randint(10**17, 10**30)}{number:02}"
    return random.choice(
        [
            (str(whole), str(whole)),
            (f'"{whole}"', str(whole)),
            (f"{whole}.0", exact),
            (f'"{whole}.0"', exact),
            (long, long),
            (f"{long}.0", None),
            (f"{number + 1}.5", None),
            (f"1.5e{20 + number}", None),
            (f'"C-{number}"', f"C-{number}"),
        ]
    )


def _policy(random: Random) -> tuple[str, str | None]:
    """Return a value of a column of text as JSON and as its sender means it."""
    whole = random.randrange(1, PLAIN_DIGITS)
    return random.choice(
        [
            (f"{whole}.0", str(whole)),
            (f'"{whole}.0"', f"{whole}.0"),
            ("100.10", "100.10"),
            ("0.1", "0.1"),
            (str(whole), str(whole)),
            (f"{PLAIN_DIGITS + whole}.0", None),
            ("1e+20", None),
            ("1E5", "100000"),
            ("[1.10, 2]", "[1.10,2]"),
        ]
    )
