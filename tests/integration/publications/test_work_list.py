"""The list of `claimwatch referrals` and the desk: a claim that was decided at either leaves the list."""

from pathlib import Path

from claimwatch.storage import scores
from tests.cluster import ClonedDatabase
from tests.integration.access.environment import Desk
from tests.integration.publications.environment import Decisions


def test_a_claim_that_was_decided_at_the_desk_leaves_the_list_at_once(
    database: ClonedDatabase, tmp_path: Path
) -> None:
    desk = Desk.below(database, tmp_path)
    decisions = Decisions(database, desk.site)

    def listed(*, decided: bool = False) -> set[str]:
        with database.as_task("read").transaction() as cursor:
            found = scores.work_list(
                cursor, "glass", since=None, decided=decided, most_suspicious_first=False, limit=None
            )
        return {claim["claim_id"] for claim in found.claims}

    assert listed() == {"g-1", "g-2"}
    decision = decisions.decide("g-1", "inconclusive", line="glass")
    assert listed() == {"g-1", "g-2"}  # a first look, or one that was undone
    desk.site.query(
        "UPDATE claimwatch.review_case SET state = 'decided', decision_id = %s, closed_at = now()"
        " RETURNING 1",
        decision,
    )
    assert listed() == {"g-2"}
    assert listed(decided=True) == {"g-1", "g-2", "g-3"}
    decisions.decide("g-2", "fraud", line="glass")
    decisions.publish()
    decisions.load()
    assert listed() == set()
