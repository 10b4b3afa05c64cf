"""Twenty people at once, whose browsers die and whose clocks are wrong: no case is decided twice or lost."""

import random
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import pytest

from claimwatch.errors import TransientFault
from claimwatch.storage import desk
from claimwatch.storage.connection import Database
from tests.integration.desk.environment import Book, decision, investigator

PEOPLE, CASES, REQUESTS = 20, 10_000, 60

FILL = """
    INSERT INTO claimwatch.review_case
        (line, claim_id, file_id, origin, blinded, priority, amount, model_version, due_at)
    SELECT 'glass', 'c-' || n, 1, CASE WHEN n %% 10 = 0 THEN 'random_audit' ELSE 'referral' END, n %% 10 < 2,
           abs(hashint8(n)) / 1e6, n %% 1000, '1', now() + interval '14 days'
    FROM generate_series(1, %s) AS n RETURNING 1
"""
ENDINGS = (
    "kill",
    "lose the answer",
    "forget",
    "expire",
    "skip",
    "undo",
    "decide",
    "decide",
    "decide",
    "decide",
)


@contextmanager
def connected(book: Book) -> Iterator[Database]:
    """Open a session of the API, which the test may kill."""
    with closing(book.database.separately("api")) as database:
        yield database


class Person:
    """A person with a browser, which asks over a connection that may break off at any moment."""

    owner = threading.Lock()
    """Of the one connection of the owner, which moves the clock."""

    def __init__(self, book: Book, number: int) -> None:
        self.book = book
        self.name = f"person-{number}"
        self.draw = random.Random(number)
        self.answered: Counter[str] = Counter()
        self.late: list[dict[str, Any]] = []
        """Requests of tabs that lost their lease."""

    def work(self) -> None:
        """Ask for cases and end each in one of the ways."""
        left = REQUESTS
        while left:
            with connected(self.book) as database:
                while left:
                    left -= 1
                    try:
                        self._handle(database)
                    except (TransientFault, KilledError):
                        break

    def _ask(
        self, database: Database, name: desk.Function, *, kill: bool = False, **asked: Any
    ) -> dict[str, Any]:
        with database.transaction() as cursor:
            answer = desk.ask(cursor, name, asked, investigator(self.name))
            if kill:
                cursor.connection.close()  # the browser and its request die before the commit
                raise KilledError
        self.answered[f"{name} {answer.document.get('code', answer.outcome)}"] += 1
        return answer.document

    def _handle(self, database: Database) -> None:
        ending = self.draw.choice(ENDINGS)
        case = self._ask(database, "next_case", kill=ending == "kill")["case"]
        asked = decision(case, verdict=self.draw.choice(["fraud", "not_fraud", "inconclusive"]))
        match ending:
            case "forget":
                self._ask(database, "case_action", **_act(case, "release"))
                self.late.append(asked)
            case "expire":
                # A laptop that slept: the database's clock went on, whatever the laptop's clock says.
                self.end_lease(case)
                self.late.append(asked)
            case "skip":
                self._ask(database, "case_action", **_act(case, "skip", until=None))
                self.late.append(asked)
            case "undo":
                answer = self._ask(database, "decide", **asked)
                if "decision" in answer:
                    undone = {"case_id": case["case_id"], "decision_id": asked["decision_id"]}
                    back = self._ask(database, "undo", **undone)
                    self._ask(database, "case_action", **_act(back["case"], "release"))
                self.late.append(asked | {"decision_id": str(uuid.uuid4())})
            case "lose the answer":
                self._ask(database, "decide", **asked)
                self._ask(database, "decide", **asked)
            case _:
                self._ask(database, "decide", **asked)
        if self.late and self.draw.random() < 0.5:
            self._ask(database, "decide", **self.late.pop(0))

    def end_lease(self, case: dict[str, Any]) -> None:
        """Let the lease of this person end."""
        with self.owner:
            self.book.query(
                "UPDATE claimwatch.review_case SET lease_until = clock_timestamp() - interval '1 us'"
                " WHERE case_id = %s AND holder = %s; SELECT 1",
                case["case_id"],
                self.name,
            )


class KilledError(Exception):
    """The connection was closed on purpose."""


def _act(case: dict[str, Any], action: str, **more: Any) -> dict[str, Any]:
    return {"case_id": case["case_id"], "action": action, "generation": case["lease"]["generation"]} | more


