"""Decisions in a database, and the pipeline that loads the files that they become."""

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from claimwatch.aws.events import CreatedObject
from claimwatch.aws.objects import ObjectRef
from claimwatch.cases.publish_decisions import Dependencies, Published, publish_decisions
from tests.cluster import ClonedDatabase
from tests.integration.ingest.environment import LANDING, Row, Site

OVER = 3600.0
"""Seconds after which a decision can be undone no more."""

_DECIDE = """
    WITH opened AS (
        INSERT INTO claimwatch.review_case AS c
            (line, claim_id, file_id, origin, blinded, priority, model_version, due_at)
        VALUES (%s, %s, 1, %s, true, 1, '1', now())
        ON CONFLICT (line, claim_id) DO UPDATE SET generation = c.generation + 1
        RETURNING *
    )
    INSERT INTO claimwatch.decision
        (decision_id, case_id, line, claim_id, generation, verdict, grounds, note, by, at, model_version,
         final)
    SELECT %s, case_id, line, claim_id, generation, %s, '{other}', 'a note', %s,
           clock_timestamp() - %s * interval '1 second', '1', %s
    FROM opened
    RETURNING 1
"""


@dataclass
class Decisions:
    """Cases that were decided; ``decide`` and ``undo`` write what functions of the API write."""

    database: ClonedDatabase
    site: Site
    loaded: set[str] = field(default_factory=set)

    @classmethod
    def below(cls, database: ClonedDatabase, folder: Path) -> "Decisions":
        """Return a database without a case."""
        return cls(database, Site.below(database, folder))

    def decide(
        self,
        claim: str,
        verdict: str = "fraud",
        *,
        line: str = "motor",
        by: str = "ida",
        origin: str = "referral",
        ago: float = OVER,
        final: bool = True,
    ) -> str:
        """Decide the case of a claim, which is opened if there is none; return the id of the decision."""
        decision = str(uuid.uuid4())
        self.site.query(_DECIDE, line, claim, origin, decision, verdict, by, ago, final)
        return decision

    def undo(self, decision: str) -> None:
        """Undo a decision."""
        self.site.query(
            "INSERT INTO claimwatch.decision_undo (decision_id, by) VALUES (%s, 'ida') RETURNING 1", decision
        )

    def dependencies(self, most: int = 1000) -> Dependencies:
        """Return the dependencies of a publication, with the rights of its task."""
        return Dependencies(self.database.as_task("decisions"), self.site.objects, LANDING, most)

    def publish(self, most: int = 1000) -> Published:
        """Publish what is due."""
        return publish_decisions(self.dependencies(most))

    def files(self) -> dict[str, list[Row]]:
        """Return the stored files of decisions by their keys."""
        folder = self.site.objects.folder / LANDING
        return {
            unquote(path.parent.name): [json.loads(line) for line in path.read_text("utf-8").splitlines()]
            for path in sorted(folder.glob("outcomes*decisions*/[0-9]*"))
        }

    def claims(self) -> list[str]:
        """Return the claims of all files, in their order."""
        return [row["claim_id"] for rows in self.files().values() for row in rows]

    def load(self) -> list[Row]:
        """Let the pipeline load each file once, and return the rows of the ledger."""
        rows = []
        for key in self.files().keys() - self.loaded:
            self.loaded.add(key)
            ref = ObjectRef(LANDING, key, "1")
            created = CreatedObject(ref, self.site.objects.size(ref), "00AA", datetime.now(UTC))
            file_id = self.site.register(created)
            self.site.run()
            rows.append(self.site.file(file_id))
        return rows
