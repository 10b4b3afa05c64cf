"""A date that a file gives in parts is stored as a date, and rows whose parts make none have the reason."""

import json
from datetime import date

import pytest

from tests.integration.ingest.environment import Site

PARTS = """\
apiVersion: v3.1.0
kind: DataContract
id: parts
version: 1.0.0
status: active
schema:
  - name: claim_parts
    properties:
      - {name: claim_id, logicalType: string, required: true, unique: true,
         customProperties: [{property: role, value: identifier}]}
      - {name: Year, logicalType: integer}
      - {name: Month, logicalType: string, classification: personal}
      - {name: Week, logicalType: integer, customProperties: [{property: missingValues, value: ["?"]}]}
      - {name: Weekday, logicalType: string}
      - name: event day
        logicalType: date
        required: true
        logicalTypeOptions: {maximum: 2026-12-31}
        customProperties:
          - {property: role, value: event_time}
          - {property: dateParts, value: {year: Year, month: Month, weekOfMonth: Week, weekday: Weekday}}
"""
ROWS = (
    ("A", "2026", "March", "2", "Sunday"),
    ("B", "2026", "Feb", "5", "Monday"),
    ("C", "2026", "Smarch", "1", "Sunday"),
    ("D", "2026", "May", "?", "Sunday"),
    ("E", "2027", "Jan", "1", "Sunday"),
    ("F", "2024", "feb.", "5", "thu"),
)


@pytest.fixture
def parts(site: Site) -> Site:
    assert site.put_contract("parts", PARTS).status == "applied"
    return site


def as_csv(header: str = "claim_id,Year,Month,Week,Weekday") -> str:
    return "\n".join([header, *map(",".join, ROWS), ""])


def as_ndjson() -> str:
    names = ("claim_id", "Year", "Month", "Week", "Weekday")
    rows = [dict(zip(names, row, strict=True)) for row in ROWS]
    return "\n".join(json.dumps(row | {"Year": int(row["Year"])}) for row in rows)


@pytest.mark.parametrize("content", [as_csv(), as_ndjson()], ids=["csv", "ndjson"])
def test_a_date_in_parts_is_loaded_or_quarantined_with_the_reason(parts: Site, content: str) -> None:
    file = parts.drop("claims/parts/a", content)
    assert (file["rows_loaded"], file["rows_quarantined"]) == (2, 4)
    stored = parts.query('SELECT claim_id, "event day" FROM claimwatch.current_claim_parts ORDER BY 1')
    assert [tuple(row.values()) for row in stored] == [("A", date(2026, 3, 8)), ("F", date(2024, 2, 29))]
    found = {
        number: [(reason["column"], reason["rule"], reason["message"]) for reason in reasons]
        for number, reasons in parts.quarantine(file["file_id"]).items()
    }
    none = "is not a date (YYYY-MM-DD):"
    month = "a month is a number from 1 to 12, or its name in one of six languages"
    assert found == {
        2: [
            ("event day", "type", f"a value like '9999 & Aaa & 9 & Aaaaaa' {none} the month has no such week")
        ],
        3: [("event day", "type", f"a value like '9999 & Aaaaaa & 9 & Aaaaaa' {none} {month}")],
        4: [("event day", "required", "the value is missing")],
        5: [("event day", "maximum", "a value like '9999-99-99' is above the maximum 2026-12-31")],
    }


def test_a_file_without_a_part_of_the_date_is_refused(parts: Site) -> None:
    file = parts.drop("claims/parts/a.csv", as_csv("claim_id,Year,Monat,Week,Weekday"))
    assert file["status"] == "refused"
    assert "the file lacks the required column 'Month'" in file["error"]


def test_a_file_that_has_the_date_needs_no_parts(parts: Site) -> None:
    file = parts.drop("claims/parts/a.csv", "claim_id,event day\nA,2026-03-08\nB,2026-02-30\n")
    assert (file["rows_loaded"], file["rows_quarantined"]) == (1, 1)
    assert parts.query('SELECT "event day" AS day FROM claimwatch.claim_parts') == [{"day": date(2026, 3, 8)}]


def test_a_stranger_whose_claims_have_no_date_gets_one_from_its_parts(site: Site) -> None:
    rows = [f"C{n:04},{2024 + n % 2},{n % 12 + 1},{n % 4 + 1},{n}" for n in range(200)]
    file = site.drop("claims/book/a.csv", "\n".join(["claim_no,year,month,week_of_month,paid", *rows, ""]))
    assert (
        site.put_contract("book", site.draft("book").replace("status: draft", "status: active")).status
        == "applied"
    )
    assert site.file(file["file_id"])["rows_loaded"] == 200
    [row] = site.query(
        "SELECT count(DISTINCT event_date) AS days, min(event_date) AS first FROM claimwatch.claim_book"
    )
    assert row == {"days": 12, "first": date(2024, 1, 1)}
