"""Lines whose claims are linked by values and photos, as people see them who ask about a case."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claimwatch.storage import desk
from claimwatch.storage.case_api import Answer, Caller
from tests.cluster import ClonedDatabase
from tests.integration.ingest.environment import Row, Site
from tests.integration.photos.environment import PhotoEnvironment

HEADER = "claim_id,broken_on,driver,plate,amount,event"


def contract(line: str, version: str = "1.0.0", linked: str = "driver plate", ids: str = "string") -> str:
    """Return a contract with a hashed column, one in clear and a number that may link claims."""

    def link(column: str) -> str:
        return ", {property: linkOn, value: true}" if column in linked.split() else ""

    return f"""\
apiVersion: v3.1.0
kind: DataContract
id: {line}
version: {version}
status: active
customProperties:
  - {{property: eventColumn, value: event}}
schema:
  - name: claim_{line}
    physicalType: table
    properties:
      - name: claim_id
        logicalType: {ids}
        required: true
        unique: true
        customProperties: [{{property: role, value: identifier}}]
      - name: broken_on
        logicalType: date
        required: true
        customProperties: [{{property: role, value: event_time}}]
      - name: driver
        logicalType: string
        classification: personal
        customProperties: [{{property: linkGroup, value: person}}{link("driver")}]
      - name: plate
        logicalType: string
        customProperties: [{{property: role, value: ignored}}{link("plate")}]
      - name: amount
        logicalType: number
        customProperties: [{{property: role, value: feature}}{link("amount")}]
      - name: event
        logicalType: string
        customProperties: [{{property: role, value: ignored}}]
"""


@dataclass
class Book:
    """Lines glass and pane, of which the second has whole numbers as ids."""

    database: ClonedDatabase
    site: Site
    photos: PhotoEnvironment
    files: int = field(default=0)

    @classmethod
    def below(cls, database: ClonedDatabase, folder: Path) -> "Book":
        """Return a book without claims."""
        book = cls(
            database, Site.below(database, folder / "site"), PhotoEnvironment(database, folder / "photos")
        )
        assert book.apply("glass").status == "applied"
        assert book.apply("pane", ids="integer").status == "applied"
        return book

    def apply(self, line: str, **changes: Any) -> Any:
        """Apply the contract of a line."""
        return self.site.put_contract(line, contract(line, **changes))

    def drop(self, *claims: str, line: str = "glass", **when: Any) -> Row:
        """Load claims, each ``id,driver,plate[,amount[,event]]``; return their file."""
        self.files += 1
        rows = [[*claim.split(","), "", "", ""] for claim in claims]
        lines = [f"{r[0]},2026-01-01,{r[1]},{r[2]},{r[3]},{r[4]}" for r in rows]
        file = self.site.drop(f"claims/{line}/{self.files}.csv", "\n".join([HEADER, *lines, ""]), **when)
        assert (file["status"], file["rows_loaded"]) == ("committed", len(claims)), file["error"]
        return file

    def open(self, claim: str, line: str = "glass", **values: Any) -> str:
        """Open a case of a claim; return its id."""
        given = {"state": "open", "closed_at": None, "decision_id": None} | values
        [row] = self.query(
            "INSERT INTO claimwatch.review_case (line, claim_id, file_id, origin, blinded, priority,"
            " model_version, due_at, state, closed_at, decision_id)"
            " VALUES (%s, %s, 1, 'referral', false, 1, '1', now(), %s, %s, %s) RETURNING case_id::text",
            line,
            claim,
            given["state"],
            given["closed_at"],
            given["decision_id"],
        )
        return str(row["case_id"])

    def query(self, statement: str, *values: Any) -> list[Row]:
        """Return the rows of a statement of the owner."""
        return self.site.query(statement, *values)

    def grant(self, grantee: str, permission: str, line: str) -> None:
        """Grant a permission on one line."""
        self.query(
            "INSERT INTO claimwatch.permission (grantee, permission, line, granted_by, why)"
            " VALUES (%s, %s, %s, 'test', 'test') RETURNING 1",
            grantee,
            permission,
            line,
        )

    # -- Questions -------------------------------------------------------------------------------------------

    def ask(self, name: desk.Function, caller: Caller | None = None, **asked: Any) -> Answer:
        """Call a function of the desk in a transaction of its own; by default as an investigator."""
        person = caller or Caller("ann", "fraud_investigation", "request-1", ("investigator",))
        with self.database.as_task("api").transaction() as cursor:
            return desk.ask(cursor, name, asked, person)

    def links(self, claim: str, line: str = "glass", hops: int = 1) -> dict[str, Any]:
        """Return what links a claim, for whose case this asks."""
        found = self.query(
            "SELECT case_id::text AS case_id FROM claimwatch.review_case WHERE (line, claim_id) = (%s, %s)",
            line,
            claim,
        )
        case_id = found[0]["case_id"] if found else self.open(claim, line)
        answer = self.ask("links", case_id=case_id, hops=hops)
        assert answer.outcome == "answered", answer
        return answer.document

    def linked(self, claim: str, line: str = "glass", hops: int = 1) -> set[tuple[str, str]]:
        """Return the claims that are linked to a claim, each with what links it to any other."""
        own, found = f"{line}/{claim}", self.links(claim, line, hops)
        edges = {(edge[end], edge["kind"]) for edge in found["edges"] for end in ("from", "to")}
        return {(place, kind) for place, kind in edges if place != own}

    def found(self, caller: Caller | None = None, **asked: Any) -> list[str]:
        """Return the claims that a search finds."""
        answer = self.ask("search", caller, **asked)
        assert answer.outcome == "answered", answer
        return [f"{claim['line']}/{claim['claim_id']}" for claim in answer.document["claims"]]
