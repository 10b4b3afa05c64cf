"""A database with a line that was loaded, scored and decided, as the API's login sees it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claimwatch.storage import case_api, desk
from claimwatch.storage.case_api import Answer, Caller
from tests.cluster import ClonedDatabase
from tests.integration.ingest.environment import Row, Site
from tests.integration.ingest.glass import GLASS, csv

STORY = "Zarathustra came by"
DRIVER = "Nathaniel Quist"
DECIDER = "inspector Umlauf"
REASONS = [
    {"feature": "amount", "value": 900, "typical": 80, "text": "amount 900, usually 80", "share": 0.6},
    {"feature": "panes", "value": 7, "typical": 1, "text": "panes 7, usually 1", "share": 0.4},
]
GUILTY = ("g-1", "g-2", "g-3", "g-4")
"""Claims of line glass: referred, drawn for the random audit, decided, and without a score."""

NUMBERED = GLASS.replace("glass", "pane").replace(
    "name: claim_id\n        logicalType: string", "name: claim_id\n        logicalType: integer"
)
"""A contract whose claims have whole numbers as ids."""


@dataclass
class Desk:
    """Where people and machines ask, each with a login that can call functions only."""

    database: ClonedDatabase
    site: Site

    @classmethod
    def below(cls, database: ClonedDatabase, folder: Path) -> "Desk":
        """Return a desk with four claims in line glass and one in line pane."""
        desk = cls(database, Site.below(database, folder))
        desk.put_contract("glass", GLASS)
        desk.put_contract("pane", NUMBERED)
        claims = csv(
            *(f"{claim},2026-01-01,900,7,{DRIVER},{STORY}" for claim in GUILTY),
            header="claim_id,broken_on,amount,panes,driver,story,unknown_to_the_contract",
        ).replace(STORY, f"{STORY},Mephisto")
        glass = desk.site.drop("claims/glass/a.csv", claims)
        assert (glass["status"], glass["rows_loaded"]) == ("committed", len(GUILTY))
        desk.site.drop("claims/pane/a.csv", csv("17,2026-01-01,900,7,Ann Other,no story"))
        for claim, referred, drawn in (("g-1", True, False), ("g-2", False, True), ("g-3", True, True)):
            desk.score("glass", claim, glass["file_id"], referred=referred, drawn=drawn)
        desk.site.drop(
            "outcomes/glass/a.csv",
            "claim_id,is_fraud,decided_at,decided_by,source\n"
            f"g-3,true,2026-01-02T00:00:00Z,{DECIDER},random_audit\n",
        )
        desk.forget_events()
        return desk

    def put_contract(self, line: str, text: str) -> None:
        """Apply a contract, which also stores its compiled form."""
        assert self.site.put_contract(line, text).status == "applied"

    def score(
        self, line: str, claim: str, file_id: int, *, referred: bool, drawn: bool, version: str = "3"
    ) -> None:
        """Store a score of the champion."""
        self.site.query(
            "INSERT INTO claimwatch.score (line, claim_id, file_id, model_version, role, probability,"
            " percentile, referred, audit_sample, reasons, contract_version, code_version, threshold)"
            " VALUES (%s, %s, %s, %s, 'champion', 0.75, 99, %s, %s, %s, '1.0.0', 'test', 0.5) RETURNING 1",
            line,
            claim,
            file_id,
            version,
            referred,
            drawn,
            json.dumps(REASONS) if referred else None,
        )

    # -- Questions ---------------------------------------------------------------------------------------

    def me(self, actor: str, *groups: str) -> dict[str, Any]:
        """Return what somebody may do."""
        with self.database.as_task("api").transaction() as cursor:
            return case_api.me(cursor, actor, groups).document

    def effective(self, actor: str, *groups: str) -> dict[str, list[str]]:
        """Return the effective permissions of somebody, with their lines."""
        return {each["permission"]: each["lines"] for each in self.me(actor, *groups)["permissions"]}

    def ask(self, function: str, *values: Any, caller: Caller, **options: Any) -> Answer:
        """Call a function of ``storage.case_api`` in a transaction of its own."""
        with self.database.as_task("api").transaction() as cursor:
            answer: Answer = getattr(case_api, function)(cursor, *values, caller, **options)
        return answer

    def ask_desk(self, function: desk.Function, caller: Caller, **asked: Any) -> Answer:
        """Call a function of ``storage.desk`` in a transaction of its own."""
        with self.database.as_task("api").transaction() as cursor:
            return desk.ask(cursor, function, asked, caller)

    def grant(self, grantee: str, permission: str, line: str = "*") -> Answer:
        """Grant a permission."""
        return self.ask("grant", grantee, permission, line, "needed", caller=MACHINE)

    # -- Events ------------------------------------------------------------------------------------------

    def events(self) -> list[Row]:
        """Return all events, oldest first."""
        return self.site.query("SELECT * FROM claimwatch.access_event ORDER BY seq")

    def last_event(self) -> Row:
        """Return the newest event."""
        return self.events()[-1]

    def count(self) -> int:
        """Return the number of events."""
        [row] = self.site.query("SELECT count(*) FROM claimwatch.access_event")
        return int(row["count"])

    def forget_events(self) -> None:
        """Remove all events, as only the owner can who disables triggers."""
        self.site.query(
            "ALTER TABLE claimwatch.access_event DISABLE TRIGGER USER; TRUNCATE claimwatch.access_event;"
            "ALTER TABLE claimwatch.access_event ENABLE TRIGGER USER; SELECT 1"
        )

    def relax_duties(self, value: str = "relaxed") -> None:
        """Set the separation of duties without an event."""
        self.site.query("UPDATE claimwatch.setting SET value = %s RETURNING 1", value)


MACHINE = Caller("arn:aws:iam::123456789012:user/core-system", "claim_handling", "request-1")


def person(
    name: str = "ann",
    *groups: str,
    purpose: str | None = "fraud_investigation",
    request_id: str = "request-2",
) -> Caller:
    """Return a person who signed in."""
    return Caller(name, purpose, request_id, groups)


def values_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a claim by name."""
    columns: Sequence[Mapping[str, Any]] = document["columns"]
    return {column["name"]: column["value"] for column in columns}
