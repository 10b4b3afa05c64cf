"""A line with cases, decisions and files of three months, generated, and what is known of them in memory."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg2.extras import Json, execute_values

from claimwatch.storage import desk
from claimwatch.storage.case_api import Answer, Caller
from tests.cluster import ClonedDatabase
from tests.integration.ingest.environment import Row, Site
from tests.integration.ingest.glass import GLASS, csv

CAPACITY, COST = 0.2, 35.0
LINE = "glass"
REVIEWED = GLASS.replace(
    "schema:\n",
    f"  - {{property: reviewCapacity, value: {CAPACITY}}}\n"
    f"  - {{property: reviewCost, value: {COST}}}\n"
    "  - {property: amountColumn, value: amount}\n"
    "schema:\n",
    1,
)
PEOPLE = ("ann", "bob", "cy", "dora")
VERDICTS = ("fraud", "not_fraud", "inconclusive")


@dataclass(frozen=True)
class KnownCase:
    """A case as it was stored."""

    case_id: UUID
    claim_id: str
    origin: str
    state: str
    amount: float | None
    opened_at: datetime
    due_at: datetime
    closed_at: datetime | None
    holder: str | None = None
    lease_until: datetime | None = None
    assigned_to: str | None = None
    snoozed_until: datetime | None = None


@dataclass(frozen=True)
class KnownDecision:
    """A decision as it was stored."""

    decision_id: UUID
    case: KnownCase
    verdict: str
    by: str
    at: datetime
    final: bool
    shown: bool
    seconds: float | None
    second_of: UUID | None = None
    undone: bool = False


@dataclass
class DeskBook:
    """Cases and decisions of line glass; ``now`` is when they were generated."""

    site: Site
    now: datetime
    draw: random.Random
    cases: list[KnownCase] = field(default_factory=list)
    decisions: list[KnownDecision] = field(default_factory=list)
    claims: list[datetime] = field(default_factory=list)

    @classmethod
    def generate(cls, database: ClonedDatabase, folder: Path, seed: int = 18, cases: int = 900) -> "DeskBook":
        """Return a book with so many cases."""
        site = Site.below(database, folder)
        assert site.put_contract(LINE, REVIEWED).status == "applied"
        book = cls(site, datetime.now(UTC), random.Random(seed))
        book._load_claims()
        for number in range(cases):
            book._add_case(number)
        book._store()
        return book

    def ask(self, function: Any, person: Caller, **asked: Any) -> Answer:
        """Call a function of the desk with the login of the API."""
        with self.site.database.as_task("api").transaction() as cursor:
            return desk.ask(cursor, function, asked, person)

    def events(self) -> list[Row]:
        """Return all access events, oldest first."""
        return self.site.query("SELECT * FROM claimwatch.access_event ORDER BY seq")

    def standing(self, kept: Callable[[KnownDecision], bool] = lambda _: True) -> list[KnownDecision]:
        """Return the decisions that were not undone."""
        return [each for each in self.decisions if not each.undone and kept(each)]

    def _load_claims(self) -> None:
        for weeks in range(20):
            at = self.now - timedelta(days=7 * weeks + self.draw.randrange(5))
            rows = self.draw.randrange(3, 40)
            records = [f"c{weeks}-{row},2026-01-01,{row},1,," for row in range(rows)]
            self.site.drop(f"claims/glass/{weeks}.csv", csv(*records), at=at)
            self.claims += [at] * rows

    def _add_case(self, number: int) -> None:
        draw = self.draw
        opened = self.now - timedelta(days=draw.uniform(0, 130))
        origin = draw.choice(("referral", "referral", "random_audit"))
        state = draw.choice(("open", "second_look", "decided", "decided", "decided", "settled", "withdrawn"))
        closed = None
        if state in ("decided", "settled", "withdrawn"):
            closed = opened + (self.now - opened) * draw.uniform(0.1, 0.9)
        waiting = closed is None
        held = waiting and draw.random() < 0.2
        case = KnownCase(
            UUID(int=draw.getrandbits(128), version=4),
            f"g-{number}",
            origin,
            state,
            None if draw.random() < 0.1 else float(draw.randrange(1, 5000)),
            opened,
            opened + timedelta(days=14),
            closed,
            draw.choice(PEOPLE) if held else None,
            self.now + timedelta(minutes=draw.choice((-20, 10_000))) if held else None,
            draw.choice(PEOPLE) if waiting and draw.random() < 0.1 else None,
            self.now + timedelta(days=draw.choice((-3, 3))) if waiting and draw.random() < 0.1 else None,
        )
        self.cases.append(case)
        if state in ("decided", "second_look"):
            self._decide(case)

    def _decide(self, case: KnownCase) -> None:
        looks = 1 if case.state == "second_look" else self.draw.choice((1, 1, 1, 2, 3))
        end = case.closed_at or self.now
        previous: KnownDecision | None = None
        for look in range(looks):
            at = case.opened_at + (end - case.opened_at) * (look + 1) / (looks + 1)
            final = case.state == "decided" and look == looks - 1
            undone = not final and self.draw.random() < 0.3
            made = KnownDecision(
                UUID(int=self.draw.getrandbits(128), version=4),
                case,
                self.draw.choice(VERDICTS),
                # One of them hardly ever decides.
                self.draw.choices(PEOPLE, (10, 10, 10, 0.2))[0],
                end if final else at,
                final,
                case.origin == "referral" and self.draw.random() < 0.7,
                None if self.draw.random() < 0.05 else self.draw.uniform(2, 120),
                previous.decision_id if previous and not undone else None,
                undone,
            )
            self.decisions.append(made)
            previous = previous if undone else made

    def _store(self) -> None:
        last = {each.case.case_id: each for each in self.decisions if each.final}
        rows: Sequence[tuple[Any, ...]] = [
            (
                str(c.case_id), LINE, c.claim_id, 1, c.state, c.origin, c.origin == "random_audit", 1.0,
                c.amount, "1", c.opened_at, c.due_at, c.holder, c.lease_until, 1, c.assigned_to,
                c.snoozed_until, str(last[c.case_id].decision_id) if c.case_id in last else None, c.closed_at,
            )
            for c in self.cases
        ]  # fmt: skip
        decided = [
            (
                str(d.decision_id), str(d.case.case_id), LINE, d.case.claim_id, number, d.verdict, ["other"],
                "", d.by, d.at, "1", Json({"probability": 0.5}) if d.shown else None,
                b"0" * 32 if d.shown else None,
                d.second_of and str(d.second_of), d.final, d.seconds,
            )
            for number, d in enumerate(self.decisions)
        ]  # fmt: skip
        with self.site.database.transaction() as cursor:
            execute_values(
                cursor,
                "INSERT INTO claimwatch.review_case (case_id, line, claim_id, file_id, state, origin,"
                " blinded, priority, amount, model_version, opened_at, due_at, holder, lease_until,"
                " generation, assigned_to, snoozed_until, decision_id, closed_at) VALUES %s",
                rows,
            )
            execute_values(
                cursor,
                "INSERT INTO claimwatch.decision (decision_id, case_id, line, claim_id, generation, verdict,"
                " grounds, note, by, at, model_version, shown, shown_sha256, second_of, final, seconds)"
                " VALUES %s",
                decided,
            )
            cursor.execute(
                "INSERT INTO claimwatch.decision_undo (decision_id, by)"
                " SELECT d.decision_id, d.by FROM claimwatch.decision AS d"
                " WHERE d.decision_id::text = ANY (%s)",
                [[str(each.decision_id) for each in self.decisions if each.undone]],
            )
            cursor.execute(
                "INSERT INTO claimwatch.case_event (case_id, actor, action, at)"
                " SELECT c.case_id, e.actor, e.action, c.lease_until - e.before"
                " FROM claimwatch.review_case AS c,"
                " LATERAL (VALUES (c.holder, 'next', interval '15 minutes'), (c.holder, 'next', '2 days'),"
                " (c.holder, 'snooze', '1 minute'), ('another', 'next', '5 minutes'))"
                " AS e (actor, action, before)"
                " WHERE c.holder IS NOT NULL"
            )


def monday(moment: datetime) -> datetime:
    """Return the start of the ISO week of a moment, in UTC."""
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def person(name: str, *groups: str, purpose: str = "operations") -> Caller:
    """Return a person who signed in."""
    return Caller(name, purpose, f"request of {name}", groups)