@pytest.fixture(scope="module")
def after(shared_book: Book) -> list[Person]:
    """Let twenty people work at once, and return them."""
    shared_book.add_line()
    shared_book.query(FILL, CASES)
    people = [Person(shared_book, number) for number in range(PEOPLE)]
    begin = threading.Barrier(PEOPLE)

    def work(each: Person) -> None:
        begin.wait()
        each.work()

    with ThreadPoolExecutor(PEOPLE) as pool:
        list(pool.map(work, people))
    return people


STANDING = (
    "SELECT d.* FROM claimwatch.decision AS d"
    " WHERE NOT EXISTS (SELECT FROM claimwatch.decision_undo AS u WHERE u.decision_id = d.decision_id)"
)


def test_everybody_decided_cases_at_once(after: list[Person], shared_book: Book) -> None:
    answered = sum((each.answered for each in after), Counter[str]())
    assert answered["decide answered"] > PEOPLE * REQUESTS / 4
    assert answered["undo answered"] > 20
    assert answered["decide stale"] + answered["decide decided"] > 50
    assert set(answered) <= {
        "next_case answered", "decide answered", "decide stale", "decide decided", "undo answered",
        "case_action answered", "decide changed", "decide own_decision",
    }  # fmt: skip


def test_no_case_is_decided_twice(after: list[Person], shared_book: Book) -> None:
    found = shared_book.query(f"{STANDING} AND d.final")
    assert len(found) == len({row["case_id"] for row in found}) > 100
    decided = shared_book.query(
        "SELECT case_id, decision_id FROM claimwatch.review_case WHERE state = 'decided'"
    )
    assert {(row["case_id"], row["decision_id"]) for row in found} == {
        (row["case_id"], row["decision_id"]) for row in decided
    }


def test_two_people_never_held_one_case_at_a_time(after: list[Person], shared_book: Book) -> None:
    """Each hand-out to another holder has a generation of its own, and a generation decides once at most."""
    [twice] = shared_book.query(
        "SELECT count(*) AS n FROM (SELECT 1 FROM claimwatch.decision GROUP BY case_id, generation"
        " HAVING count(*) > 1) AS x"
    )
    assert twice["n"] == 0
    held = shared_book.query(
        "SELECT holder, count(*) AS n FROM claimwatch.review_case WHERE holder IS NOT NULL GROUP BY holder"
    )
    assert held == [] or max(row["n"] for row in held) <= REQUESTS


def test_each_hand_out_is_one_access_event(after: list[Person], shared_book: Book) -> None:
    answered = sum((each.answered for each in after), Counter[str]())
    events = Counter(event["action"] for event in shared_book.events())
    assert events["case.next"] == answered["next_case answered"]
    assert events["case.decide"] == sum(n for name, n in answered.items() if name.startswith("decide "))
    assert events["case.undo"] == answered["undo answered"]


def test_no_case_is_stuck_longer_than_its_lease(after: list[Person], shared_book: Book) -> None:
    [stuck] = shared_book.query(
        "SELECT count(*) AS n FROM claimwatch.review_case"
        " WHERE lease_until > clock_timestamp() + interval '15 minutes'"
    )
    assert stuck["n"] == 0
    shared_book.query(
        "UPDATE claimwatch.review_case SET lease_until = clock_timestamp()"
        " WHERE holder IS NOT NULL RETURNING 1"
    )
    shared_book.query(
        "UPDATE claimwatch.review_case SET priority = 1e9 + priority"
        " WHERE generation > 0 AND closed_at IS NULL RETURNING 1"
    )
    left = shared_book.query(
        "SELECT case_id FROM claimwatch.review_case WHERE generation > 0 AND closed_at IS NULL"
    )
    for _ in left:
        case = shared_book.next("somebody new")
        shared_book.decided(case, "somebody new")
    [waiting] = shared_book.query(
        "SELECT count(*) AS n FROM claimwatch.review_case WHERE generation > 0 AND closed_at IS NULL"
    )
    assert waiting["n"] == 0


def test_an_undone_decision_is_never_published(after: list[Person], shared_book: Book) -> None:
    undone = {
        row["decision_id"] for row in shared_book.query("SELECT decision_id FROM claimwatch.decision_undo")
    }
    assert len(undone) > 20
    offered = shared_book.query("SELECT decision_id FROM claimwatch.decision_to_publish")
    assert offered
    assert not undone & {row["decision_id"] for row in offered}
