"""A line with scored claims, and people who work on its cases through the functions of the API."""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claimwatch.storage import desk
from claimwatch.storage.case_api import Answer, Caller
from tests.cluster import ClonedDatabase
from tests.integration.ingest.environment import Row, Site
from tests.integration.ingest.glass import GLASS, csv

WITH_AMOUNT = GLASS.replace(
    '- {property: missingValues, value: ["?"]}',
    '- {property: missingValues, value: ["?"]}\n  - {property: amountColumn, value: amount}',
)
"""Line glass, whose claims are worth their amount."""

DRIVER = "Nathaniel Quist"
REASONS = [
    {"feature": "amount", "value": 900, "typical": 80, "text": "amount 900, usually 80", "contribution": 0.6},
    {"feature": "panes", "value": 7, "typical": 1, "text": "panes 7, usually 1", "contribution": 0.4},
]


@dataclass(frozen=True)
class Scored:
    """A claim with the score that the champion gave it."""

    claim_id: str
    probability: float = 0.5
    amount: float = 100.0
    referred: bool = True
    audited: bool = False


def person(name: str, *groups: str, purpose: str | None = "fraud_investigation") -> Caller:
    """Return a person who signed in."""
    return Caller(name, purpose, "request-1", groups)


def investigator(name: str = "ida") -> Caller:
    """Return an investigator."""
    return person(name, "investigator")


def lead(name: str = "leo") -> Caller:
    """Return a team lead."""
    return person(name, "lead")


def decision(case: Mapping[str, Any], **changed: Any) -> dict[str, Any]:
    """Return the request that decides a case as an answer shows it."""
    return {
        "case_id": case["case_id"],
        "decision_id": str(uuid.uuid4()),
        "if_match": f'"v{case["version"]}"',
        "generation": (case["lease"] or {}).get("generation", 0),
        "verdict": "fraud",
        "grounds": ["staged_event"],
        "note": "two drivers, one signature",
        "seconds": 42.5,
    } | changed


