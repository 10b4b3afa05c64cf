"""Line fuzz: a contract with every kind of column, and cells for its files, valid and hostile."""

from random import Random

from tests.fuzz.mutation import hostile_text
from tests.fuzz.target import MARK

LINE = "fuzz"

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: fuzz
name: Fuzzed claims
version: 1.0.0
status: active
customProperties:
  - {property: line, value: fuzz}
  - {property: missingValues, value: ["?", "NA"]}
  - {property: eventColumn, value: incident}
schema:
  - name: claim_fuzz
    physicalType: table
    properties:
      - name: claim_id
        logicalType: string
        required: true
        unique: true
        customProperties: [{property: role, value: identifier}]
      - name: loss_date
        logicalType: date
        required: true
        customProperties: [{property: role, value: event_time}]
      - name: reported_at
        logicalType: timestamp
        customProperties:
          - {property: role, value: ignored}
          - {property: dateFormat, value: ["%d.%m.%Y %H:%M", "%Y-%m-%d %H:%M:%S"]}
      - name: amount
        logicalType: number
        required: true
        logicalTypeOptions: {minimum: 0, maximum: 1000000}
        synonyms: [{synonym: total}]
        customProperties:
          - {property: role, value: feature}
          - {property: thousandsSeparator, value: "'"}
      - name: vehicles
        logicalType: integer
        customProperties: [{property: role, value: feature}]
      - name: injured
        logicalType: boolean
        customProperties: [{property: role, value: feature}]
      - name: region
        logicalType: string
        logicalTypeOptions: {pattern: "^[A-Z]{2}-[0-9]{1,3}$"}
        customProperties: [{property: role, value: feature}]
      - name: cause
        logicalType: string
        quality:
          - type: library
            metric: invalidValues
            arguments: {validValues: [collision, hail, theft]}
            mustBe: 0
        customProperties: [{property: role, value: feature}]
      - name: incident
        logicalType: string
        customProperties: [{property: role, value: ignored}]
      - name: driver
        logicalType: string
        classification: personal
        synonyms: [{synonym: driver_name}]
        logicalTypeOptions: {minLength: 3, maxLength: 200}
        customProperties: [{property: role, value: ignored}]
      - name: story
        logicalType: string
        classification: personal
        customProperties: [{property: role, value: text}, {property: storeAs, value: plain}]
"""

COLUMNS = (
    "claim_id",
    "loss_date",
    "reported_at",
    "amount",
    "vehicles",
    "injured",
    "region",
    "cause",
    "incident",
    "driver",
    "story",
)
PERSONAL = ("driver", "story")


def header(random: Random) -> list[str]:
    """Draw the names of the columns of a file, some of them renamed, repeated, missing or unknown."""
    names = list(COLUMNS)
    match random.randrange(14):
        case 0:
            random.shuffle(names)
        case 1:
            names[names.index("amount")] = random.choice(("total", " Amount ", "AMOUNT", "amuont"))
        case 2:
            names.insert(random.randrange(len(names)), hostile_text(random, longest=5_000))
        case 3:
            names += [random.choice(names)] * random.choice((1, 2, 300))
        case 4:
            names += [f"column {number}" for number in range(random.choice((1, 3, 3, 3, 200, 1_700, 6_000)))]
        case 5:
            del names[random.randrange(len(names))]
        case 6:
            place = random.randrange(len(names))
            names[place] += hostile_text(random, longest=5_000)
        case _:
            pass
    return names


def cell(random: Random, column: str, row: int) -> str:
    """Draw a cell: usually valid, sometimes missing, sometimes hostile.

    Only personal columns contain the ``MARK``, and they contain nothing else.
    """
    if column in PERSONAL:
        return f"{MARK} {row}" if random.random() < 0.95 else ""
    dice = random.random()
    if dice < 0.06:
        return hostile_text(random)
    if dice < 0.12:
        return random.choice(("", "?", "NA", " "))
    return _valid(random, column, row)


def _valid(random: Random, column: str, row: int) -> str:
    match column:
        case "claim_id":
            return f"F-{row}" if random.random() < 0.98 else "F-1"
        case "loss_date":
            return f"20{random.randrange(10, 27)}-{random.randrange(1, 13):02}-{random.randrange(1, 29):02}"
        case "reported_at":
            return random.choice(("02.03.2026 14:05", "2026-03-02 14:05:09"))
        case "amount" | "total":
            return random.choice(("12", "12.50", "1'250.75", "0", "-3", "1e3"))
        case "vehicles":
            return str(random.randrange(5))
        case "injured":
            return random.choice(("true", "false", "1", "0", "yes"))
        case "region":
            return f"{random.choice(('BE', 'ZH'))}-{random.randrange(999)}"
        case "cause":
            return random.choice(("collision", "hail", "theft", "meteor"))
        case "incident":
            return f"E{random.randrange(99)}"
        case _:
            return str(random.randrange(10**6))


def rows(random: Random, names: list[str]) -> list[list[str]]:
    """Draw rows for these columns; of many columns there are few rows."""
    number = random.choice((0, 1, 2, 5, 20)) if len(names) < 100 else 2
    return [[cell(random, name, row) for name in names] for row in range(number)]
