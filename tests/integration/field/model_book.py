"""Files of a line of claims, drawn from seeds: the story of the field cases, told by files of our own."""

import csv
import gzip
import io
from datetime import datetime, timedelta
from functools import cache
from math import exp
from random import Random

from claimwatch.domain.evaluation.week import monday_of, start_of

COLUMNS = (
    "claim_id",
    "reported_at",
    "region",
    "cause",
    "garage",
    "claim_amount",
    "witnesses",
    "policy_days",
    "sex",
    "age_band",
)
PER_WEEK = 100
CAUSES = {"collision": 0.0, "glass": -1.5, "hail": -0.5, "fire": 1.0, "theft": 1.8}

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: book-{line}
version: 1.0.0
status: active
customProperties:
  - {{property: line, value: {line}}}
  - {{property: reviewCapacity, value: 0.05}}
  - {{property: reviewCost, value: 100}}
  - {{property: amountColumn, value: claim_amount}}
  - {{property: maturityDays, value: 28}}
schema:
  - name: claim_{line}
    properties:
      - {{name: claim_id, logicalType: string, required: true, unique: true,
         customProperties: [{{property: role, value: identifier}}]}}
      - {{name: reported_at, logicalType: timestamp, required: true,
         customProperties: [{{property: role, value: event_time}}]}}
""" + "".join(
    f"      - {{{{name: {name}, logicalType: {kind},"
    f" customProperties: [{{{{property: role, value: {role}}}}}]}}}}\n"
    for name, kind, role in (
        ("region", "string", "feature"),
        ("cause", "string", "feature"),
        ("garage", "string", "feature"),
        ("claim_amount", "number", "feature"),
        ("witnesses", "integer", "feature"),
        ("policy_days", "integer", "feature"),
        ("sex", "string", "protected"),
        ("age_band", "string", "protected"),
    )
)

type Claim = dict[str, str]


def week(name: str, claims: int = PER_WEEK) -> list[Claim]:
    """Return the claims of a week; the same name draws the same claims."""
    random = Random(name)
    start = start_of(monday_of(name))
    return [
        {
            "claim_id": f"{name[2:4]}{name[6:]}-{place:05}",
            "reported_at": f"{start + timedelta(minutes=random.randrange(7 * 24 * 60)):%Y-%m-%dT%H:%M:%SZ}",
            "region": random.choice(("north", "east", "south", "west")),
            "cause": random.choices(tuple(CAUSES), (50, 20, 12, 8, 10))[0],
            "garage": f"G{random.randrange(12):02}",
            "claim_amount": f"{random.lognormvariate(7.3, 0.8):.2f}",
            "witnesses": str(random.choices((0, 1, 2, 3), (60, 25, 10, 5))[0]),
            "policy_days": str(random.randrange(1_500)),
            # Rare, and about as many in every quarter.
            "sex": "X" if place % PER_WEEK == 7 and claims > 5 else random.choice("FM"),
            "age_band": random.choices(("under_25", "25_to_59", "60_and_over"), (15, 60, 25))[0],
        }
        for place in range(claims)
    ]


def is_fraud(claim: Claim) -> bool:
    """Return whether a claim is a fraud: likelier for some causes, large amounts and young policies."""
    odds = -4.6 + 1.3 * CAUSES[claim["cause"]]
    odds += 1.5 * (float(claim["claim_amount"]) > 3_000.0) + 1.5 * (int(claim["policy_days"]) < 120)
    return Random(claim["claim_id"]).random() < 1.0 / (1.0 + exp(-odds))


def claims_file(claims: list[Claim], columns: tuple[str, ...] = COLUMNS) -> bytes:
    """Return a file of claims."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(claims)
    return text.getvalue().encode()


def outcomes_file(claims: list[Claim]) -> bytes:
    """Return a file of the outcomes of claims, each decided ten days after the claim."""
    rows = ["claim_id,is_fraud,decided_at,source"]
    for claim in claims:
        decided = datetime.fromisoformat(claim["reported_at"]) + timedelta(days=10)
        source = "random_audit" if claim["claim_id"].endswith("3") else "investigation"
        rows.append(f"{claim['claim_id']},{str(is_fraud(claim)).lower()},{decided.isoformat()},{source}")
    return ("\n".join(rows) + "\n").encode()


def weeks(first: int, last: int) -> list[Claim]:
    """Return the claims of weeks of 2026."""
    return [claim for number in range(first, last + 1) for claim in week(f"2026-W{number:02}")]


@cache
def book() -> dict[str, bytes]:
    """Return the files by their names."""
    files = {}
    for first, last in ((2, 23), (24, 33), (34, 41)):
        claims, name = weeks(first, last), f"base_w{first:02}_w{last:02}"
        files[f"{name}.csv.gz"] = gzip.compress(claims_file(claims), mtime=0)
        files[f"{name}.outcomes.csv.gz"] = gzip.compress(outcomes_file(claims), mtime=0)
    for number in (42, 43, 46, 47):
        files[f"w{number}.csv"] = claims_file(week(f"2026-W{number}"))
    files["border_of_w43.csv"] = claims_file(_at_the_border())
    without = tuple(name for name in COLUMNS if name != "witnesses")
    files["w44_without_witnesses.csv"] = claims_file(week("2026-W44"), without)
    elsewhere = [claim | {"garage": f"N{place % 9}"} for place, claim in enumerate(week("2026-W45"))]
    files["w45_new_garages.csv"] = claims_file(elsewhere)
    files["w46_sent_again.csv"] = claims_file(
        [claim | {"claim_amount": f"{float(claim['claim_amount']) + 1:.2f}"} for claim in week("2026-W46")]
    )
    files["w42_w45.outcomes.csv"] = outcomes_file(weeks(42, 45))
    tiny = [claim for number in range(34, 48) for claim in week(f"2026-W{number}", 5)]
    files["tiny_w34_w47.csv"] = claims_file(tiny)
    oldest = weeks(2, 23)
    for name, frauds in (("all_honest", 0), ("three_frauds", 3)):
        text = outcomes_file(oldest).decode().replace(",true,", ",false,")
        files[f"{name}.outcomes.csv.gz"] = gzip.compress(
            text.replace(",false,", ",true,", frauds).encode(), mtime=0
        )
    return files


def _at_the_border() -> list[Claim]:
    """Return claims of Sunday evening in America, and of Monday morning in Finland."""
    drawn = week("2026-W01", 10)
    return [
        claim
        | {
            "claim_id": f"border-{place}",
            "reported_at": "2026-10-25T20:00:00-05:00" if place < 5 else "2026-10-26T00:30:00+02:00",
        }
        for place, claim in enumerate(drawn)
    ]


def future_claims() -> list[Claim]:
    """Return claims whose dates were mistyped."""
    drawn = week("2026-W02", 6)
    moments = ("2099-01-01", "9999-12-31", "2027-06-01", "2026-11-25T13:00:00Z", "2026-12-31", "2062-04-02")
    return [
        claim | {"claim_id": f"future-{place}", "reported_at": moment}
        for place, (claim, moment) in enumerate(zip(drawn, moments, strict=True))
    ]