@dataclass
class Book:
    """Claims of line glass, with cases; ``lines`` may be added with the same contract."""

    database: ClonedDatabase
    site: Site
    files: int = 0
    _known: set[str] = field(default_factory=set)

    @classmethod
    def below(cls, database: ClonedDatabase, folder: Path) -> "Book":
        """Return a book without claims."""
        return cls(database, Site.below(database, folder))

    def add_line(self, line: str = "glass") -> None:
        """Apply the contract of a line."""
        if line not in self._known:
            assert self.site.put_contract(line, WITH_AMOUNT.replace("glass", line)).status == "applied"
            self._known.add(line)

    def set_terms(self, line: str = "glass", **terms: Any) -> None:
        """Change what the running contract says about reviews."""
        self.query(
            "UPDATE claimwatch.contract"
            " SET compiled = jsonb_set(compiled, '{review}', compiled -> 'review' || %s)"
            " WHERE line = %s RETURNING 1",
            json.dumps(terms),
            line,
        )

    # -- Claims, scores and outcomes -------------------------------------------------------------------------

    def load(self, claims: Iterable[Scored], line: str = "glass") -> int:
        """Load a file of claims, and return its number."""
        self.add_line(line)
        self.files += 1
        file = self.site.drop(
            f"claims/{line}/{self.files}.csv",
            csv(*(f"{each.claim_id},2026-01-01,{each.amount},7,{DRIVER},no story" for each in claims)),
        )
        assert (file["status"], file["rows_quarantined"]) == ("committed", 0)
        return int(file["file_id"])

    def score(
        self,
        file_id: int,
        claims: Sequence[Scored],
        line: str = "glass",
        version: str = "1",
    ) -> None:
        """Store scores of a chunk as the task that scores does, and open cases in the same transaction."""
        with self.database.as_task("scoring").transaction() as cursor:
            for each in claims:
                cursor.execute(
                    "INSERT INTO claimwatch.score (line, claim_id, file_id, model_version, role, probability,"
                    " percentile, referred, audit_sample, reasons, contract_version, code_version, threshold)"
                    " VALUES (%s, %s, %s, %s, 'champion', %s, 99, %s, %s, %s, '1.0.0', 'test', 0.5)",
                    (
                        line,
                        each.claim_id,
                        file_id,
                        version,
                        each.probability,
                        each.referred,
                        each.audited,
                        json.dumps(REASONS) if each.referred else None,
                    ),
                )
            cursor.execute(
                "INSERT INTO claimwatch.scored_chunk (file_id, number, model_version, role, claims, referred,"
                " audit_sample)"
                " SELECT %s, count(*), %s, 'champion', %s, %s, %s"
                " FROM claimwatch.scored_chunk WHERE file_id = %s AND model_version = %s",
                (
                    file_id,
                    version,
                    len(claims),
                    sum(each.referred for each in claims),
                    sum(each.audited for each in claims),
                    file_id,
                    version,
                ),
            )
            self.open(cursor, line, file_id, [each.claim_id for each in claims])

    @staticmethod
    def open(cursor: Any, line: str, file_id: int | None, claim_ids: Sequence[str] | None) -> None:
        """Open cases."""
        cursor.execute(
            "SELECT claimwatch.open_cases(%s::text, %s::bigint, %s::text[])",
            (line, file_id, None if claim_ids is None else list(claim_ids)),
        )

    def receive(self, *claims: Scored, line: str = "glass", version: str = "1") -> int:
        """Load and score a file of claims, and return its number."""
        file_id = self.load(claims, line)
        self.score(file_id, claims, line, version)
        return file_id

    def settle(self, outcomes: str, line: str = "glass") -> int:
        """Drop a file of outcomes, and close the cases that it decides; return its number."""
        self.files += 1
        file = self.site.drop(f"outcomes/{line}/{self.files}.csv", outcomes)
        assert file["status"] == "committed"
        with self.database.as_task("ingest").transaction() as cursor:
            cursor.execute("SELECT claimwatch.settle_cases(%s::bigint)", (file["file_id"],))
        return int(file["file_id"])

    # -- People ----------------------------------------------------------------------------------------------

    def ask(self, name: desk.Function, caller: Caller, **asked: Any) -> Answer:
        """Call a function of the desk in a transaction of its own."""
        with self.database.as_task("api").transaction() as cursor:
            return desk.ask(cursor, name, asked, caller)

    def next(self, name: str = "ida", **asked: Any) -> dict[str, Any]:
        """Return the next case of an investigator."""
        answer = self.ask("next_case", investigator(name), **asked)
        assert answer.outcome == "answered", answer
        found: dict[str, Any] = answer.document["case"]
        return found

    def decide(self, case: Mapping[str, Any], name: str = "ida", **asked: Any) -> Answer:
        """Decide a case as an answer shows it."""
        return self.ask("decide", investigator(name), **(decision(case) | asked))

    def decided(self, case: Mapping[str, Any], name: str = "ida", **asked: Any) -> dict[str, Any]:
        """Decide a case, which must be possible."""
        answer = self.decide(case, name, **asked)
        assert answer.outcome == "answered", answer
        return answer.document

    def act(self, action: str, case: Mapping[str, Any], name: str = "ida", **asked: Any) -> Answer:
        """Do something else with a case."""
        generation = (case.get("lease") or {}).get("generation")
        return self.ask(
            "case_action",
            investigator(name),
            **({"case_id": case["case_id"], "action": action, "generation": generation} | asked),
        )

    def read(self, case: Mapping[str, Any], name: str = "ida") -> dict[str, Any]:
        """Return a case as an investigator sees it."""
        answer = self.ask("case", investigator(name), case_id=case["case_id"])
        assert answer.outcome == "answered", answer
        return answer.document

    def let_time_pass(self, claim_id: str, line: str = "glass", *, seconds: int = 20) -> None:
        """Let time pass since the decisions of a claim, as only the owner can who disables triggers."""
        self.query(
            "ALTER TABLE claimwatch.decision DISABLE TRIGGER USER;"
            "UPDATE claimwatch.decision SET at = at - %s * interval '1 s' WHERE (line, claim_id) = (%s, %s);"
            "UPDATE claimwatch.review_case SET closed_at = closed_at - %s * interval '1 s'"
            " WHERE (line, claim_id) = (%s, %s);"
            "ALTER TABLE claimwatch.decision ENABLE TRIGGER USER; SELECT 1",
            *(seconds, line, claim_id) * 2,
        )

    def events(self) -> list[Row]:
        """Return all access events, oldest first."""
        return self.query("SELECT * FROM claimwatch.access_event ORDER BY seq")

    # -- What is stored --------------------------------------------------------------------------------------

    def query(self, statement: str, *values: Any) -> list[Row]:
        """Return the rows of a statement of the owner."""
        return self.site.query(statement, *values)

    def cases(self, line: str = "glass") -> dict[str, Row]:
        """Return the cases of a line by claim."""
        found = self.query("SELECT * FROM claimwatch.review_case WHERE line = %s ORDER BY claim_id", line)
        return {row["claim_id"]: row for row in found}

    def case(self, claim_id: str, line: str = "glass") -> Row:
        """Return the case of a claim."""
        return self.cases(line)[claim_id]

    def case_events(self, claim_id: str, line: str = "glass") -> list[tuple[str, str]]:
        """Return actor and action of what was done with a case."""
        return [
            (row["actor"], row["action"])
            for row in self.query(
                "SELECT e.* FROM claimwatch.case_event AS e JOIN claimwatch.review_case AS c USING (case_id)"
                " WHERE (c.line, c.claim_id) = (%s, %s) ORDER BY e.seq",
                line,
                claim_id,
            )
        ]

    def show_scores(self, *claim_ids: str, line: str = "glass") -> None:
        """Let referrals not be blinded, whatever was drawn for them."""
        self.query(
            "UPDATE claimwatch.review_case SET blinded = false"
            " WHERE line = %s AND claim_id = ANY (%s) AND origin = 'referral' RETURNING 1",
            line,
            list(claim_ids),
        )

    def end_lease(self, claim_id: str, line: str = "glass") -> None:
        """Let the time of a lease pass."""
        self.query(
            "UPDATE claimwatch.review_case SET lease_until = clock_timestamp() - interval '1 ms'"
            " WHERE (line, claim_id) = (%s, %s) AND holder IS NOT NULL RETURNING 1",
            line,
            claim_id,
        )
